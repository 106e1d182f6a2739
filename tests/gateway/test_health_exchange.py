"""Two workers that tell each other of the deployments, over a real Redis."""

import asyncio
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import orjson
import pytest
import redis

from apps.core.redis import hot_redis
from apps.gateway import health_exchange
from apps.gateway.health_board import HealthBoard, board
from apps.gateway.health_exchange import HEALTH_KEY, HealthExchange
from apps.gateway.health_messages import (
    FORMAT,
    LIVES_MS,
    MOST_BYTES,
    MOST_DEPLOYMENTS,
    TOLD_FOR_MS,
    decode_news,
    encode_news,
)
from apps.gateway.lifespan import Lifespan
from apps.gateway.worker_loop import stop_loop, submit
from apps.routing.engine.health import HEALTHY
from apps.routing.engine.types import DeploymentHealth, Health, HealthEvent
from tests.factories.process import redis_gone

pytestmark = pytest.mark.usefixtures("event_loop_clients")
NOW = 1_790_000_000_000


class Clock:
    """The time of all workers of a test."""

    def __init__(self) -> None:
        self.ms = NOW


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(health_exchange, "unix_ms", lambda: clock.ms)
    return clock


class Worker:
    """A board and its exchange."""

    def __init__(self) -> None:
        self.board = HealthBoard()
        self.exchange = HealthExchange(self.board)

    def note(self, kind: Any, at_ms: int = NOW, **fields: Any) -> None:
        self.board.note(HealthEvent("alpha", kind, at_ms, **fields))

    @property
    def alpha(self) -> DeploymentHealth:
        return self.board.health.deployments.get("alpha", HEALTHY)


async def rounds(*workers: Worker, times: int = 1) -> None:
    for _ in range(times):
        for worker in workers:
            await worker.exchange.exchange()


async def test_ejection__seen_by_one_worker__is_known_to_the_other_after_one_exchange(
    clock: Clock,
) -> None:
    one, other = Worker(), Worker()
    for number in range(3):
        one.note("started", call_id=str(number))
        one.note("error", call_id=str(number))
    await rounds(one, other)
    assert other.alpha.ejected_until_ms == one.alpha.ejected_until_ms > NOW
    assert other.alpha.probation == one.alpha.probation > 0


async def test_blocks_and_refused_credentials__seen_by_one__hold_for_all(clock: Clock) -> None:
    one, other = Worker(), Worker()
    one.note("rate_limited", retry_after_ms=7_000)
    one.note("credential", credential="secret-1")
    await rounds(one, other)
    assert other.alpha.retry_after_ms == NOW + 7_000
    assert other.board.health.credentials_down == one.board.health.credentials_down != {}


async def test_calls_under_way__are_summed_and_never_counted_twice(clock: Clock) -> None:
    one, other, third = Worker(), Worker(), Worker()
    one.note("started", NOW - 4_000, call_id="a")
    one.note("started", call_id="b")
    other.note("started", call_id="c")
    await rounds(one, other, third, times=4)
    assert [worker.alpha.in_flight for worker in (one, other, third)] == [3, 3, 3]
    assert min(third.alpha.waiting.values()) == NOW - 4_000
    other.note("ok", call_id="c")
    one.note("error", call_id="a")
    await rounds(one, other, third, times=2)
    assert [worker.alpha.in_flight for worker in (one, other, third)] == [1, 1, 1]
    assert third.alpha.waiting == {f"@{one.exchange.worker}": NOW}


async def test_speed__is_that_of_the_worker_that_saw_the_deployment_last(clock: Clock) -> None:
    one, other = Worker(), Worker()
    one.note("first_token", NOW - 10, ttft_ms=9_000.0)
    other.note("first_token", NOW, ttft_ms=400.0)
    await rounds(one, other, one)
    assert one.alpha.ttft_ms == pytest.approx(other.alpha.ttft_ms, abs=0.1)


async def test_health__without_news__stays_the_same_object(clock: Clock) -> None:
    one, other = Worker(), Worker()
    one.note("first_token", ttft_ms=400.0)
    await rounds(one, other, times=2)
    before = one.board.health, other.board.health
    await rounds(one, other, times=2)
    assert one.board.health is before[0]
    assert other.board.health is before[1]


