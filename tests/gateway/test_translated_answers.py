"""Answers that came through a translation: what was lost, thoughts and calls, refusals, cache."""

from typing import Any

import pytest

from apps.core.chat import (
    ChatResponse,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolCallDelta,
)
from apps.core.errors import InvalidRequest, ProviderFailed
from apps.gateway import dispatch, pipeline
from apps.gateway.cache import answer_key, open_answer, seal_answer
from apps.gateway.health_board import board
from apps.gateway.streaming import AnswerStream
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.gateway.wire.openai_chat import turns as openai_turns
from apps.gateway.wire.openai_chat.answers import render
from apps.gateway.wire.openai_chat.stream import ChatChunks
from apps.gateway.wire.rendering import AnswerHead
from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.openai.requests import build_request
from tests.gateway.runs import admit_everything, make_run
from tests.gateway.scripted import Failing, Scripted, call, collect, opened, outcomes
from tests.providers.anthropic_calls import make_call

SIGNED = Thinking("Hm.", "sig-1", origin="anthropic")
HEAD = AnswerHead("1", "m", "m", 1)


@pytest.fixture(autouse=True)
def _room_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    admit_everything(monkeypatch)
    board.clear()


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> list[ChatResponse | None]:
    """What a settled request would keep."""
    found: list[ChatResponse | None] = []

    async def settle(*_run: Any, response: ChatResponse | None = None, **_rest: Any) -> None:
        found.append(response)

    monkeypatch.setattr(pipeline, "settle", settle)
    return found


async def test_request_that_a_wire_cannot_express__goes_to_another_or_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = AttemptError("not_expressible", "audio cannot be sent", param="messages")
    for is_stream in (False, True):
        run = make_run("one", "two")
        monkeypatch.setattr(dispatch, "adapter_for", lambda _name: Failing(error))
        with pytest.raises(InvalidRequest) as told:
            await call(run, is_stream=is_stream)
        assert outcomes(run) == [("one", "rejected"), ("two", "rejected")]
        assert (told.value.param, told.value.message) == ("messages", "audio cannot be sent")


async def test_fields_that_were_dropped__are_those_of_the_attempt_that_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run("one")
    first = StreamEvent("a", dropped=("seed",))
    await opened(run, monkeypatch, Scripted([first, StreamEvent(finish_reason="stop")]))
    assert run.dropped == ("seed",)


async def test_stream__of_thoughts_and_calls__is_estimated_by_all_that_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = []
    events = [
        StreamEvent("a"),
        StreamEvent(thinking="many words of a thought"),
        StreamEvent(tool_call=ToolCallDelta(0, "t1", "weather")),
        StreamEvent(tool_call=ToolCallDelta(0, arguments='{"city": "Rome"}')),
    ]
    for number in range(1, 5):
        run = make_run("one")
        provider = Scripted(events[:number], AttemptError("cut", "gone"))
        stream = await opened(run, monkeypatch, provider)
        with pytest.raises(ProviderFailed):
            await collect(stream)
        counts.append(run.attempts[0].output_tokens)
    assert counts == sorted(set(counts)), "each piece is charged for"


async def test_stream__of_thoughts__is_kept_and_told_again_with_them(
    monkeypatch: pytest.MonkeyPatch, kept: list[ChatResponse | None]
) -> None:
    run = make_run("one")
    last = StreamEvent(finish_reason="stop", usage=TokenUsage(1, 2))
    events = [StreamEvent(thinking="Hm."), StreamEvent(thought=SIGNED), StreamEvent("Hi"), last]
    await collect(await opened(run, monkeypatch, Scripted(events)))
    (answer,) = kept
    assert answer is not None
    assert answer.parts == (SIGNED, Text("Hi"))
    again = [event async for event in AnswerStream(run, None, answer)]
    assert again == events


def test_answer_with_thoughts__sealed_and_opened__is_the_same() -> None:
    run = make_run("one")
    run.chosen = run.decided().attempts[0]
    parts = (SIGNED, Text("Hi"))
    answer = ChatResponse("Hi", "stop", TokenUsage(1, 2), parts=parts, dropped=("seed",))
    key = answer_key(run)
    assert open_answer(key, run, seal_answer(key, run, answer)) == ("one", answer)


def test_signature_of_a_call__travels_in_openais_dialect_and_comes_back() -> None:
    calls = ToolCall("a", "f", "{}", "c2ln", "google"), ToolCall("b", "f", "{}")
    answer = ChatResponse("", "tool_calls", TokenUsage(1, 1), parts=calls)
    (choice,) = render(answer, HEAD)["choices"]
    assert openai_turns.read_turns([choice["message"]])[0].parts == calls
    chunks = ChatChunks(HEAD, includes_usage=False)
    delta = ToolCallDelta(0, "a", "f", "{}", "c2ln", "google")
    (_role, chunk) = chunks.chunks(StreamEvent(tool_call=delta))
    (streamed,) = chunk["choices"][0]["delta"]["tool_calls"]
    assert streamed["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    rubbish: tuple[Any, ...] = ({"google": None}, {"google": {"thought_signature": 5}}, [], "x")
    for extra in rubbish:
        record = {**choice["message"]["tool_calls"][0], "extra_content": extra}
        (turn,) = openai_turns.read_turns([{"role": "assistant", "tool_calls": [record]}])
        assert turn.parts == (ToolCall("a", "f", "{}"),)


def test_probabilities__are_told_with_the_text_they_belong_to() -> None:
    told = {"content": [{"token": "Hi", "logprob": -0.5}]}
    answer = ChatResponse("Hi", "stop", TokenUsage(1, 1), logprobs=told)
    assert render(answer, HEAD)["choices"][0]["logprobs"] == told
    chunks = ChatChunks(HEAD, includes_usage=False)
    (_role, chunk) = chunks.chunks(StreamEvent("Hi", logprobs=told))
    (last,) = chunks.chunks(StreamEvent(finish_reason="stop"))
    assert chunk["choices"][0]["logprobs"] == told
    assert last["choices"][0]["logprobs"] is None


def test_body_of_the_same_dialect__is_never_read_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise AssertionError("the hot path pays for what it does not need")

    monkeypatch.setattr(openai_turns, "_part", refuse)
    parts = [{"type": "video", "of": "another vendor"}, {"type": "text", "text": "Hi"}]
    messages = [{"role": "user", "content": parts, "odd": 1}]
    call = make_call(messages=messages, odd=2)
    sent = build_request(call, is_streamed=False).body
    assert (sent["messages"], sent["odd"]) == (messages, 2)
    with pytest.raises(AssertionError):
        openai_chat.parse({"messages": messages}).details()
