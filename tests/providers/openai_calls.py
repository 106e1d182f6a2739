"""Calls of OpenAI's adapter for tests: from any dialect, and what goes out for them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from apps.core.chat import (
    Body,
    ChatDetails,
    ChatRequest,
    ChatResponse,
    Dialect,
    Grammar,
    Part,
    Role,
    StreamEvent,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters.base import (
    AttemptError,
    Connection,
    ModelFacts,
    ProviderCall,
    Timeouts,
)
from apps.providers.adapters.openai.requests import Outgoing, build_request

SECRET = "secret-of-the-provider-1234"
USUAL = "gpt-4.1-mini"
THINKER = "gpt-5-mini"
WEATHER = Tool("weather", "Tells it.", {"type": "object", "properties": {"city": {}}})
CLOCK = Tool("clock")


def turn(role: Role, *parts: Part | str, name: str = "") -> Turn:
    """Return a turn; texts may be given as they are."""
    made = (Text(part) if isinstance(part, str) else part for part in parts)
    return Turn(role, tuple(made), name)


HELLO = turn("user", "Hello")


def calling(*ids: str, before: Sequence[Part] = ()) -> Turn:
    """Return an assistant's turn that calls the weather tool once for each id."""
    calls = (ToolCall(each, "weather", '{"city": "Roma"}') for each in ids)
    return Turn("assistant", (*before, *calls))


def result(call_id: str, *parts: Any, **fields: Any) -> ToolResult:
    """Return what the tool said: sunny, unless parts are given."""
    return ToolResult(call_id, parts or (Text("sunny"),), **fields)


def translated(
    *turns: Turn,
    model: str = USUAL,
    kind: str = "",
    url: str = "http://server.test/v1",
    dialect: Dialect = "anthropic",
    capabilities: Mapping[str, str] | None = None,
    request: Mapping[str, Any] | None = None,
    **details: Any,
) -> ProviderCall:
    """Return a call that came in another dialect; `request` are fields that ChatRequest has."""
    found = ChatDetails(turns=turns or (HELLO,), **details)
    asked = ChatRequest(
        model="alias",
        messages=tuple(each.as_message() for each in found.turns),
        dialect=dialect,
        raw={"any": "body"},
        grammar=Grammar(lambda _body: found, _no_amending),
        **(request or {}),
    )
    return _aimed(asked, model, kind, url, capabilities)


def passed(
    body: Mapping[str, Any],
    *,
    model: str = USUAL,
    kind: str = "",
    url: str = "http://server.test/v1",
    capabilities: Mapping[str, str] | None = None,
) -> ProviderCall:
    """Return a call that came in the same dialect, read as the door reads it."""
    asked = openai_chat.parse({"model": "alias", "messages": [said("user", "Hello")], **body})
    return _aimed(asked, model, kind, url, capabilities)


def _no_amending(_body: Body, _before: Sequence[Turn], _set: Mapping[str, Any]) -> dict[str, Any]:
    raise AssertionError("a body of another dialect is never sent")


def _aimed(
    request: ChatRequest, model: str, kind: str, url: str, facts: Mapping[str, str] | None
) -> ProviderCall:
    connection = Connection("openai", url, model, SECRET, server_kind=kind)
    limits = Timeouts(first_token=10, idle=5, total=20)
    model_facts = ModelFacts(capabilities=facts or {})
    return ProviderCall(request, connection, None, limits, "req_1", model_facts)


def outgoing(*turns: Turn, is_streamed: bool = False, **fields: Any) -> Outgoing:
    """Return what goes out for a request in another dialect."""
    return build_request(translated(*turns, **fields), is_streamed=is_streamed)


def sent(*turns: Turn, **fields: Any) -> dict[str, Any]:
    return outgoing(*turns, **fields).body


def thread(*turns: Turn, **fields: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = sent(*turns, **fields)["messages"]
    return messages


def sent_on(body: Mapping[str, Any], *, is_streamed: bool = False, **fields: Any) -> Outgoing:
    """Return what goes out for a body of the same dialect."""
    return build_request(passed(body, **fields), is_streamed=is_streamed)


def refusal(*turns: Turn, **fields: Any) -> AttemptError:
    """Return the error of a request that cannot be translated."""
    with pytest.raises(AttemptError) as told:
        sent(*turns, **fields)
    assert told.value.kind == "not_expressible"
    return told.value


def said(role: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def put_together(events: Iterable[StreamEvent]) -> ChatResponse:
    """Return a stream as the whole answer that it makes, by the neutral parts alone."""
    found = list(events)
    calls: dict[int, ToolCall] = {}
    for delta in (event.tool_call for event in found if event.tool_call):
        seen = calls.get(delta.index, ToolCall(delta.id, delta.name, ""))
        calls[delta.index] = ToolCall(seen.id, seen.name, seen.arguments + delta.arguments)
    assert sorted(calls) == list(range(len(calls)))
    (reason,) = [event.finish_reason for event in found if event.finish_reason]
    (usage,) = [event.usage for event in found if event.usage]
    thoughts = [event.thought for event in found if event.thought]
    assert "".join(event.thinking for event in found) == "".join(t.text for t in thoughts)
    text = "".join(event.text for event in found)
    spoken = (Text(text),) if text else ()
    parts = (*thoughts, *spoken, *(calls[index] for index in sorted(calls)))
    return ChatResponse(text, reason, usage, parts=parts, dropped=found[0].dropped)
