"""How much of a key's monthly budget is left, for rules that ask for it before deciding."""

import structlog
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError

from apps.api_keys.limits import budget_key
from apps.api_keys.spend import rebuild_spend
from apps.api_keys.types import Caller
from apps.core.database import in_database
from apps.core.redis import hot_redis

PERCENT = 100
DECIMALS = 4
FIELDS = ["settled", "reserved"]

log = structlog.get_logger(__name__)


async def budget_left_percent(caller: Caller, now_ms: int) -> float | None:
    """Return what is neither spent nor reserved; None: without a budget, or it cannot be told."""
    limit = caller.monthly_budget
    if limit is None:
        return None
    try:
        taken = await _taken(caller, now_ms)
    except (RedisError, DatabaseError, InterfaceError) as error:
        log.warning("budget_left.unknown", key=str(caller.key_id), error=str(error))
        return None
    if taken is None or limit == 0:
        return None if taken is None else 0.0
    return round(max(limit - taken, 0) * PERCENT / limit, DECIMALS)


async def _taken(caller: Caller, now_ms: int) -> int | None:
    """Return settled + reserved; a spend that Redis has lost is first rebuilt from the books."""
    key = budget_key(caller, now_ms)
    taken = await _read(key)
    if taken is None:
        await in_database(rebuild_spend, caller, key, now_ms)
        taken = await _read(key)
    return taken


async def _read(key: str) -> int | None:
    settled, reserved = await hot_redis().hmget(key, FIELDS)
    return None if settled is None else int(settled) + int(reserved or 0)
