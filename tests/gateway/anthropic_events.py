"""Answers in Anthropic's dialect, and what its own client makes of them."""

from collections.abc import Sequence
from typing import Any, cast

import orjson
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    FinishReason,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCallDelta,
)
from apps.gateway.wire.anthropic.answers import render
from apps.gateway.wire.anthropic.stream import MessageEvents
from apps.gateway.wire.rendering import AnswerHead

TOKEN = "0193f0aa1122733344445555666677778888"[:32]
HEAD = AnswerHead(TOKEN, "gpt-4o", "my-alias", 7)
USAGE = TokenUsage(28, 7, cached_input_tokens=5, cache_write_tokens=3, reasoning_tokens=2)
COUNTS = {
    "input_tokens": 20,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 5,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 2},
}
SIGNED = Thinking("Hm.", "c2ln", origin="gemini")


def whole(*parts: AnswerPart, reason: FinishReason = "stop", **options: Any) -> dict[str, Any]:
    said = "".join(part.text for part in parts if isinstance(part, Text))
    body = render(ChatResponse(said, reason, USAGE, parts=parts), HEAD, **options)
    SdkMessage.model_validate(body, strict=True)
    return body


def events(*given: StreamEvent, usage: TokenUsage | None = USAGE, **options: Any) -> list[Any]:
    """Return the data of the events of a stream that came to its end."""
    renderer = MessageEvents(HEAD, **options)
    sent = b"".join((*map(renderer.render, given), renderer.end(usage)))
    return [event for _name, event in read_events(sent)]


def read_events(sent: bytes) -> list[tuple[str, Any]]:
    found = []
    for one in sent.decode().split("\n\n")[:-1]:
        name, data = one.split("\n")
        found.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return found


def accumulated(given: Sequence[Any]) -> Any:
    """Return the message that the official client makes of the events."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in given:
        if event["type"] != "ping":
            snapshot = accumulate_event(
                event=cast("RawMessageStreamEvent", event),
                current_snapshot=snapshot,
                json_bufs=buffers,
            )
    return snapshot.to_dict()


def check_grammar(given: Sequence[Any]) -> None:
    """Hold that blocks never overlap, are numbered without gaps, and that the frame is right."""
    kinds = [event["type"] for event in given if event["type"] != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta")] == [1, 1]
    is_open, last = False, -1
    for event in given:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                assert event["index"] == last + 1
                is_open, last = True, last + 1
            case "content_block_delta":
                assert is_open
                assert event["index"] == last
            case "content_block_stop":
                assert is_open
                assert event["index"] == last
                is_open = False
    assert not is_open


def answered(*given: StreamEvent, **options: Any) -> Any:
    """Return the message of a stream whose grammar is right."""
    found = events(*given, **options)
    check_grammar(found)
    return accumulated(found)


def piece(index: int, arguments: str = "", call_id: str = "", name: str = "") -> StreamEvent:
    return StreamEvent(tool_call=ToolCallDelta(index, call_id, name, arguments))
