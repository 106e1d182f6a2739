"""Calling the providers: in order, over to the next until the first byte, never after it."""

from collections.abc import AsyncIterator
from typing import Any, override

import pytest

from apps.core.chat import ChatResponse, StreamEvent, TokenUsage
from apps.core.errors import (
    DeadlineExceeded,
    ProviderFailed,
    ProviderRejectedRequest,
    RouterError,
    ServiceUnavailable,
)
from apps.gateway import dispatch, pipeline
from apps.gateway.health_board import board
from apps.gateway.streaming import AnswerStream
from apps.gateway.types import Run
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from tests.factories.keys import make_caller
from tests.gateway.runs import make_run

DOWN = {"failure_percent": 100, "failure_status": 503}
BUSY = {"failure_percent": 100, "failure_status": 429}
WRONG = {"failure_percent": 100, "failure_status": 400}
LOCKED = {"failure_percent": 100, "failure_status": 401}
FINE: dict[str, Any] = {}


def outcomes(run: Run) -> list[tuple[str, str]]:
    return [(attempt.deployment, attempt.status) for attempt in run.attempts]


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (DOWN, "error"),
        (BUSY, "rate_limited"),
        (LOCKED, "error"),
        ({"credential": "none"}, "error"),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_attempt__that_fails__is_followed_by_the_next(
    first: dict[str, Any], status: str, is_stream: bool
) -> None:
    run = make_run("one", "two", "three", knobs={"one": first, "two": FINE})
    await call(run, is_stream=is_stream)
    assert outcomes(run)[0] == ("one", status)
    assert run.model == "two"
    assert "three" not in dict(outcomes(run))


@pytest.mark.parametrize("is_stream", [False, True])
async def test_attempts__all_down__are_tried_once_each_in_order(is_stream: bool) -> None:
    run = make_run("one", "two", "three", knobs={"one": DOWN, "two": BUSY, "three": DOWN})
    with pytest.raises(ProviderFailed):
        await call(run, is_stream=is_stream)
    assert outcomes(run) == [("one", "error"), ("two", "rate_limited"), ("three", "error")]
    assert run.cost == 0


async def test_attempts__all_at_their_limit__are_503_with_a_wait() -> None:
    run = make_run("one", "two", knobs={"one": BUSY, "two": BUSY})
    with pytest.raises(ServiceUnavailable) as told:
        await dispatch.complete(run)
    assert told.value.retry_after_seconds == 1


@pytest.mark.parametrize("is_stream", [False, True])
async def test_request__called_wrong__is_not_tried_elsewhere(is_stream: bool) -> None:
    run = make_run("one", "two", knobs={"one": WRONG})
    with pytest.raises(ProviderRejectedRequest):
        await call(run, is_stream=is_stream)
    assert outcomes(run) == [("one", "rejected")]


async def test_answer__is_billed_by_the_counts_of_its_deployment() -> None:
    run = make_run("one")
    response = await dispatch.complete(run)
    (record,) = run.attempts
    assert (record.input_tokens, record.output_tokens) == (
        response.usage.input_tokens,
        response.usage.output_tokens,
    )
    assert record.cost == record.input_tokens + 2 * record.output_tokens
    assert not record.is_estimated


async def test_deadline__that_has_passed__calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run("one")
    run.started -= dispatch.REQUEST_SECONDS
    with pytest.raises(DeadlineExceeded):
        await dispatch.complete(run)
    assert run.attempts == []


