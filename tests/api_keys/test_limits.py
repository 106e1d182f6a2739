"""Rate limits, budgets and reservations, with the real scripts on a real Redis."""

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID

import pytest
import redis

from apps.api_keys import limits, local_share
from apps.api_keys.limits import Settlement, admit, budget_key, settle, settle_from_journal
from apps.api_keys.orphans import make_stub, settle_orphans
from apps.api_keys.types import Admission, Caller
from apps.core.errors import BudgetExceeded, RateLimited, ServiceUnavailable
from apps.core.ids import new_id
from apps.usage.codec import decode_event, encode_event
from apps.usage.stream import STREAM
from tests.api_keys.clock import NOW, Clock
from tests.factories.keys import make_caller
from tests.factories.process import redis_gone
from tests.factories.usage import make_attempt, make_event

pytestmark = pytest.mark.usefixtures("event_loop_clients")


async def ask(caller: Caller, reserve: int = 0, **fields: Any) -> Admission:
    request_id: UUID = fields.pop("request_id", None) or new_id()
    event = make_event(caller, event_id=request_id, at_ms=NOW)
    stub = make_stub(encode_event(event), budget_key(caller, NOW), reserve)
    values: dict[str, Any] = {"started_ms": NOW, "stub": stub, **fields}
    return await admit(caller, request_id=request_id, reserve=reserve, **values)


def settlement(caller: Caller, request_id: UUID, cost: int, **fields: Any) -> Settlement:
    event = make_event(caller, event_id=request_id, at_ms=NOW, cost=cost)
    return Settlement(request_id, budget_key(caller, NOW), cost, encode_event(event), **fields)


def put_budget(client: redis.Redis, caller: Caller, settled: int = 0) -> None:
    client.hset(budget_key(caller, NOW), "settled", settled)


def budget(client: redis.Redis, caller: Caller) -> tuple[int, int]:
    """Return what is settled and what is reserved."""
    name = budget_key(caller, NOW)
    return int(client.hget(name, "settled") or 0), int(client.hget(name, "reserved") or 0)


async def test_rate__of_n_a_minute__lets_n_through_and_no_more(clock: Clock) -> None:
    caller = make_caller(requests_per_minute=5)
    for _ in range(5):
        await ask(caller)
    with pytest.raises(RateLimited, match="5 requests a minute") as told:
        await ask(caller)
    assert told.value.retry_after_seconds == 12


async def test_rate__after_the_wait_it_told__lets_one_more_through(clock: Clock) -> None:
    caller = make_caller(requests_per_minute=5)
    for _ in range(5):
        await ask(caller)
    clock.ms += 12_000
    await ask(caller)
    with pytest.raises(RateLimited):
        await ask(caller)
    clock.ms += 60_000
    for _ in range(5):
        await ask(caller)
    with pytest.raises(RateLimited):
        await ask(caller)


async def test_rate__refusals__take_nothing(clock: Clock, redis_client: redis.Redis) -> None:
    caller = make_caller(requests_per_minute=1)
    await ask(caller)
    for _ in range(20):
        with pytest.raises(RateLimited):
            await ask(caller)
    assert redis_client.hlen(limits.RESERVATIONS) == 1
    clock.ms += 60_000
    await ask(caller)


async def test_rate__of_thousands_a_minute__is_counted_exactly(clock: Clock) -> None:
    caller = make_caller(requests_per_minute=700)
    results: list[Any] = []
    for _ in range(36):
        crowd = (ask(caller) for _ in range(20))
        results += await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(result, Admission) for result in results) == 700


async def test_rate__of_another_key__is_its_own(clock: Clock) -> None:
    first, second = make_caller(requests_per_minute=1), make_caller(requests_per_minute=1)
    await ask(first)
    await ask(second)
    with pytest.raises(RateLimited):
        await ask(first)


async def test_key__without_limits__is_never_refused(redis_client: redis.Redis) -> None:
    caller = make_caller()
    for _ in range(30):
        await ask(caller, 10**12)
    assert redis_client.exists(budget_key(caller, NOW)) == 0


async def test_budget__raced_for_by_fifty__is_never_passed(redis_client: redis.Redis) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    results = await asyncio.gather(*(ask(caller, 90) for _ in range(50)), return_exceptions=True)
    admitted = [result for result in results if isinstance(result, Admission)]
    refused = [result for result in results if isinstance(result, BudgetExceeded)]
    assert (len(admitted), len(refused)) == (11, 39)
    assert budget(redis_client, caller) == (0, 990)
    for admission in admitted:
        await settle(settlement(caller, admission.request_id, 90))
    assert budget(redis_client, caller) == (990, 0)


