"""A lost spend is rebuilt from ledger and journals, exactly, and never counted twice."""

import asyncio
import datetime as dt
from typing import Any

import pytest
import redis

from apps.api_keys import limits
from apps.api_keys.limits import Settlement, admit, budget_key, encode_settlement, settle
from apps.api_keys.spend import month_start, rebuild_spend
from apps.api_keys.types import Caller
from apps.core.clock import unix_ms
from apps.core.database import in_database
from apps.core.errors import BudgetExceeded, ServiceUnavailable
from apps.core.ids import new_id
from apps.usage.codec import encode_event
from apps.usage.journal import process_journal
from apps.usage.types import UsageEvent
from tests.factories.keys import caller_of_key, make_key
from tests.factories.people import make_project, make_tenant
from tests.factories.process import postgres_gone
from tests.factories.usage import make_event, write

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]


def caller_in(zone: str = "UTC", budget: int = 1_000) -> Caller:
    project = make_project(make_tenant(time_zone=zone))
    return caller_of_key(make_key(project, monthly_budget=budget).row)


@pytest.fixture
def caller() -> Caller:
    return caller_in()


def told(caller: Caller, event: UsageEvent) -> Settlement:
    name = budget_key(caller, event.at_ms)
    return Settlement(event.event_id, name, event.cost, encode_event(event))


def settled(client: redis.Redis, caller: Caller, now_ms: int) -> int:
    value: Any = client.hget(budget_key(caller, now_ms), "settled")
    return int(value)


async def ask(caller: Caller, reserve: int) -> Any:
    return await admit(
        caller, request_id=new_id(), reserve=reserve, stub=b"{}", started_ms=unix_ms()
    )


async def test_cold_budget__with_a_ledger__is_rebuilt_on_the_first_request(
    caller: Caller, redis_client: redis.Redis
) -> None:
    other = await in_database(caller_in)
    events = [make_event(caller, cost=300), make_event(caller, cost=250)]
    await in_database(write, *events, make_event(other, cost=9_999))
    with pytest.raises(BudgetExceeded) as refused:
        await ask(caller, 451)
    assert refused.value.details["left"] == 450
    await ask(caller, 450)
    assert settled(redis_client, caller, unix_ms()) == 550


async def test_cold_budget__with_journals__counts_what_the_books_lack_once(
    caller: Caller, redis_client: redis.Redis
) -> None:
    in_both, journaled = make_event(caller, cost=100), make_event(caller, cost=30)
    await in_database(write, in_both)
    for event in (in_both, journaled, journaled):
        process_journal().append(encode_settlement(told(caller, event)))
    process_journal().append(b"torn")
    await ask(caller, 1)
    assert settled(redis_client, caller, unix_ms()) == 130


async def test_rebuilt_budget__then_settled_from_the_journal__is_charged_once(
    caller: Caller, redis_client: redis.Redis
) -> None:
    event = make_event(caller, cost=30)
    process_journal().append(encode_settlement(told(caller, event)))
    await ask(caller, 1)
    limits.settle_from_journal(told(caller, event))
    assert settled(redis_client, caller, unix_ms()) == 30
    await settle(told(caller, make_event(caller, cost=5)))
    assert settled(redis_client, caller, unix_ms()) == 35


async def test_rebuild__slower_than_another__changes_nothing(
    caller: Caller, redis_client: redis.Redis
) -> None:
    await in_database(write, make_event(caller, cost=100))
    name = budget_key(caller, unix_ms())
    redis_client.hset(name, "settled", 777)
    await in_database(rebuild_spend, caller, name, unix_ms())
    assert settled(redis_client, caller, unix_ms()) == 777
    assert redis_client.ttl(name) > 30 * 24 * 60 * 60


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Sao_Paulo", "UTC", "Asia/Kolkata"])
async def test_rebuild__at_the_border_of_the_tenants_month__takes_the_month_only(
    zone: str, redis_client: redis.Redis
) -> None:
    caller = await in_database(caller_in, zone)
    now_ms = round(dt.datetime(2026, 11, 15, 12, tzinfo=dt.UTC).timestamp() * 1000)
    start_ms = round(month_start(zone, now_ms).timestamp() * 1000)
    inside = make_event(caller, cost=10, at_ms=start_ms)
    before = make_event(caller, cost=500, at_ms=start_ms - 1)
    await in_database(write, inside, before)
    journaled = make_event(caller, cost=3, at_ms=start_ms)
    earlier = make_event(caller, cost=900, at_ms=start_ms - 1)
    for event in (journaled, earlier):
        process_journal().append(encode_settlement(told(caller, event)))
    await in_database(rebuild_spend, caller, budget_key(caller, now_ms), now_ms)
    assert settled(redis_client, caller, now_ms) == 13


async def test_cold_budget__without_the_data_base__admits_nobody(caller: Caller) -> None:
    with postgres_gone(), pytest.raises(ServiceUnavailable):
        await ask(caller, 1)


async def test_cold_budget__asked_by_many_at_once__is_never_passed(caller: Caller) -> None:
    asked = (ask(caller, 300) for _ in range(20))
    results = await asyncio.gather(*asked, return_exceptions=True)
    refused = [result for result in results if isinstance(result, BudgetExceeded)]
    assert len(refused) == 17
    assert len(results) - len(refused) == 3
