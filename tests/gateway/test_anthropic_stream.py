"""Streamed answers in Anthropic's dialect, judged by its own client. AO11 to AO15, AG1, AG2."""

import itertools
from typing import Any

import orjson
import pytest

from apps.core.chat import (
    StreamEvent,
    Thinking,
    ToolCallDelta,
)
from apps.gateway.wire.anthropic.stream import MessageEvents
from tests.gateway.anthropic_events import (
    COUNTS,
    HEAD,
    SIGNED,
    TOKEN,
    USAGE,
    accumulated,
    answered,
    check_grammar,
    events,
    piece,
    read_events,
)


def test_ao11__stream__is_start_blocks_delta_stop() -> None:
    found = events(
        StreamEvent(thinking="H"),
        StreamEvent(thinking="m."),
        StreamEvent(thought=SIGNED),
        StreamEvent("Let me "),
        StreamEvent("see."),
        piece(0, "", "t1", "clock"),
        piece(0, '{"a"'),
        piece(0, ":1}"),
        StreamEvent(finish_reason="tool_calls"),
    )
    check_grammar(found)
    assert found[0]["message"]["content"] == []
    assert found[0]["message"]["stop_reason"] is None
    assert found[0]["message"]["usage"]["input_tokens"] == 0
    assert found[1] == {"type": "ping"}
    message = accumulated(found)
    assert message["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "gemini:c2ln"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "t1", "name": "clock", "input": {"a": 1}},
    ]
    assert (message["id"], message["model"]) == (f"msg_{TOKEN}", "my-alias")
    assert message["stop_reason"] == "tool_use"


def test_t5__each_event__has_its_name_in_a_line_of_its_own() -> None:
    sent = MessageEvents(HEAD).render(StreamEvent("Hi"))
    assert all(name == event["type"] for name, event in read_events(sent))


def test_ao11__answer_that_begins_with_a_tool__has_no_empty_text_before_it() -> None:
    for spaces in ("", "\n\n"):
        message = answered(
            StreamEvent(spaces), piece(0, "{}", "t1", "clock"), StreamEvent(finish_reason="stop")
        )
        assert [block["type"] for block in message["content"]] == ["tool_use"]


def test_ao11__spaces_before_words__are_kept() -> None:
    message = answered(StreamEvent("\n"), StreamEvent(" Hi"), StreamEvent(finish_reason="stop"))
    assert message["content"] == [{"type": "text", "text": "\n Hi"}]


def test_ao11__empty_answer__is_still_a_message() -> None:
    assert answered(StreamEvent(finish_reason="content_filter"))["content"] == []


def test_ao12__tool_without_arguments__is_told_an_empty_object() -> None:
    found = events(piece(0, "", "t1", "clock"), StreamEvent(finish_reason="tool_calls"))
    deltas = [event["delta"] for event in found if event["type"] == "content_block_delta"]
    assert deltas == [{"type": "input_json_delta", "partial_json": "{}"}]


def test_ao13__text_and_call_in_one_event__lose_neither() -> None:
    both = StreamEvent("See:", tool_call=ToolCallDelta(0, "t1", "clock", '{"a":1}'))
    message = answered(both, StreamEvent(" done", finish_reason="tool_calls"))
    assert [block.get("text") or block.get("input") for block in message["content"]] == [
        "See:",
        {"a": 1},
        " done",
    ]