async def test_health__after_failures__knows_of_them() -> None:
    for _ in range(3):
        with pytest.raises(RouterError):
            await dispatch.complete(make_run("ill", knobs={"ill": DOWN}))
    await dispatch.complete(make_run("well"))
    seen = board.health.deployments
    assert seen["ill"].consecutive_failures == 3
    assert (seen["well"].consecutive_failures, seen["well"].in_flight) == (0, 0)
    assert seen["ill"].in_flight == 0


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, None),
        ({"chat": {"max_output_tokens": 9}}, 50),
        ({"decision": {"max_output_tokens": 9}}, 50),
        ({"caller": make_caller(monthly_budget=5)}, 50),
    ],
)
async def test_output_limit__goes_out_when_somebody_set_one(
    fields: dict[str, Any], limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Scripted([])
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    await dispatch.complete(make_run("one", **fields))
    assert provider.calls[0].max_output_tokens == limit


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was settled: status and error code."""
    found: list[tuple[str, str]] = []

    async def settle(run: Run, status: str, error: Any = None, response: Any = None) -> None:
        run.is_settled = True
        found.append((status, error.code if error else ""))

    monkeypatch.setattr(pipeline, "settle", settle)
    return found


class Scripted(ProviderAdapter):
    """Streams what it is told, then fails or ends."""

    def __init__(self, events: list[StreamEvent], error: AttemptError | None = None) -> None:
        self.calls: list[ProviderCall] = []
        self.is_closed = False
        self._events = events
        self._error = error

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        self.calls.append(call)
        return ChatResponse("x", "stop", TokenUsage(1, 1))

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        self.calls.append(call)
        try:
            for event in self._events:
                yield event
            if self._error is not None:
                raise self._error
        finally:
            self.is_closed = True


async def opened(run: Run, monkeypatch: pytest.MonkeyPatch, provider: Scripted) -> AnswerStream:
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    return AnswerStream(run, await dispatch.open_stream(run), None)


async def test_stream__cut_after_its_first_byte__is_not_tried_elsewhere(
    monkeypatch: pytest.MonkeyPatch, settled: list[tuple[str, str]]
) -> None:
    run = make_run("one", "two")
    provider = Scripted([StreamEvent("some words of it")], AttemptError("cut", "gone"))
    stream = await opened(run, monkeypatch, provider)
    with pytest.raises(ProviderFailed, match="broke off"):
        await collect(stream)
    assert len(provider.calls) == 1
    assert settled == [("cut", "provider_failed")]
    (record,) = run.attempts
    assert (record.status, record.is_estimated) == ("cut", True)
    assert record.output_tokens > 0
    assert record.cost > 0


async def test_stream__that_ends_without_its_end__is_cut(
    monkeypatch: pytest.MonkeyPatch, settled: list[tuple[str, str]]
) -> None:
    run = make_run("one")
    stream = await opened(run, monkeypatch, Scripted([StreamEvent("half an ans")]))
    with pytest.raises(ProviderFailed):
        await collect(stream)
    assert settled == [("cut", "provider_failed")]


async def test_stream__that_is_empty__is_tried_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run("one", "two")
    with pytest.raises(ProviderFailed):
        await opened(run, monkeypatch, Scripted([]))
    assert outcomes(run) == [("one", "cut"), ("two", "cut")]


async def test_stream__whole__is_settled_once_with_the_providers_counts(
    monkeypatch: pytest.MonkeyPatch, settled: list[tuple[str, str]]
) -> None:
    run = make_run("one")
    last = StreamEvent(finish_reason="stop", usage=TokenUsage(7, 9))
    stream = await opened(run, monkeypatch, Scripted([StreamEvent("a"), last]))
    assert await collect(stream) == "a"
    await stream.aclose()
    assert settled == [("ok", "")]
    assert [(item.input_tokens, item.is_estimated) for item in run.attempts] == [(7, False)]


async def test_stream__without_counts__is_billed_by_estimate(
    monkeypatch: pytest.MonkeyPatch, settled: list[tuple[str, str]]
) -> None:
    run = make_run("one")
    stream = await opened(run, monkeypatch, Scripted([StreamEvent("word", finish_reason="stop")]))
    await collect(stream)
    assert run.attempts[0].is_estimated
    assert run.cost > 0


async def test_stream__left_by_its_reader__ends_the_call_and_is_booked_once(
    monkeypatch: pytest.MonkeyPatch, settled: list[tuple[str, str]]
) -> None:
    run = make_run("one")
    provider = Scripted([StreamEvent("a"), StreamEvent("b"), StreamEvent("c")])
    stream = await opened(run, monkeypatch, provider)
    await anext(stream)
    await stream.aclose()
    await stream.aclose()
    assert provider.is_closed
    assert settled == [("cancelled", "")]
    assert outcomes(run) == [("one", "cancelled")]


async def call(run: Run, *, is_stream: bool) -> None:
    if not is_stream:
        await dispatch.complete(run)
        return
    stream = await dispatch.open_stream(run)
    async for _ in stream.events:
        pass


async def collect(stream: AnswerStream) -> str:
    return "".join([event.text async for event in stream])