async def test_budget__exactly_met__is_admitted_and_one_more_micro_dollar_is_not(
    redis_client: redis.Redis,
) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller, settled=400)
    with pytest.raises(BudgetExceeded) as told:
        await ask(caller, 601)
    assert told.value.details == {"worst_case": 601, "left": 600}
    assert (await ask(caller, 600)).reserved == 600


async def test_budget__refused__holds_nothing_and_takes_no_rate(
    clock: Clock, redis_client: redis.Redis
) -> None:
    caller = make_caller(monthly_budget=10, requests_per_minute=1)
    put_budget(redis_client, caller)
    with pytest.raises(BudgetExceeded):
        await ask(caller, 11)
    assert budget(redis_client, caller) == (0, 0)
    assert redis_client.hlen(limits.RESERVATIONS) == 0
    await ask(caller, 10)


async def test_settlement__of_less_than_was_held__releases_the_rest(
    redis_client: redis.Redis,
) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    admission = await ask(caller, 900)
    await settle(settlement(caller, admission.request_id, 25))
    assert budget(redis_client, caller) == (25, 0)
    assert redis_client.hlen(limits.RESERVATIONS) == redis_client.zcard(limits.EXPIRIES) == 0
    assert (await ask(caller, 975)).reserved == 975


async def test_settlement__told_again_and_again__counts_once(redis_client: redis.Redis) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    admission = await ask(caller, 100)
    told = settlement(caller, admission.request_id, 40)
    await settle(told)
    await settle(told)
    settle_from_journal(told)
    assert budget(redis_client, caller) == (40, 0)
    assert redis_client.xlen(STREAM) == 1


async def test_settlement__raced_by_itself__counts_once(redis_client: redis.Redis) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    told = settlement(caller, (await ask(caller, 100)).request_id, 40)
    await asyncio.gather(*(settle(told) for _ in range(20)))
    assert budget(redis_client, caller) == (40, 0)
    assert redis_client.xlen(STREAM) == 1


async def test_settlement__of_a_request_admitted_without_a_budget__releases_nothing_of_a_new_one(
    redis_client: redis.Redis,
) -> None:
    before = make_caller()
    admission = await ask(before, 500)
    after = make_caller(tenant_id=before.tenant_id, key_id=before.key_id, monthly_budget=1_000)
    put_budget(redis_client, after)
    await settle(settlement(before, admission.request_id, 30))
    assert budget(redis_client, after) == (30, 0)


async def test_settlement__after_redis_lost_the_reservation__never_goes_below_nothing(
    redis_client: redis.Redis,
) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    admission = await ask(caller, 500)
    redis_client.flushdb()
    put_budget(redis_client, caller, settled=70)
    await settle(settlement(caller, admission.request_id, 30))
    assert budget(redis_client, caller) == (100, 0)


async def test_settlement__with_an_answer__keeps_it_for_its_time(redis_client: redis.Redis) -> None:
    caller = make_caller()
    key = f"{caller.tenant_id}:answer:x"
    kept = {"answer_key": key, "answer": b"sealed", "answer_seconds": 60}
    await settle(settlement(caller, new_id(), 1, **kept))
    assert redis_client.get(key) == b"sealed"
    assert 55 < redis_client.ttl(key) <= 60


async def test_kept_answer__asked_for__is_a_hit_that_holds_nothing(
    clock: Clock, redis_client: redis.Redis
) -> None:
    caller = make_caller(monthly_budget=10, requests_per_minute=2)
    key = f"{caller.tenant_id}:answer:x"
    redis_client.set(key, b"sealed")
    hit = await ask(caller, 1_000_000, answer_key=key)
    assert (hit.cached_answer, hit.reserved) == (b"sealed", 0)
    assert redis_client.hlen(limits.RESERVATIONS) == 0
    await ask(caller, 1_000_000, answer_key=key)
    with pytest.raises(RateLimited):
        await ask(caller, 1_000_000, answer_key=key)


async def test_month__begins_in_the_tenants_own_zone() -> None:
    caller = make_caller(tenant_time_zone="America/Sao_Paulo")
    last = dt.datetime(2026, 11, 1, 2, 59, 59, tzinfo=dt.UTC)
    first = last + dt.timedelta(seconds=1)
    assert budget_key(caller, round(last.timestamp() * 1000)).endswith(":202610")
    assert budget_key(caller, round(first.timestamp() * 1000)).endswith(":202611")


