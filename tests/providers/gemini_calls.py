"""OpenAI chat bodies as calls of Gemini, and the adapter aimed at a provider that checks them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from apps.core.chat import ChatResponse, StreamEvent
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters.base import (
    AttemptError,
    Connection,
    ModelFacts,
    ProviderCall,
    Timeouts,
)
from apps.providers.adapters.google.reading import AnswerReader
from apps.providers.adapters.google.requests import Outgoing, build_request
from apps.providers.adapters.registry import adapter_for
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server

NEW, PRO, OLD = "gemini-3-flash", "gemini-3.1-pro-preview", "gemini-2.5-flash"
SECRET = "secret-of-the-provider-1234"
HELLO = {"role": "user", "content": "Hello"}
PNG = "iVBORw0KGgo="
PNG_URL = f"data:image/png;base64,{PNG}"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells it.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"$ref": "#/$defs/city"},
                "unit": {"enum": ["c", "f"]},
                # Names of the caller's that are keywords elsewhere.
                "const": {"type": "string"},
                "additionalProperties": {"type": ["string", "null"]},
            },
            "$defs": {"city": {"oneOf": [{"type": "string"}, {"type": "null"}]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "clock"}}


def make_call(
    *,
    model: str = NEW,
    limit: int | None = None,
    url: str = "",
    facts: ModelFacts | None = None,
    **body: Any,
) -> ProviderCall:
    """Return the call that a body becomes; it says hello when it has no messages."""
    request = openai_chat.parse({"model": "auto", "messages": [HELLO], **body})
    connection = Connection("google", url, model, SECRET)
    limits = Timeouts(first_token=5, idle=5, total=10)
    return ProviderCall(request, connection, limit, limits, "req_1", facts or ModelFacts())


def outgoing(*messages: dict[str, Any], **options: Any) -> Outgoing:
    """Return what is asked of the provider for a body with these messages."""
    given: dict[str, Any] = {"messages": list(messages)} if messages else {}
    return build_request(make_call(**given, **options))


def asked(*messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the body that goes out."""
    return outgoing(*messages, **options).body


def contents(*messages: dict[str, Any], **options: Any) -> list[tuple[str, list[Any]]]:
    """Return role and parts of each content that goes out."""
    return [(each["role"], each["parts"]) for each in asked(*messages, **options)["contents"]]


def config(**options: Any) -> dict[str, Any]:
    """Return the `generationConfig` that goes out."""
    found: dict[str, Any] = asked(**options).get("generationConfig", {})
    return found


def refusal(*messages: dict[str, Any], **options: Any) -> AttemptError:
    """Return the error of a request that cannot be translated."""
    with pytest.raises(AttemptError) as told:
        outgoing(*messages, **options)
    assert told.value.kind == "not_expressible"
    return told.value


def calling(*ids: str, name: str = "get_weather", **fields: Any) -> dict[str, Any]:
    """Return an assistant's message that calls a tool once for each id."""
    function = {"name": name, "arguments": '{"city": "Rome"}'}
    calls = [{"id": each, "type": "function", "function": function, **fields} for each in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: str, content: Any = "sunny", **fields: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **fields}


def read(*chunks: dict[str, Any], **options: Any) -> tuple[list[StreamEvent], AnswerReader]:
    """Return the events of chunks of one answer, and their reader."""
    call = make_call(**options)
    reader = AnswerReader(call, build_request(call))
    return [event for chunk in chunks for event in reader.read(chunk)], reader


def chunk_of(*parts: dict[str, Any], reason: str = "", **fields: Any) -> dict[str, Any]:
    """Return a chunk with one candidate."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], **fields}


@dataclass(frozen=True, slots=True)
class Gemini:
    """The adapter, and a simulated provider that refuses what the real one would."""

    server: WireServer

    async def whole(self, script: str = "text", **options: Any) -> ChatResponse:
        """Return the whole answer that a script gives."""
        self.server.plan(script)
        return await adapter_for("google").complete(self.call(**options))

    async def events(self, script: str = "text", **options: Any) -> list[StreamEvent]:
        """Return the events of the streamed answer that a script gives."""
        self.server.plan(script)
        return [event async for event in adapter_for("google").stream(self.call(**options))]

    def call(self, **options: Any) -> ProviderCall:
        return make_call(url=self.server.url_of("google"), **options)

    def sent(self) -> dict[str, Any]:
        """Return the last body that the provider got."""
        return self.server.received[-1].body


@contextmanager
def running_gemini() -> Iterator[Gemini]:
    """Serve the simulated provider until the block ends."""
    with running_wire_server(secret=SECRET) as server:
        yield Gemini(server)