async def test_worker__that_died__is_not_heard_after_five_seconds_and_buried_after_a_minute(
    clock: Clock, redis_client: redis.Redis
) -> None:
    dead, living = Worker(), Worker()
    dead.note("started", call_id="a")
    await rounds(dead, living)
    clock.ms += LIVES_MS
    await rounds(living)
    assert living.alpha.in_flight == 1
    clock.ms += 1
    await rounds(living)
    assert living.alpha.in_flight == 0
    assert redis_client.hlen(HEALTH_KEY) == 2
    clock.ms += 60_000
    await rounds(living)
    assert redis_client.hkeys(HEALTH_KEY) == [living.exchange.worker.encode()]
    assert 0 < redis_client.pttl(HEALTH_KEY) <= 60_000


async def test_worker__whose_clock_is_wrong__is_not_heard(clock: Clock) -> None:
    ahead, living = Worker(), Worker()
    clock.ms += LIVES_MS + 1
    ahead.note("rate_limited", clock.ms, retry_after_ms=60_000)
    await rounds(ahead)
    clock.ms = NOW
    await rounds(living)
    assert living.alpha == HEALTHY


async def test_redis_gone_and_back__local_view_in_between_and_all_known_again(
    clock: Clock, settings: Any
) -> None:
    one, other = Worker(), Worker()
    one.note("started", call_id="a")
    other.note("rate_limited", retry_after_ms=60_000)
    await rounds(one, other, one)
    with redis_gone(settings):
        clock.ms += 1_000
        await rounds(one, other)
        # What was just heard still holds.
        assert other.alpha.in_flight == 1
        clock.ms += LIVES_MS
        await rounds(one, other)
        assert (one.alpha.in_flight, other.alpha.in_flight) == (1, 0)
        # A block is knowledge, not a count: it ends when it was to end.
        assert one.alpha.retry_after_ms == NOW + 60_000
        one.note("started", call_id="b")
        other.note("started", call_id="c")
    await rounds(one, other, one)
    assert (one.alpha.in_flight, other.alpha.in_flight) == (3, 3)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[]",
        b"null",
        b'{"v": 3}',
        b'{"v": 3, "at": "x", "d": [], "c": {}}',
        b'{"v": 3, "at": 1790000000000, "d": [["alpha", 1]], "c": {}}',
        b'{"v": 3, "at": 1790000000000, "d": [["alpha", "x"]], "c": []}',
        b"{" * 100_000,
        b'{"v": 3, "at": 1790000000000, "d": [], "c": {}}' + b" " * MOST_BYTES,
    ],
)
async def test_message__that_nobody_can_read__is_buried_and_the_others_are_heard(
    clock: Clock, redis_client: redis.Redis, message: bytes
) -> None:
    one, other = Worker(), Worker()
    one.note("rate_limited", retry_after_ms=9_000)
    redis_client.hset(HEALTH_KEY, b"strange \xff", message)
    await rounds(one, other)
    assert other.alpha.retry_after_ms == NOW + 9_000
    assert redis_client.hlen(HEALTH_KEY) == 2


async def test_message__of_another_release__is_neither_heard_nor_deleted(
    clock: Clock, redis_client: redis.Redis
) -> None:
    newer = orjson.dumps({"v": FORMAT + 1, "at": NOW, "health": "in some other form"})
    redis_client.hset(HEALTH_KEY, "newer", newer)
    worker = Worker()
    await rounds(worker, times=2)
    assert worker.board.health == Health()
    assert redis_client.hget(HEALTH_KEY, "newer") == newer