async def test_request__admitted_in_the_next_month__is_held_and_released_in_its_own(
    clock: Clock, redis_client: redis.Redis
) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    clock.ms = NOW + 40 * 24 * 60 * 60 * 1000
    admission = await ask(caller, 300)
    assert budget(redis_client, caller) == (0, 300)
    await settle(settlement(caller, admission.request_id, 200))
    assert budget(redis_client, caller) == (200, 0)


async def test_redis_away__hard_budget__is_503(settings: Any) -> None:
    with redis_gone(settings), pytest.raises(ServiceUnavailable) as told:
        await ask(make_caller(monthly_budget=10**9), 1)
    assert told.value.retry_after_seconds


async def test_redis_away__rate__is_this_processes_share(clock: Clock, settings: Any) -> None:
    settings.WEB_WORKERS = 2
    caller = make_caller(requests_per_minute=6)
    with redis_gone(settings):
        for _ in range(3):
            assert (await ask(caller, 5)).reserved == 0
        with pytest.raises(RateLimited) as told:
            await ask(caller, 5)
        assert told.value.retry_after_seconds == 20
        clock.ms += 20_000
        await ask(caller, 5)


async def test_redis_away__share_below_one__still_lets_one_through(
    clock: Clock, settings: Any
) -> None:
    settings.WEB_WORKERS = 4
    caller = make_caller(requests_per_minute=1)
    with redis_gone(settings):
        await ask(caller)
        with pytest.raises(RateLimited):
            await ask(caller)
        clock.ms += 240_000
        await ask(caller)


async def test_redis_away__key_without_a_rate__is_served(settings: Any) -> None:
    with redis_gone(settings):
        for _ in range(50):
            await ask(make_caller(), 5)


def test_share__of_many_keys__is_forgotten_rather_than_grown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_share, "MOST_KEYS", 10)
    for _ in range(50):
        local_share.take_share(new_id(), 5, NOW)
    assert len(local_share._arrivals) <= 10


async def test_orphan__whose_time_is_over__is_booked_by_estimate_once(
    clock: Clock, redis_client: redis.Redis
) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    request_id = new_id()
    event = make_event(
        caller,
        event_id=request_id,
        at_ms=NOW,
        status="error",
        attempts=(make_attempt(cost=0, status="cancelled"),),
    )
    stub = make_stub(encode_event(event), budget_key(caller, NOW), 250)
    await ask(caller, 250, request_id=request_id, stub=stub)
    assert settle_orphans(NOW + limits.RESERVATION_MS - 1) == 0
    assert settle_orphans(NOW + limits.RESERVATION_MS) == 1
    assert settle_orphans(NOW + limits.RESERVATION_MS) == 0
    assert budget(redis_client, caller) == (250, 0)
    booked = events_on_stream(redis_client)
    assert [(item.event_id, item.cost) for item in booked] == [(request_id, 250)]
    assert booked[0].attempts[0].is_estimated


async def test_orphan__that_answers_after_all__is_not_charged_twice(
    clock: Clock, redis_client: redis.Redis
) -> None:
    caller = make_caller(monthly_budget=1_000)
    put_budget(redis_client, caller)
    admission = await ask(caller, 250)
    settle_orphans(NOW + limits.RESERVATION_MS)
    await settle(settlement(caller, admission.request_id, 40))
    assert budget(redis_client, caller) == (250, 0)
    assert redis_client.xlen(STREAM) == 1


@pytest.mark.parametrize("stub", [b"", b"{}", b"[]", b'{"event": 1}', b'{"event": "{}"}'])
async def test_orphan__that_cannot_be_read__does_not_stand_before_the_others(
    clock: Clock, redis_client: redis.Redis, stub: bytes
) -> None:
    caller = make_caller()
    await ask(caller, stub=stub)
    await ask(caller, 70)
    assert settle_orphans(NOW + limits.RESERVATION_MS) == 2
    assert settle_orphans(NOW + limits.RESERVATION_MS) == 0
    assert [item.cost for item in events_on_stream(redis_client)] == [70]


def events_on_stream(client: redis.Redis) -> list[Any]:
    entries: Any = client.xrange(STREAM)
    return [decode_event(fields[b"event"]) for _id, fields in entries]
