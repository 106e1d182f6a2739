"""OpenAI chat bodies as calls of Anthropic, and Anthropic's answers as its SDK knows them."""

import json
from typing import Any

import anthropic.types as wire
import pytest

from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters.anthropic.requests import Outgoing, build_request
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts

NEW, OLD, MANUAL = "claude-opus-4-8", "claude-3-5-haiku-20241022", "claude-sonnet-4-5-20250929"
HELLO = {"role": "user", "content": "Hello"}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells it.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"$ref": "#/$defs/city"}, "unit": {"enum": ["c", "f"]}},
            "$defs": {"city": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "clock"}}


def make_call(*, model: str = NEW, limit: int | None = None, **body: Any) -> ProviderCall:
    """Return the call that a body becomes; it says hello when it has no messages."""
    request = openai_chat.parse({"model": "auto", "messages": [HELLO], **body})
    connection = Connection("anthropic", "", model)
    return ProviderCall(request, connection, limit, Timeouts(), "req_1")


def outgoing(*messages: dict[str, Any], model: str = NEW, **body: Any) -> Outgoing:
    """Return what is asked of the provider for a body with these messages."""
    given: dict[str, Any] = {"messages": list(messages)} if messages else {}
    return build_request(make_call(model=model, **given, **body))


def asked(*messages: dict[str, Any], model: str = NEW, **body: Any) -> dict[str, Any]:
    """Return the body that goes out."""
    return outgoing(*messages, model=model, **body).body


def thread(*messages: dict[str, Any], **body: Any) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return role and blocks of each message that goes out."""
    return [(each["role"], each["content"]) for each in asked(*messages, **body)["messages"]]


def refusal(*messages: dict[str, Any], model: str = NEW, **body: Any) -> AttemptError:
    """Return the error of a request that cannot be translated."""
    with pytest.raises(AttemptError) as told:
        outgoing(*messages, model=model, **body)
    assert told.value.kind == "not_expressible"
    return told.value


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def calling(*ids: str, content: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return an assistant's message that calls the weather tool once for each id."""
    function = {"name": "weather", "arguments": '{"city": "Rome"}'}
    calls = [{"id": each, "type": "function", "function": function} for each in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls, **fields}


def result(call_id: str, content: Any = "sunny") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def make_message(*blocks: dict[str, Any], reason: str = "end_turn", **usage: int) -> bytes:
    """Return a whole answer, which the SDK takes for one too."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": NEW,
        "content": list(blocks),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 7, **usage},
    }
    wire.Message.model_validate(message)
    return json.dumps(message).encode()
