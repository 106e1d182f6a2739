"""What a key is told of its rate: with Redis, and with this process's share of it."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import redis

from apps.api_keys.errors import TokensShort
from apps.api_keys.limits import admit, budget_key
from apps.api_keys.types import Admission, AttemptNeeds, Caller
from apps.core.errors import BudgetExceeded, RateLimited, RouterError
from apps.core.ids import new_id
from apps.core.rates import RateLeft
from tests.api_keys.clock import NOW, Clock
from tests.factories.keys import make_caller
from tests.factories.process import redis_gone

pytestmark = pytest.mark.usefixtures("event_loop_clients")


@pytest.fixture(params=["redis", "away"])
def place(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    """Where the rate is counted: in Redis, or in the only process that there is."""
    settings.WEB_WORKERS = 1
    with nullcontext() if request.param == "redis" else redis_gone(settings):
        yield request.param


async def ask(caller: Caller, reserve: int = 0, **fields: Any) -> Admission:
    return await admit(
        caller, request_id=new_id(), reserve=reserve, started_ms=NOW, stub=b"{}", **fields
    )


async def left(caller: Caller) -> RateLeft:
    rate = (await ask(caller)).rate
    assert rate is not None
    return rate


async def refusal(kind: type[RouterError], caller: Caller, *needs: Any, **fields: Any) -> Any:
    with pytest.raises(kind) as told:
        await ask(caller, *needs, **fields)
    return told.value


@pytest.mark.usefixtures("place")
async def test_rate_left__of_each_admission__counts_down_and_fills_evenly(clock: Clock) -> None:
    caller = make_caller(requests_per_minute=5)
    assert await left(caller) == (5, 4, NOW + 12_000)
    assert await left(caller) == (5, 3, NOW + 24_000)
    clock.ms += 12_000
    assert await left(caller) == (5, 3, NOW + 36_000)
    clock.ms += 11_000
    assert await left(caller) == (5, 2, NOW + 48_000)
    clock.ms += 60_000
    assert await left(caller) == (5, 4, clock.ms + 12_000)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("per_minute", [1, 7, 13, 61, 700])
async def test_rate_left__whatever_the_limit__is_how_many_more_are_let_through(
    clock: Clock, per_minute: int
) -> None:
    caller = make_caller(requests_per_minute=per_minute)
    for taken in range(1, per_minute + 1):
        assert (await left(caller)).remaining == per_minute - taken
    told = await refusal(RateLimited, caller)
    assert told.rate.remaining == 0


@pytest.mark.usefixtures("place")
async def test_rate_left__with_a_refusal__is_nothing_until_a_time_not_before_the_wait(
    clock: Clock,
) -> None:
    caller = make_caller(requests_per_minute=4)
    for _ in range(4):
        await ask(caller)
    clock.ms += 5_000
    told = await refusal(RateLimited, caller)
    assert told.rate == (4, 0, NOW + 60_000)
    assert told.retry_after_seconds == 10
    clock.ms = told.rate.full_at_ms
    assert (await left(caller)).remaining == 3


@pytest.mark.usefixtures("place")
async def test_rate_left__of_one_a_minute__is_whole_when_the_wait_is_over(clock: Clock) -> None:
    caller = make_caller(requests_per_minute=1)
    await ask(caller)
    clock.ms += 20_000
    told = await refusal(RateLimited, caller)
    assert told.rate.full_at_ms - clock.ms == told.retry_after_seconds * 1_000 == 40_000


@pytest.mark.usefixtures("place")
async def test_rate_left__of_a_key_without_a_limit__is_unknown() -> None:
    assert (await ask(make_caller())).rate is None


async def test_rate_left__with_a_refusal_of_money_or_tokens__has_lost_nothing(
    clock: Clock, redis_client: redis.Redis
) -> None:
    caller = make_caller(requests_per_minute=3, monthly_budget=10)
    redis_client.hset(budget_key(caller, NOW), "settled", 0)
    assert (await refusal(BudgetExceeded, caller, 11)).rate == (3, 3, NOW)
    needs = AttemptNeeds("alpha", 4_000, 1_000)
    assert (await ask(caller, 1, attempts=[needs])).rate == (3, 2, NOW + 20_000)
    short = await refusal(TokensShort, caller, 1, attempts=[needs])
    assert short.rate == (3, 2, NOW + 20_000)


async def test_rate_left__of_a_cached_answer__counts_it_too(
    clock: Clock, redis_client: redis.Redis
) -> None:
    caller = make_caller(requests_per_minute=2)
    key = f"{caller.tenant_id}:answer:x"
    redis_client.set(key, b"sealed")
    assert (await ask(caller, answer_key=key)).rate == (2, 1, NOW + 30_000)


async def test_rate_left__of_a_limit_that_was_lowered__is_nothing_rather_than_less(
    clock: Clock,
) -> None:
    caller = make_caller(requests_per_minute=100)
    for _ in range(100):
        await ask(caller)
    lowered = make_caller(tenant_id=caller.tenant_id, key_id=caller.key_id, requests_per_minute=2)
    told = await refusal(RateLimited, lowered)
    assert told.rate == (2, 0, NOW + 60_000)


async def test_redis_away__rate_left__is_this_processes_share(clock: Clock, settings: Any) -> None:
    settings.WEB_WORKERS = 2
    caller = make_caller(requests_per_minute=6)
    with redis_gone(settings):
        assert [(await left(caller)).remaining for _ in range(3)] == [2, 1, 0]
        assert (await refusal(RateLimited, caller)).rate == (6, 0, NOW + 60_000)
