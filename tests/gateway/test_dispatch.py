"""Calling the providers: in order, over to the next until the first byte, never after it."""

from typing import Any

import pytest

from apps.core.chat import Choice, FinishReason, StreamEvent, TokenUsage
from apps.core.errors import (
    DeadlineExceeded,
    ProviderFailed,
    ProviderRateLimited,
    ProviderRejectedRequest,
    RouterError,
)
from apps.gateway import dispatch, pipeline
from apps.gateway.health_board import board
from apps.gateway.types import REQUEST_SECONDS, Run
from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.openai.requests import build_request
from tests.factories.keys import make_caller
from tests.gateway.runs import admit_everything, make_run
from tests.gateway.scripted import Answering, Failing, Scripted, call, collect, opened, outcomes

DOWN = {"failure_percent": 100, "failure_status": 503}
BUSY = {"failure_percent": 100, "failure_status": 429}
WRONG = {"failure_percent": 100, "failure_status": 400}
LOCKED = {"failure_percent": 100, "failure_status": 401}
FINE: dict[str, Any] = {}
QUICK = {"first_token_timeout_ms": 100}


@pytest.fixture(autouse=True)
def _room_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    admit_everything(monkeypatch)
    board.clear()


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


async def test_attempts__all_at_their_limit__are_429_with_a_wait() -> None:
    run = make_run("one", "two", knobs={"one": BUSY, "two": BUSY})
    with pytest.raises(ProviderRateLimited) as told:
        await dispatch.complete(run)
    assert told.value.retry_after_seconds == 1


@pytest.mark.parametrize("is_stream", [False, True])
async def test_request__called_wrong__is_not_tried_elsewhere(is_stream: bool) -> None:
    run = make_run("one", "two", knobs={"one": WRONG})
    with pytest.raises(ProviderRejectedRequest):
        await call(run, is_stream=is_stream)
    assert outcomes(run) == [("one", "rejected")]


async def test_attempts__the_rule_allows_fewer__end_earlier() -> None:
    run = make_run("one", "two", knobs={"one": DOWN}, rule={"max_attempts": 1})
    with pytest.raises(ProviderFailed):
        await dispatch.complete(run)
    assert outcomes(run) == [("one", "error")]


async def test_request__too_long_for_its_window__goes_to_a_larger_one_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = {"as-small": {"context_window": 90_000}, "large": {"context_window": 200_000}}
    run = make_run("one", "as-small", "large", models=models)
    too_long = AttemptError("context_length", "too long", http_status=400)
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: Failing(too_long))
    with pytest.raises(RouterError):
        await dispatch.complete(run)
    assert [name for name, _status in outcomes(run)] == ["one", "large"]


@pytest.mark.parametrize(
    ("wanted", "answered_by", "finish"),
    [("", "one", "content_filter"), ("next", "two", "stop")],
)
async def test_answer__that_a_filter_took_away__goes_on_as_the_rule_says(
    wanted: str, answered_by: str, finish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("one", "two", rule={"on_content_filter": wanted})
    answers = iter(("content_filter", "stop"))
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: Answering(next(answers)))
    response = await dispatch.complete(run)
    assert (run.model, response.finish_reason) == (answered_by, finish)
    assert all(record.cost > 0 for record in run.attempts)


@pytest.mark.parametrize(("other", "answered_by"), [("stop", "one"), ("content_filter", "two")])
async def test_answers__of_which_a_filter_left_one__are_given_as_they_are(
    other: FinishReason, answered_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("one", "two", rule={"on_content_filter": "next"})
    several = Answering("content_filter", others=(Choice("Hi", other),))
    adapters = iter((several, Answering("stop")))
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: next(adapters))
    await dispatch.complete(run)
    assert run.model == answered_by


async def test_answer__that_every_filter_took_away__is_given_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run("one", rule={"on_content_filter": "next"})
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: Answering("content_filter"))
    assert (await dispatch.complete(run)).finish_reason == "content_filter"
    assert run.model == "one"


async def test_parameters__that_the_rule_sets__go_out_in_the_callers_dialect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = Scripted([])
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    raw = {"messages": [{"role": "user", "content": "Hello"}], "temperature": 2}
    parameters = {"temperature": 0.1, "seed": 7}
    await dispatch.complete(make_run("one", rule={"parameters": parameters}, chat={"raw": raw}))
    (sent,) = provider.calls
    assert sent.request.temperature == 0.1
    body = build_request(sent, is_streamed=False).body
    assert (body["temperature"], body["seed"]) == (0.1, 7)


async def test_patience__while_another_is_there__is_short_for_streams_only() -> None:
    run = make_run("one", "two", knobs={"one": {"latency_ms": 400}}, rule=QUICK)
    await call(run, is_stream=True)
    assert outcomes(run)[0] == ("one", "error")
    assert run.attempts[0].error_code == "timeout"
    whole = make_run("one", knobs={"one": {"latency_ms": 400}}, rule=QUICK)
    await call(whole, is_stream=False)
    assert outcomes(whole) == [("one", "ok")]


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
    run.started -= REQUEST_SECONDS
    with pytest.raises(DeadlineExceeded):
        await dispatch.complete(run)
    assert run.attempts == []


async def test_health__after_failures__knows_of_them() -> None:
    with pytest.raises(RouterError):
        await dispatch.complete(make_run("ill", knobs={"ill": DOWN}))
    await dispatch.complete(make_run("well"))
    seen = board.health.deployments
    assert seen["ill"].failures == 3
    assert (seen["well"].failures, seen["well"].in_flight) == (0, 0)
    assert seen["ill"].in_flight == 0


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, None),
        ({"chat": {"max_output_tokens": 9}}, 9),
        ({"rule": {"max_output_tokens": 9}}, 9),
        ({"caller": make_caller(monthly_budget=5)}, 4_096),
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
    assert outcomes(run) == [("one", "cut"), ("two", "cut"), ("one", "cut")]


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
