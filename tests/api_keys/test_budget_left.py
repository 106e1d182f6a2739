"""What is left of a budget, for rules: exact while Redis is there, unknown while it is not."""

from typing import Any

import pytest
import redis

from apps.api_keys.budget_left import budget_left_percent
from apps.api_keys.limits import budget_key
from apps.api_keys.types import Caller
from apps.core.clock import unix_ms
from tests.factories.keys import make_caller
from tests.factories.people import make_tenant
from tests.factories.process import postgres_gone, redis_gone
from tests.factories.usage import make_event, write

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]


@pytest.mark.parametrize(
    ("settled", "reserved", "percent"),
    [(0, None, 100.0), (250, 0, 75.0), (250, 100, 65.0), (999, 5, 0.0), (1, 0, 99.9)],
)
async def test_budget__partly_taken__is_told_in_percent(
    redis_client: redis.Redis, settled: int, reserved: int | None, percent: float
) -> None:
    caller, now = make_caller(monthly_budget=1_000), unix_ms()
    taken: dict[Any, Any] = {"settled": settled}
    if reserved is not None:
        taken["reserved"] = reserved
    redis_client.hset(budget_key(caller, now), mapping=taken)
    assert await budget_left_percent(caller, now) == percent


async def test_key__without_a_budget__has_no_percentage(redis_client: redis.Redis) -> None:
    assert await budget_left_percent(make_caller(), unix_ms()) is None


async def test_budget__of_nothing__has_nothing_left(redis_client: redis.Redis) -> None:
    assert await budget_left_percent(make_caller(monthly_budget=0), unix_ms()) == 0.0


@pytest.fixture
def caller() -> Caller:
    """A caller of whose 1,000 micro-dollars the books know 400 as spent."""
    tenant = make_tenant()
    made = make_caller(tenant_id=tenant.pk, monthly_budget=1_000)
    write(make_event(tenant, key_id=made.key_id, cost=400))
    return made


async def test_spend__that_redis_has_lost__is_rebuilt_from_the_books(
    caller: Caller, redis_client: redis.Redis
) -> None:
    assert await budget_left_percent(caller, unix_ms()) == 60.0


async def test_budget__without_redis__is_not_known(settings: Any) -> None:
    with redis_gone(settings):
        assert await budget_left_percent(make_caller(monthly_budget=5), unix_ms()) is None


async def test_lost_spend__without_the_books__is_not_known(redis_client: redis.Redis) -> None:
    with postgres_gone():
        assert await budget_left_percent(make_caller(monthly_budget=5), unix_ms()) is None
