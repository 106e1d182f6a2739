"""The built-in simulation: deterministic, paced, and failing on request."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from apps.core.chat import ChatRequest, Message, StreamEvent
from apps.core.tokens import estimate_messages, estimate_tokens
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.registry import UnknownAdapter, adapter_for
from apps.providers.adapters.simulated.knobs import faults_of, read_knobs

ADAPTER = adapter_for("simulated")


def make_call(
    question: str = "What is the capital of France?",
    *,
    model: str = "sim-small",
    limit: int | None = None,
    request_id: str = "req_1",
    timeouts: Timeouts | None = None,
    **simulation: Any,
) -> ProviderCall:
    request = ChatRequest("alias", (Message("user", question),), "router")
    connection = Connection("simulated", "", model, simulation=simulation)
    return ProviderCall(request, connection, limit, timeouts or Timeouts(), request_id)


async def collect(call: ProviderCall) -> list[StreamEvent]:
    return [event async for event in ADAPTER.stream(call)]


async def test_complete__same_question_and_model__gives_the_same_answer() -> None:
    first, second = await ADAPTER.complete(make_call()), await ADAPTER.complete(make_call())
    assert first == second
    assert first.finish_reason == "stop"


@pytest.mark.parametrize(
    "other", [lambda: make_call("And of Italy?"), lambda: make_call(model="sim-large")]
)
async def test_complete__another_question_or_model__answers_differently(
    other: Callable[[], ProviderCall],
) -> None:
    answers = await ADAPTER.complete(make_call()), await ADAPTER.complete(other())
    assert answers[0].text != answers[1].text


async def test_complete__usage__is_what_the_estimator_counts() -> None:
    call = make_call()
    answer = await ADAPTER.complete(call)
    assert answer.usage.input_tokens == estimate_messages("sim-small", call.request.messages)
    assert answer.usage.output_tokens == estimate_tokens("sim-small", answer.text)
    assert not answer.usage.is_estimated


async def test_stream__joined__is_the_whole_answer_and_ends_with_reason_and_usage() -> None:
    whole, events = await ADAPTER.complete(make_call()), await collect(make_call())
    assert "".join(event.text for event in events) == whole.text
    assert (events[-1].finish_reason, events[-1].usage) == ("stop", whole.usage)
    assert all(event.finish_reason is None for event in events[:-1])


@pytest.mark.parametrize("limit", [1, 2, 7, 30])
async def test_complete__limit__is_kept_and_said(limit: int) -> None:
    answer = await ADAPTER.complete(make_call(limit=limit, output_tokens=500))
    assert answer.finish_reason == "length"
    assert answer.usage.output_tokens <= limit


@pytest.mark.parametrize("wanted", [1, 40, 700])
async def test_complete__output_tokens__sets_the_length(wanted: int) -> None:
    answer = await ADAPTER.complete(make_call(output_tokens=wanted))
    assert wanted * 0.9 - 3 <= answer.usage.output_tokens <= wanted


async def test_complete__failure_percent__is_a_share_of_requests_and_repeats() -> None:
    async def fails(number: int) -> bool:
        try:
            await ADAPTER.complete(make_call(request_id=f"req_{number}", failure_percent=30))
        except AttemptError:
            return True
        return False

    first = [await fails(number) for number in range(300)]
    assert first == [await fails(number) for number in range(300)]
    assert 60 <= sum(first) <= 120


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "rejected"), (401, "credential"), (429, "rate_limited"), (503, "unavailable")],
)
async def test_stream__failure_status__is_typed_like_a_providers(status: int, kind: str) -> None:
    with pytest.raises(AttemptError) as caught:
        await collect(make_call(failure_percent=100, failure_status=status))
    assert (caught.value.kind, caught.value.http_status) == (kind, status)
    assert (caught.value.retry_after_seconds is not None) == (status == 429)


async def test_stream__paced__takes_its_time() -> None:
    started = time.monotonic()
    events = await collect(make_call(tokens_per_second=100, output_tokens=20))
    assert time.monotonic() - started > 0.1
    assert len(events) > 5


async def test_stream__latency_beyond_the_limit__is_a_timeout() -> None:
    call = make_call(latency_ms=5_000, timeouts=Timeouts(first_token=0.05))
    with pytest.raises(AttemptError) as caught:
        await collect(call)
    assert caught.value.kind == "timeout"


async def test_stream__unpaced_and_long__lets_others_run() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await collect(make_call(output_tokens=2_000))
    other.cancel()
    assert turns > 10


def test_read_knobs__out_of_bounds_or_nonsense__is_kept_in_bounds() -> None:
    knobs = read_knobs({"latency_ms": -5, "failure_percent": 900, "output_tokens": "many"})
    assert (knobs.latency_ms, knobs.failure_percent, knobs.output_tokens) == (0, 100, 0)


@pytest.mark.parametrize(
    ("simulation", "names"),
    [
        ({}, []),
        ({"latency_ms": 10, "failure_status": 503}, []),
        ({"latency": 10}, ["latency"]),
        ({"failure_percent": 101}, ["failure_percent"]),
        ({"output_tokens": True}, ["output_tokens"]),
        ({"failure_status": 200}, ["failure_status"]),
    ],
)
def test_faults_of__names_what_is_wrong(simulation: dict[str, Any], names: list[str]) -> None:
    assert [fault.partition(":")[0] for fault in faults_of(simulation)] == names


def test_adapter_for__unknown_wire__says_which_are_known() -> None:
    with pytest.raises(UnknownAdapter, match="simulated"):
        adapter_for("telegraph")
