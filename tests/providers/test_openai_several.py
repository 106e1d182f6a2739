"""Several answers in one stream of an OpenAI-compatible server (`n`), put together one by one."""

from typing import Any

import orjson
import pytest

from apps.core.chat import ChatRequest, Message, StreamEvent, ToolCallDelta
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.openai.requests import build_request
from apps.providers.adapters.openai.responses import read_answer
from apps.providers.adapters.openai.several import SeveralReader, reader_for

CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def asking_for(count: int) -> ProviderCall:
    request = ChatRequest("alias", (Message("user", "Hi"),), "router", choices=count)
    connection = Connection("openai", "http://server/v1", "gpt-4.1-mini", "secret-1234")
    return ProviderCall(request, connection, None, Timeouts(), "req_1")


def reader(count: int = 2) -> SeveralReader:
    call = asking_for(count)
    found = reader_for(call, build_request(call, is_streamed=True))
    assert isinstance(found, SeveralReader)
    return found


def chunk(*choices: dict[str, Any], **fields: Any) -> bytes:
    return orjson.dumps({"id": "c", "choices": choices, **fields})


def piece(index: int | None, text: str = "", reason: str | None = None) -> dict[str, Any]:
    place = {} if index is None else {"index": index}
    return {**place, "delta": {"content": text}, "finish_reason": reason}


def said(events: list[StreamEvent]) -> list[tuple[int, str, str | None]]:
    return [(event.choice, event.text, event.finish_reason) for event in events]


def test_answers__side_by_side_in_one_chunk__are_parted() -> None:
    (first, second) = reader().read(chunk(piece(0, "A"), piece(1, "B"), citations=["x"]))
    assert said([first, second]) == [(0, "A", None), (1, "B", None)]
    assert [event.raw for event in (first, second)] == [
        {"id": "c", "choices": [piece(0, "A")], "citations": ["x"]},
        {"id": "c", "choices": [piece(1, "B")], "citations": ["x"]},
    ]


def test_answers__without_their_numbers__are_counted_in_their_order() -> None:
    events = reader().read(chunk(piece(None, "A"), piece(None, "B")))
    assert said(list(events)) == [(0, "A", None), (1, "B", None)]


def test_answers__that_call__have_their_own_calls_and_reasons() -> None:
    chunks = reader()
    for index in (0, 1):
        chunks.read(chunk({"index": index, "delta": {"tool_calls": [CALL]}}))
    events = [*chunks.read(chunk(piece(0, reason="stop"))), *chunks.read(chunk(piece(1, "x")))]
    assert said(events) == [(0, "", "tool_calls"), (1, "x", None)]
    last = chunks.read(
        chunk({"index": 1, "delta": {"tool_calls": [CALL | {"index": 1, "id": "b"}]}})
    )
    assert [(e.choice, e.tool_call) for e in last if e.tool_call] == [
        (1, ToolCallDelta(1, "b", "f", "{}"))
    ]


@pytest.mark.parametrize("place", ["apart", "each"])
def test_usage__of_all_answers__is_told_once_at_the_end(place: str) -> None:
    chunks, usage = reader(), {"prompt_tokens": 5, "completion_tokens": 8}
    beside = {"usage": usage} if place == "each" else {}
    events = [
        *chunks.read(chunk(piece(0, "A", "stop"), **beside)),
        *chunks.read(chunk(piece(1, "B", "length"), **beside)),
        *chunks.read(chunk(usage=usage)),
    ]
    assert [event.usage for event in events] == [None] * 3
    last = chunks.end()
    assert last
    assert last.usage
    assert (last.usage.output_tokens, last.usage.is_estimated) == (8, False)


def test_usage__that_nobody_counted__is_estimated_over_all_answers() -> None:
    chunks = reader()
    chunks.read(chunk(piece(0, "one two three", "stop"), piece(1, "four five six", "stop")))
    last = chunks.end()
    assert last
    assert last.usage
    assert last.usage.is_estimated
    assert last.usage.output_tokens >= 6


@pytest.mark.parametrize(
    "choices",
    [
        [],
        [piece(0, "A", "stop")],
        [piece(0, "A", "stop"), piece(1, "B")],
        [piece(0, "A"), piece(1, "B", "stop")],
    ],
)
def test_stream__that_ends_before_all_answers_did__is_cut(choices: list[dict[str, Any]]) -> None:
    chunks = reader()
    chunks.read(chunk(*choices))
    with pytest.raises(AttemptError) as told:
        chunks.end()
    assert told.value.kind == "cut"


def test_answer__that_nobody_asked_for__is_left_out() -> None:
    assert said(list(reader().read(chunk(piece(2, "C"), piece(0, "A"))))) == [(0, "A", None)]


def test_error__after_the_first_chunk__is_a_cut() -> None:
    chunks = reader()
    chunks.read(chunk(piece(0, "A")))
    for payload in (b"{", orjson.dumps({"error": {"message": "x"}}), chunk(piece(1, "", "error"))):
        with pytest.raises(AttemptError):
            chunks.read(payload)


def test_whole_answer__with_one_that_broke_off__is_none() -> None:
    call = asking_for(2)
    message = {"role": "assistant", "content": "A"}
    choices = [{"message": message, "finish_reason": reason} for reason in ("stop", "error")]
    with pytest.raises(AttemptError, match="broke off"):
        read_answer(
            orjson.dumps({"choices": choices}), call, build_request(call, is_streamed=False)
        )