def test_message__of_a_large_fleet__is_bounded_and_keeps_what_matters_most() -> None:
    fleet = {
        f"0190b7a4-0000-7000-8000-{number:012d}": replace(HEALTHY, seen_ms=NOW - number)
        for number in range(3_000)
    }
    sick = "0190b7a4-0000-7000-8000-000000002999"
    fleet[sick] = replace(HEALTHY, ejected_until_ms=NOW + 9_000, probation=3)
    message = encode_news(Health(fleet), NOW)
    news = decode_news("peer", message, NOW)
    assert news is not None
    assert len(news.health.deployments) == len(orjson.loads(message)["d"]) == MOST_DEPLOYMENTS
    assert news.health.deployments[sick].probation == 3
    assert len(message) < MOST_BYTES
    long_names = Health({f"{number:09d}" * 100: HEALTHY for number in range(300)})
    shown = {name: replace(state, in_flight=1) for name, state in long_names.deployments.items()}
    assert len(encode_news(Health(shown), NOW)) <= MOST_BYTES


def test_message__leaves_out_what_was_not_seen_for_long() -> None:
    health = Health(
        {
            "old": replace(HEALTHY, seen_ms=NOW - TOLD_FOR_MS),
            "new": replace(HEALTHY, seen_ms=NOW - TOLD_FOR_MS + 1),
            "busy": replace(HEALTHY, in_flight=1),
        },
        credentials_down={"over": NOW, "down": NOW + 1},
    )
    news = decode_news("peer", encode_news(health, NOW), NOW)
    assert news is not None
    assert set(news.health.deployments) == {"new", "busy"}
    assert news.health.credentials_down == {"down": NOW + 1}


def test_message__carries_everything_that_merging_needs() -> None:
    state = DeploymentHealth(
        ttft_ms=432.1,
        ms_per_token=12.34,
        error_rate=0.1234,
        mean_output_tokens=321.0,
        seen_ms=NOW - 5,
        in_flight=3,
        waiting={"a": NOW - 700, "b": NOW - 100},
        failures=2,
        retry_after_ms=NOW + 1,
        ejected_until_ms=NOW + 2,
        ejections=4,
        probation=1,
        token_level=-12.0,
        token_level_ms=NOW - 3,
        usual_ttft_ms=210.25,
        usual_ms_per_token=0.01,
        borne=17,
    )
    # A field that is added later must be told, too.
    assert all(getattr(state, item.name) != getattr(HEALTHY, item.name) for item in fields(state))
    news = decode_news("peer", encode_news(Health({"alpha": state}), NOW), NOW + 50)
    assert news is not None
    assert news.health.deployments["alpha"] == replace(state, waiting={"@peer": NOW - 650})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health_exchange, "PERIOD_SECONDS", 0.01)
    yield
    stop_loop()


async def test_web_process__exchanges_from_its_start_to_its_end(
    quick: None, redis_client: redis.Redis
) -> None:
    lifespan = Lifespan()
    await lifespan.start()
    peer = Worker()
    peer.exchange.start()
    peer.note("rate_limited", 4_000_000_000_000, retry_after_ms=1_000)
    await until(lambda: "alpha" in board.health.deployments)
    assert redis_client.hlen(HEALTH_KEY) == 2
    await lifespan.stop()
    await peer.exchange.stop()
    assert redis_client.exists(HEALTH_KEY) == 0
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert "health-exchange" not in names


async def test_exchange__outlives_a_redis_that_goes_away(quick: None, settings: Any) -> None:
    one, other = Worker(), Worker()
    one.exchange.start()
    other.exchange.start()
    with redis_gone(settings):
        await asyncio.sleep(0.1)
        await hot_redis().aclose()
    one.note("rate_limited", 4_000_000_000_000, retry_after_ms=1_000)
    await until(lambda: other.alpha.retry_after_ms > 0)
    await one.exchange.stop()
    await other.exchange.stop()
    await other.exchange.stop()


def test_celery_process__exchanges_on_its_own_loop(quick: None, redis_client: redis.Redis) -> None:
    async def told() -> None:
        await until(lambda: redis_client.hlen(HEALTH_KEY) == 1)

    submit(told(), timeout=10.0)
    stop_loop()
    assert redis_client.exists(HEALTH_KEY) == 0


async def until(holds: Any) -> None:
    """Wait until something holds, ten seconds at most."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in Redis
            await asyncio.sleep(0.01)
