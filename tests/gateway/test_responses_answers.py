"""Answers of the Responses API: whole, and the grammar of their events. Pure."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    FinishReason,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolCallDelta,
)
from apps.core.errors import ProviderFailed, RateLimited
from apps.gateway.wire.openai_responses.answers import Asked, render
from apps.gateway.wire.openai_responses.stream import ResponseEvents
from apps.gateway.wire.rendering import AnswerHead

HEAD = AnswerHead("0193" * 8, "m-large", "alias", 1_700_000_000)
USAGE = TokenUsage(20, 8, 5, 3, 2)
ASKED = Asked({"temperature": 0.5, "tools": [{"type": "function", "name": "f"}]}, True)
THOUGHT = Thinking("Hm.", "sig", "", "anthropic")
CALL = ToolCall("call_1", "f", '{"a":1}')
words = st.text(min_size=1, max_size=6)
arguments = st.dictionaries(words, st.integers(), max_size=2).map(json.dumps)
parts: st.SearchStrategy[AnswerPart] = st.one_of(
    st.builds(Text, words),
    st.builds(Thinking, words, words, st.just(""), st.just("anthropic")),
    st.builds(Thinking, st.just(""), st.just(""), words, st.just("anthropic")),
    st.builds(ToolCall, words, words, arguments),
)


def events_of(said: Iterable[StreamEvent], *, ends: bool = True) -> list[dict[str, Any]]:
    """Return what a client reads of these events."""
    renderer = ResponseEvents(HEAD, ASKED)
    pieces = [renderer.render(event) for event in said]
    if ends:
        pieces.append(renderer.end(USAGE))
    return read(b"".join(pieces))


def read(data: bytes) -> list[dict[str, Any]]:
    found = []
    for block in data.decode().split("\n\n")[:-1]:
        name, value = block.split("\n")
        event = json.loads(value.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def pieces_of(answer: Iterable[AnswerPart], reason: FinishReason) -> list[StreamEvent]:
    found: list[StreamEvent] = []
    calls = 0
    for part in answer:
        match part:
            case Text():
                found += [StreamEvent(letter) for letter in part.text]
            case Thinking():
                found += [StreamEvent(thinking=letter) for letter in part.text]
                found.append(StreamEvent(thought=part))
            case ToolCall():
                found.append(StreamEvent(tool_call=ToolCallDelta(calls, part.id, part.name)))
                found += [
                    StreamEvent(tool_call=ToolCallDelta(calls, arguments=letter))
                    for letter in part.arguments
                ]
                calls += 1
    return [*found, StreamEvent(finish_reason=reason, usage=USAGE)]


def test_r2__whole_answer__has_every_field_and_its_items() -> None:
    response = ChatResponse(
        "Hi!",
        "tool_calls",
        USAGE,
        raw={"id": "chatcmpl-1"},
        raw_dialect="openai.chat",
        parts=(THOUGHT, Text("Hi"), Text("!"), CALL),
    )
    body = render(response, HEAD, ASKED)
    reasoning, message, call = body["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert reasoning["encrypted_content"]
    assert message["content"] == [
        {"type": "output_text", "text": "Hi!", "annotations": [], "logprobs": []}
    ]
    assert (call["call_id"], call["name"], call["arguments"]) == ("call_1", "f", '{"a":1}')
    assert [item["id"].partition("_")[0] for item in body["output"]] == ["rs", "msg", "fc"]
    assert body["id"] == f"resp_{HEAD.token}"
    assert (body["object"], body["status"], body["model"]) == ("response", "completed", "m-large")
    assert (body["temperature"], body["top_p"], body["store"]) == (0.5, 1.0, True)
    assert body["text"] == {"format": {"type": "text"}}
    assert body["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 28,
    }


@pytest.mark.parametrize(
    ("reason", "status", "cut_by"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_r4__finish_reason__is_the_status(
    reason: FinishReason, status: str, cut_by: str | None
) -> None:
    whole = render(ChatResponse("Hi", reason, USAGE), HEAD, ASKED)
    last = events_of(pieces_of([Text("Hi")], reason))[-1]
    assert last["type"] == f"response.{status}"
    for body in (whole, last["response"]):
        assert body["status"] == status
        assert body["output"][0]["status"] == status
        assert body["incomplete_details"] == ({"reason": cut_by} if cut_by else None)


def test_r2__nothing_said__is_no_item() -> None:
    assert render(ChatResponse("", "length", USAGE), HEAD, ASKED)["output"] == []
    events = events_of([StreamEvent(finish_reason="length", usage=USAGE)])
    assert [event["type"] for event in events] == [
        "response.created",
        "response.in_progress",
        "response.incomplete",
    ]


@given(st.lists(parts, max_size=6))
def test_r3__any_answer__has_the_whole_grammar_and_ends_as_its_whole_form(
    answer: list[AnswerPart],
) -> None:
    events = events_of(pieces_of(answer, "stop"))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    text = "".join(part.text for part in answer if isinstance(part, Text))
    whole = render(ChatResponse(text, "stop", USAGE, parts=tuple(answer)), HEAD, ASKED)
    assert events[-1]["response"] == whole
    for place, item in enumerate(whole["output"]):
        mine = [event for event in events if event.get("output_index") == place]
        assert mine[0]["type"] == "response.output_item.added"
        assert mine[-1] == {
            "type": "response.output_item.done",
            "output_index": place,
            "item": item,
            "sequence_number": mine[-1]["sequence_number"],
        }
        assert {event.get("item_id", item["id"]) for event in mine} == {item["id"]}
        assert mine[0]["item"]["id"] == item["id"]
    kinds = [event["type"].rpartition(".")[2] for event in events]
    assert kinds.count("added") == kinds.count("done") - sum(
        event["type"].endswith(("text.done", "arguments.done")) for event in events
    )


def test_r3__calls_in_turns__lose_no_piece() -> None:
    def piece(index: int, text: str = "", name: str = "") -> StreamEvent:
        call_id = f"call_{index}" if name else ""
        return StreamEvent(tool_call=ToolCallDelta(index, call_id, name, text))

    said = [piece(0, '{"a', "f"), piece(1, "", "g"), piece(0, '":1}'), piece(1, "{}")]
    events = events_of([*said, StreamEvent(finish_reason="tool_calls")])
    output = events[-1]["response"]["output"]
    assert [item["arguments"] for item in output] == ['{"a":1}', "{}"]
    for place, item in enumerate(output):
        mine = [event for event in events if event.get("output_index") == place]
        deltas = [event["delta"] for event in mine if event["type"].endswith("arguments.delta")]
        assert "".join(deltas) == item["arguments"]
        # Whatever order the pieces have, nothing of an item follows its end.
        assert mine[-2]["arguments"] == item["arguments"]
        assert mine[-1]["item"] == item


def test_r3__whole_call_at_once__still_has_its_delta() -> None:
    call = ToolCallDelta(0, "call_1", "f", '{"a":1}')
    kinds = [event["type"] for event in events_of([StreamEvent(tool_call=call)], ends=False)]
    assert "response.function_call_arguments.delta" in kinds


def test_r3__call_without_arguments__has_an_empty_object() -> None:
    said = [StreamEvent(tool_call=ToolCallDelta(0, "call_1", "f"))]
    events = events_of([*said, StreamEvent(finish_reason="tool_calls")])
    told = [event for event in events if "function_call_arguments" in event["type"]]
    assert [event.get("delta", event.get("arguments")) for event in told] == ["{}", "{}"]
    assert events[-1]["response"]["output"][0]["arguments"] == "{}"


def test_r3__pieces_come_one_by_one__and_each_is_told_at_once() -> None:
    renderer = ResponseEvents(HEAD, ASKED)
    for text in ("a", "b"):
        told = read(renderer.render(StreamEvent(text)))
        assert told[-1]["delta"] == text


@pytest.mark.parametrize(
    ("error", "code"),
    [(ProviderFailed("it broke"), "server_error"), (RateLimited("slow"), "rate_limit_exceeded")],
)
def test_r4__failure_half_way__fails_the_response_and_is_an_error(error: Any, code: str) -> None:
    renderer = ResponseEvents(HEAD, ASKED)
    begun = read(renderer.render(StreamEvent("Hal")))
    failed, told = read(renderer.error(error))
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": code, "message": error.message}
    assert failed["response"]["output"][0]["status"] == "incomplete"
    assert (told["type"], told["message"], told["code"]) == ("error", error.message, error.code)
    assert told["error"]["message"] == error.message
    assert told["sequence_number"] == len(begun) + 1


def test_r3__logprobs__come_with_their_text() -> None:
    token = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    logprobs = {"content": [token]}
    whole = render(ChatResponse("Hi", "stop", USAGE, logprobs=logprobs), HEAD, ASKED)
    events = events_of([StreamEvent("Hi", logprobs=logprobs), StreamEvent(finish_reason="stop")])
    assert whole["output"] == events[-1]["response"]["output"]
    assert whole["output"][0]["content"][0]["logprobs"] == [token]
