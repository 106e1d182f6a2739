"""Anthropic's answers, whole and streamed, in the neutral form. OA21, OA25 to OA27, OA29, OA31."""

import json
from typing import Any

import anthropic.types as wire
import pytest
from pydantic import TypeAdapter

from apps.core.chat import StreamEvent, Text, Thinking, ToolCall, ToolCallDelta
from apps.providers.adapters.anthropic.responses import read_answer
from apps.providers.adapters.anthropic.streaming import EventReader
from apps.providers.adapters.base import AttemptError
from tests.providers.anthropic_calls import make_call, make_message, text

EVENTS: TypeAdapter[wire.RawMessageStreamEvent] = TypeAdapter(wire.RawMessageStreamEvent)
CALL = make_call()
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "sig-1"}
HIDDEN = {"type": "redacted_thinking", "data": "opaque"}


def use(call_id: str, name: str = "weather", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def block_events(
    index: int, block: dict[str, Any], *deltas: dict[str, Any]
) -> list[dict[str, Any]]:
    head = {"type": "content_block_start", "index": index, "content_block": block}
    middle = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [head, *middle, {"type": "content_block_stop", "index": index}]


def json_piece(piece: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": piece}


def text_piece(piece: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": piece}


def payload_of(step: dict[str, Any]) -> bytes:
    """Return the data of an event, which the SDK takes for one too."""
    EVENTS.validate_python(step)
    return json.dumps(step).encode()


def streamed(
    *blocks: list[dict[str, Any]], reason: str = "end_turn", answer_tool: str = "", **usage: int
) -> list[StreamEvent]:
    """Return the neutral events of a whole stream with these blocks."""
    start = json.loads(make_message()) | {"content": [], "stop_reason": None}
    counts = {"output_tokens": 7, **usage}
    end = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": counts}
    steps: list[Any] = [
        {"type": "message_start", "message": start},
        *(step for block in blocks for step in block),
        end,
        {"type": "message_stop"},
    ]
    reader = EventReader(CALL, answer_tool=answer_tool)
    found = [event for step in steps for event in reader.read(payload_of(step))]
    reader.end()
    return found


def test_oa25__blocks__keep_their_order_and_kind() -> None:
    answer = read_answer(
        make_message(SIGNED, HIDDEN, text("One, "), text("two."), use("t1", city="São")), CALL
    )
    assert answer.text == "One, two."
    assert not answer.raw, "it is of no use to a caller of another dialect"
    assert answer.parts == (
        Thinking("Hm.", "sig-1", origin="anthropic"),
        Thinking(redacted="opaque", origin="anthropic"),
        Text("One, "),
        Text("two."),
        ToolCall("t1", "weather", '{"city":"São"}'),
    )


def test_oa25__arguments_beyond_64_bits__are_kept_exactly() -> None:
    (call,) = read_answer(make_message(use("t1", n=2**70)), CALL).parts
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"n": 2**70}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("tool_use", "tool_calls"),
    ],
)
def test_oa26__stop_reason__is_mapped_whole_and_streamed(reason: str, expected: str) -> None:
    answer = read_answer(make_message(use("t1"), reason=reason), CALL)
    assert answer.finish_reason == expected
    events = streamed(block_events(0, use("t1")), reason=reason)
    assert [event.finish_reason for event in events if event.finish_reason] == [expected]


def test_oa27__cached_and_written_tokens__are_parts_of_the_input() -> None:
    usage = read_answer(
        make_message(text("Hi"), cache_read_input_tokens=5, cache_creation_input_tokens=3), CALL
    ).usage
    assert (usage.input_tokens, usage.output_tokens) == (28, 7)
    assert (usage.cached_input_tokens, usage.cache_write_tokens) == (5, 3)


def test_oa29__streamed_calls__are_counted_on_their_own() -> None:
    events = streamed(
        block_events(0, text(""), text_piece("Let me see.")),
        block_events(1, use("t1"), json_piece(""), json_piece('{"city":'), json_piece('"Rome"}')),
        block_events(2, use("t2", "clock")),
        reason="tool_use",
    )
    deltas = [event.tool_call for event in events if event.tool_call]
    assert deltas == [
        ToolCallDelta(0, "t1", "weather"),
        ToolCallDelta(0, arguments='{"city":'),
        ToolCallDelta(0, arguments='"Rome"}'),
        ToolCallDelta(1, "t2", "clock"),
        ToolCallDelta(1, arguments="{}"),
    ]
    assert "".join(event.text for event in events) == "Let me see."


