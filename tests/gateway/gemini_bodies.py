"""Bodies in Gemini's dialect, and how the router reads them."""

from typing import Any

import pytest

from apps.core.chat import (
    ChatDetails,
    ChatRequest,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.core.errors import InvalidRequest
from apps.gateway.wire.gemini.request import parse

HELLO: dict[str, Any] = {"contents": [{"parts": [{"text": "Hi"}]}]}
ROME = {"functionCall": {"name": "weather", "args": {"city": "Roma"}}}
PARIS = {"functionCall": {"name": "weather", "args": {"city": "Paris"}}}
CLOCK = {"functionCall": {"name": "clock"}}
SIGNED = Thinking("Hm.", "sig-1", origin="anthropic")
# What clients that keep bytes make of "+/+/", and leave unpadded.
URLSAFE = "-_-_YQ"


def read(body: dict[str, Any], *, is_streamed: bool = False) -> ChatRequest:
    return parse(body, model="models/pro", is_streamed=is_streamed)


def details(**fields: Any) -> ChatDetails:
    return read({**HELLO, **fields}).details()


def turns(*contents: Any, **fields: Any) -> tuple[Turn, ...]:
    return read({"contents": list(contents), **fields}).details().turns


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def result(name: str, response: Any, **fields: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": response, **fields}}


def ids_of(turn: Turn) -> list[str]:
    calls = [part.id for part in turn.parts if isinstance(part, ToolCall)]
    return calls + [part.call_id for part in turn.parts if isinstance(part, ToolResult)]


def refused(body: dict[str, Any], *, in_full: bool = False) -> str | None:
    """Return the field that is named."""
    with pytest.raises(InvalidRequest) as told:
        (read(body).details if in_full else lambda: read(body))()
    return told.value.param
