"""Streamed answers put together again are what the whole form says."""

import random
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.core.chat import (
    AnswerPart,
    Choice,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolCallDelta,
)
from apps.gateway.assembly import Assembly, events_of

WORDS = st.text(min_size=1, max_size=12)
PARTS = st.one_of(
    st.builds(Text, WORDS),
    st.builds(Thinking, st.text(max_size=8), WORDS, origin=st.just("anthropic")),
    st.builds(Thinking, redacted=WORDS, origin=st.just("anthropic")),
    st.builds(Thinking, WORDS),
    st.builds(ToolCall, WORDS, WORDS, WORDS, st.sampled_from(("", "sig")), st.just("google")),
)


def assembled(*events: StreamEvent) -> Assembly:
    answer = Assembly()
    for event in events:
        answer.add(event)
    return answer


def split(event: StreamEvent, chance: random.Random) -> list[StreamEvent]:
    """Return the event in two pieces, as wires send them."""
    call = event.tool_call
    if call is not None:
        at = chance.randint(0, len(call.arguments))
        first = ToolCallDelta(call.index, call.id, call.name, call.arguments[:at])
        last = ToolCallDelta(call.index, "", "", call.arguments[at:], call.signature, call.origin)
        return [StreamEvent(tool_call=first), StreamEvent(tool_call=last)]
    at = chance.randint(0, len(event.text))
    return [StreamEvent(event.text[:at]), StreamEvent(event.text[at:])] if event.text else [event]


def _are_joined(one: AnswerPart, other: AnswerPart) -> bool:
    return type(one) is type(other) and not isinstance(one, ToolCall)


@given(st.lists(PARTS, max_size=6), st.randoms(use_true_random=False))
def test_answer__told_in_any_pieces__has_the_parts_of_the_whole_form(
    parts: list[AnswerPart], chance: random.Random
) -> None:
    # Wires join two texts, and two unsigned thoughts, that follow each other.
    assume(not any(_are_joined(one, other) for one, other in pairwise(parts)))
    events = [piece for event in events_of(parts) for piece in split(event, chance)]
    answer = assembled(*events)
    assert answer.text == "".join(part.text for part in parts if isinstance(part, Text))
    is_plain = all(isinstance(part, Text) for part in parts)
    assert answer.parts == (() if is_plain else tuple(parts))


def test_calls__whose_pieces_come_mixed__are_each_whole_and_in_order() -> None:
    answer = assembled(
        StreamEvent("Let me see."),
        StreamEvent(tool_call=ToolCallDelta(1, "b", "clock")),
        StreamEvent(tool_call=ToolCallDelta(0, "a", "weather", '{"ci')),
        StreamEvent(tool_call=ToolCallDelta(1, arguments="{}", signature="s", origin="google")),
        StreamEvent(tool_call=ToolCallDelta(0, arguments='ty": 1}')),
        StreamEvent("Wait."),
    )
    assert answer.parts == (
        Text("Let me see."),
        ToolCall("b", "clock", "{}", "s", "google"),
        ToolCall("a", "weather", '{"city": 1}'),
        Text("Wait."),
    )
    assert (answer.text, answer.said) == (
        "Let me see.Wait.",
        'Let me see.clock{}weather{"city": 1}Wait.',
    )


def test_answers__several_side_by_side__are_each_put_together_and_end_for_themselves() -> None:
    events = [
        StreamEvent("A"),
        StreamEvent("B", choice=1),
        StreamEvent(tool_call=ToolCallDelta(0, "t", "f", "{}"), choice=1),
        StreamEvent("a", finish_reason="stop"),
    ]
    answer = assembled(*events)
    assert (answer.text, answer.parts, answer.finish_reason) == ("Aa", (), "stop")
    assert not answer.has_ended
    answer = assembled(
        *events, StreamEvent(finish_reason="length", usage=TokenUsage(1, 2), choice=1)
    )
    assert answer.has_ended
    assert answer.usage == TokenUsage(1, 2)
    assert answer.others == (Choice("B", "length", (Text("B"), ToolCall("t", "f", "{}"))),)
    assert answer.said == "Aa\nBf{}"


@pytest.mark.parametrize(
    ("events", "parts"),
    [
        # Unsigned, and nothing after it.
        ([StreamEvent(thinking="H"), StreamEvent(thinking="m.")], (Thinking("Hm."),)),
        # What is signed is the whole of it.
        (
            [StreamEvent(thinking="Hm."), StreamEvent(thought=Thinking("Hm.", "s", origin="x"))],
            (Thinking("Hm.", "s", origin="x"),),
        ),
        (
            [StreamEvent(thinking="Hm."), StreamEvent("a"), StreamEvent(thinking="So.")],
            (Thinking("Hm."), Text("a"), Thinking("So.")),
        ),
    ],
)
def test_thoughts__signed_or_not__are_there_once(
    events: list[StreamEvent], parts: tuple[AnswerPart, ...]
) -> None:
    assert assembled(*events).parts == parts


def test_end__of_an_answer__is_kept_with_what_came_beside_it() -> None:
    usage = TokenUsage(1, 2)
    answer = assembled(
        StreamEvent("a", logprobs={"content": [1], "refusal": None}),
        StreamEvent("b", logprobs={"content": [2], "refusal": None}),
        StreamEvent(finish_reason="stop", stop_sequence="END"),
        StreamEvent(usage=usage),
    )
    assert (answer.text, answer.parts) == ("ab", ())
    assert (answer.finish_reason, answer.usage, answer.stop_sequence) == ("stop", usage, "END")
    assert answer.logprobs == {"content": [1, 2], "refusal": None}