def test_oa25__streamed_thoughts__come_in_pieces_and_then_whole_and_signed() -> None:
    thought: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
    events = streamed(
        block_events(
            0,
            thought,
            {"type": "thinking_delta", "thinking": "H"},
            {"type": "thinking_delta", "thinking": "m."},
            {"type": "signature_delta", "signature": "sig-1"},
        ),
        block_events(1, HIDDEN),
        block_events(2, text(""), text_piece("Hi")),
    )
    assert [event.thinking for event in events if event.thinking] == ["H", "m."]
    assert [event.thought for event in events if event.thought] == [
        Thinking("Hm.", "sig-1", origin="anthropic"),
        Thinking(redacted="opaque", origin="anthropic"),
    ]
    assert "".join(event.text for event in events) == "Hi"


def test_oa21__answer_in_a_tool__is_text_and_a_clean_end() -> None:
    whole = read_answer(
        make_message(use("t1", "answer", n=1), reason="tool_use"), CALL, answer_tool="answer"
    )
    assert (whole.text, whole.finish_reason) == ('{"n":1}', "stop")
    events = streamed(
        block_events(0, use("t1", "answer"), json_piece('{"n":'), json_piece("1}")),
        reason="tool_use",
        answer_tool="answer",
    )
    assert "".join(event.text for event in events) == '{"n":1}'
    assert not any(event.tool_call for event in events)
    assert events[-1].finish_reason == "stop"


def test_oa21__a_tool_of_the_callers_instead__is_a_call() -> None:
    whole = read_answer(make_message(use("t1"), reason="tool_use"), CALL, answer_tool="answer")
    assert whole.finish_reason == "tool_calls"
    assert [type(part) for part in whole.parts] == [ToolCall]


def test_oa31__counts_of_start_and_end__are_not_added() -> None:
    events = streamed(block_events(0, text(""), text_piece("Hi")), input_tokens=20)
    (usage,) = [event.usage for event in events if event.usage]
    assert (usage.input_tokens, usage.output_tokens) == (20, 7)


def test_oa33__stream_without_its_last_event__is_cut() -> None:
    reader = EventReader(CALL)
    for step in block_events(0, text(""), text_piece("Hi")):
        reader.read(payload_of(step))
    with pytest.raises(AttemptError) as told:
        reader.end()
    assert told.value.kind == "cut"


def test_answer__of_a_request_that_lost_something__says_what() -> None:
    answer = read_answer(make_message(text("Hi")), CALL, dropped=["seed", "stop", "seed"])
    assert answer.dropped == ("seed", "stop")


def test_answer__ended_by_a_text_of_the_callers__says_which() -> None:
    body = json.loads(make_message(text("Hi"), reason="stop_sequence")) | {"stop_sequence": "END"}
    answer = read_answer(json.dumps(body).encode(), CALL)
    assert (answer.finish_reason, answer.stop_sequence) == ("stop", "END")


def test_stream__ended_by_a_text_of_the_callers__says_which_with_its_reason() -> None:
    reader = EventReader(CALL)
    delta = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    end = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}
    assert reader.read(payload_of(end)) == ()
    (last,) = reader.read(payload_of({"type": "message_stop"}))
    assert (last.finish_reason, last.stop_sequence) == ("stop", "END")


def test_calls_of_the_providers_own_tools__are_none_of_the_callers() -> None:
    searched = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
    whole = read_answer(make_message(searched, text("Found.")), CALL)
    assert whole.parts == (Text("Found."),)
    events = streamed(
        block_events(0, use("t1"), json_piece('{"city":"Rome"}')),
        block_events(1, searched, json_piece('{"query":"Rome"}')),
        block_events(2, text(""), text_piece("Found.")),
    )
    calls = [event.tool_call.arguments for event in events if event.tool_call]
    assert calls == ["", '{"city":"Rome"}']


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start", "message": None},
        {"type": "content_block_start", "content_block": 5},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": None}},
        {"type": "content_block_delta", "delta": {"type": "of_tomorrow", "text": "a"}},
        {"type": "content_block_stop"},
        {"type": "message_delta", "delta": {}, "usage": {"input_tokens": None}},
        {"type": "of_tomorrow"},
        {},
    ],
)
def test_event__that_this_version_does_not_know__is_no_failure(event: dict[str, Any]) -> None:
    assert not EventReader(CALL).read(json.dumps(event).encode())