ARGUMENTS = ('{"n":0,"s":"a}b"}', '{"n":1}', "{}")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_ao13_ag2__parallel_calls__have_a_block_each_in_any_order_of_pieces(
    order: tuple[int, ...],
) -> None:
    """As some servers send them: all begun first, then their arguments in turns."""
    begun = [piece(index, "", f"t{index}", "clock") for index in range(3)]
    cut = [[one[: len(one) // 2], one[len(one) // 2 :]] for one in ARGUMENTS]
    rest = [piece(index, cut[index][half]) for half in range(2) for index in order]
    message = answered(*begun, *rest, StreamEvent(finish_reason="tool_calls"))
    assert [block["id"] for block in message["content"]] == ["t0", "t1", "t2"]
    assert [block["input"] for block in message["content"]] == [*map(orjson.loads, ARGUMENTS)]


def test_ao13__calls_with_all_their_arguments_at_once__are_told_at_once() -> None:
    renderer = MessageEvents(HEAD)
    first = renderer.steps(piece(0, '{"n":0}', "t0", "clock"))
    second = renderer.steps(piece(1, '{"n":1}', "t1", "clock"))
    for steps, arguments in ((first, '{"n":0}'), (second, '{"n":1}')):
        assert arguments in str(steps)


def test_ao13__words_amid_the_arguments__come_after_them() -> None:
    message = answered(
        piece(0, '{"a":', "t1", "clock"),
        StreamEvent("By the way."),
        StreamEvent(thinking="Hm."),
        piece(0, "1}"),
        StreamEvent(finish_reason="tool_calls"),
    )
    assert [block["type"] for block in message["content"]] == ["tool_use", "text"]
    assert message["content"][0]["input"] == {"a": 1}


def test_ag1__signature_of_a_call__comes_as_a_thought_before_it() -> None:
    signed = ToolCallDelta(0, "t1", "clock", '{"a":1}', signature="c2ln", origin="gemini")
    message = answered(StreamEvent(tool_call=signed), StreamEvent(finish_reason="tool_calls"))
    assert message["content"][0] == {
        "type": "thinking",
        "thinking": "",
        "signature": "gemini:call:c2ln",
    }
    assert message["content"][1]["input"] == {"a": 1}


def test_thoughts__whole_hidden_unsigned_or_signed_late__are_told_once() -> None:
    message = answered(
        StreamEvent(thought=Thinking(redacted="b3A=", origin="openai")),
        StreamEvent(thought=SIGNED),
        StreamEvent(thinking="Unsigned."),
        StreamEvent("So."),
        StreamEvent(thought=Thinking("Unsigned.", "bGF0ZQ==", origin="gemini")),
        StreamEvent(thinking="Open."),
        StreamEvent(thought=Thinking(redacted="b3A=", origin="openai")),
        StreamEvent(finish_reason="stop"),
    )
    assert message["content"] == [
        {"type": "redacted_thinking", "data": "openai:b3A="},
        {"type": "thinking", "thinking": "Hm.", "signature": "gemini:c2ln"},
        {"type": "thinking", "thinking": "Unsigned.", "signature": ""},
        {"type": "text", "text": "So."},
        {"type": "thinking", "thinking": "", "signature": "gemini:bGF0ZQ=="},
        {"type": "thinking", "thinking": "Open.", "signature": ""},
        {"type": "redacted_thinking", "data": "openai:b3A="},
    ]


def test_thoughts__hidden_in_a_stream__are_pings_until_a_call_needs_them() -> None:
    hidden: dict[str, Any] = {"shows_thoughts": False}
    thoughts = (StreamEvent(thinking="Hm."), StreamEvent(thought=SIGNED))
    found = events(*thoughts, StreamEvent("So.", finish_reason="stop"), **hidden)
    assert [event["type"] for event in found].count("ping") == 2
    assert [block["type"] for block in accumulated(found)["content"]] == ["text"]
    called = (piece(0, "{}", "t1", "clock"), StreamEvent(finish_reason="tool_calls"))
    message = answered(*thoughts, StreamEvent(thinking="More."), *called, **hidden)
    assert [block.get("thinking") for block in message["content"]] == ["Hm.", "More.", None]


def test_ao15__usage_of_the_end__is_the_one_that_holds() -> None:
    found = events(StreamEvent("x", "stop"), StreamEvent(usage=USAGE))
    assert found[-2]["usage"] == COUNTS
    assert accumulated(found)["usage"] == COUNTS
    unknown = events(StreamEvent("x", "stop"), usage=None)[-2]["usage"]
    assert set(unknown.values()) == {0}


def test_ao11__what_follows_the_reason__is_not_told() -> None:
    message = answered(StreamEvent("x", "stop"), StreamEvent("late"))
    assert message["content"] == [{"type": "text", "text": "x"}]


def raw_event(kind: str, **fields: Any) -> StreamEvent:
    return StreamEvent(raw={"type": kind, **fields}, raw_dialect="anthropic")


def test_aa1_aa3__events_of_the_same_dialect__keep_all_but_id_and_model() -> None:
    usage = {"input_tokens": 3, "output_tokens": 1}
    message = {"id": "msg_1", "model": "claude", "usage": usage, "new": 1}
    given = (
        raw_event("message_start", message=message),
        raw_event("ping"),
        raw_event("of_tomorrow", index=0, x={"b": 1, "a": 2}),
        raw_event("message_delta", delta={"stop_reason": "pause_turn"}, usage=usage),
        raw_event("message_stop"),
    )
    found = events(*given)
    ours = {"id": f"msg_{TOKEN}", "model": "my-alias"}
    assert found[0] == {"type": "message_start", "message": {**message, **ours}}
    assert found[1:] == [event.raw for event in given[1:]]


def test_ao15__events_of_a_server_that_counts_nothing__have_zeros() -> None:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    given = (
        raw_event("message_start", message={"id": "1", "type": "message", "content": []}),
        StreamEvent(usage=USAGE),
        raw_event("message_delta", delta=delta),
    )
    found = events(*given)
    assert [event["type"] for event in found] == ["message_start", "message_delta", "message_stop"]
    assert accumulated(found)["usage"]["output_tokens"] == 0


def test_ao13__words_around_a_call__stay_in_their_order() -> None:
    message = answered(
        piece(0, '{"a":', "t1", "clock"),
        StreamEvent("first "),
        piece(0, "1}"),
        StreamEvent("second"),
        StreamEvent(finish_reason="tool_calls"),
    )
    texts = [block["text"] for block in message["content"] if block["type"] == "text"]
    assert "".join(texts) == "first second"
