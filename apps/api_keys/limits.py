"""Rate limits, budgets and reservations: one Redis trip to admit a request, one to settle it.

When Redis is away: keys with a hard budget are refused (503), others get a local share of their
rate. The settlement is written to the local journal first, so that nothing answered is ever lost.
"""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import redis.asyncio
import structlog
from django.db import DatabaseError, InterfaceError
from redis.commands.core import AsyncScript, Script
from redis.exceptions import RedisError

from apps.api_keys.local_share import take_share
from apps.api_keys.spend import rebuild_spend
from apps.api_keys.types import Admission, Caller
from apps.core.clock import unix_ms
from apps.core.database import in_database
from apps.core.errors import BudgetExceeded, RateLimited, ServiceUnavailable
from apps.core.money import format_usd
from apps.core.redis import control_redis, hot_redis
from apps.usage.journal import process_journal
from apps.usage.stream import STREAM

RESERVATIONS = "router:reservations"
EXPIRIES = "router:reservations:expiries"
# Longer than any request may last with all its attempts.
RESERVATION_MS = 15 * 60 * 1000
MARKER_SECONDS = 24 * 60 * 60
NO_BUDGET = -1
SCRIPTS = Path(__file__).parent / "scripts"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one request leaves: its cost, the event for the books, and perhaps an answer to keep."""

    request_id: UUID
    budget_key: str
    cost: int
    event: bytes
    answer_key: str = ""
    answer: bytes = b""
    answer_seconds: int = 0


def budget_key(caller: Caller, now_ms: int) -> str:
    """Return the budget of the caller's month, in the tenant's time zone."""
    local = dt.datetime.fromtimestamp(now_ms / 1000, ZoneInfo(caller.tenant_time_zone))
    return f"{caller.tenant_id}:budget:{caller.key_id}:{local:%Y%m}"


async def admit(
    caller: Caller,
    *,
    request_id: UUID,
    reserve: int,
    stub: bytes,
    started_ms: int,
    answer_key: str = "",
) -> Admission:
    """Take the request's place in all limits, or find its answer in the cache.

    `reserve` is micro-dollars, taken from the budget of the month in which the request started;
    `stub` is the usage event to book should this process die.
    Raises RateLimited, BudgetExceeded or ServiceUnavailable.
    """
    now_ms = unix_ms()
    keys = [
        f"{caller.tenant_id}:rate:{caller.key_id}",
        answer_key or f"{caller.tenant_id}:answer:none",
        budget_key(caller, started_ms),
        RESERVATIONS,
        EXPIRIES,
    ]
    limit = NO_BUDGET if caller.monthly_budget is None else caller.monthly_budget
    arguments: list[Any] = [now_ms, caller.requests_per_minute or 0, limit, reserve]
    arguments += [request_id.hex, now_ms + RESERVATION_MS, stub, int(bool(answer_key))]
    try:
        state, number, answer = await _run_admit(keys, arguments)
        if state == b"cold":
            await _warm(caller, started_ms)
            state, number, answer = await _run_admit(keys, arguments)
    except RedisError as error:
        log.warning("limits.redis_away", error=str(error))
        _admit_locally(caller, now_ms)
        return Admission(request_id, 0)
    if state == b"hit":
        return Admission(request_id, 0, answer)
    if state == b"ok":
        return Admission(request_id, reserve)
    raise _refusal(caller, state, number, reserve)


async def settle(settlement: Settlement) -> None:
    """Book what happened: journal first, then Redis. A Redis that is away is caught up later."""
    try:
        process_journal().append(encode_settlement(settlement))
    except OSError as error:
        # A full disk must not take the answer away; Redis still hears of it.
        log.exception("limits.journal_unwritable", error=str(error))
    try:
        await _settle_script()(*_settle_arguments(settlement), client=hot_redis())
    except RedisError as error:
        log.warning("limits.settled_in_journal_only", error=str(error))


def settle_from_journal(settlement: Settlement) -> None:
    """Book a settlement that Redis may not have heard of; a second time does nothing."""
    _sync_settle_script()(*_settle_arguments(settlement), client=control_redis())


def encode_settlement(settlement: Settlement) -> bytes:
    """Return the journal's line: everything but the answer, which is only a cache."""
    return orjson.dumps(
        {
            "request_id": settlement.request_id,
            "budget_key": settlement.budget_key,
            "cost": settlement.cost,
            "event": settlement.event.decode(),
        }
    )


def decode_settlement(line: bytes) -> Settlement:
    """Read a journal's line; raises ValueError or KeyError when it is torn."""
    fields: dict[str, Any] = orjson.loads(line)
    return Settlement(
        request_id=UUID(fields["request_id"]),
        budget_key=fields["budget_key"],
        cost=fields["cost"],
        event=fields["event"].encode(),
    )


async def _run_admit(keys: list[str], arguments: list[Any]) -> tuple[bytes, int, bytes]:
    reply: Any = await _admit_script()(keys=keys, args=arguments, client=hot_redis())
    return reply[0], int(reply[1]), reply[2]


def _settle_arguments(settlement: Settlement) -> tuple[list[str], list[Any]]:
    request = settlement.request_id.hex
    keys = [
        f"router:settled:{request}",
        settlement.budget_key,
        RESERVATIONS,
        EXPIRIES,
        STREAM,
        settlement.answer_key or "router:answer:none",
    ]
    arguments: list[Any] = [request, settlement.cost, settlement.event]
    return keys, [*arguments, settlement.answer, settlement.answer_seconds, MARKER_SECONDS]


async def _warm(caller: Caller, started_ms: int) -> None:
    """Rebuild a lost spend from the books; a hard budget without its spend admits nobody."""
    try:
        await in_database(rebuild_spend, caller, budget_key(caller, started_ms), started_ms)
    except (DatabaseError, InterfaceError) as error:
        raise ServiceUnavailable("the budget cannot be checked now") from error


def _admit_locally(caller: Caller, now_ms: int) -> None:
    if caller.monthly_budget is not None:
        raise ServiceUnavailable("the budget of this API key cannot be checked now")
    wait_ms = take_share(caller.key_id, caller.requests_per_minute, now_ms)
    if wait_ms:
        raise _rate_limited(caller, wait_ms)


def _refusal(
    caller: Caller, state: bytes, number: int, reserve: int
) -> RateLimited | BudgetExceeded | ServiceUnavailable:
    if state == b"rate":
        return _rate_limited(caller, number)
    if state == b"budget":
        return BudgetExceeded(
            f"this request could cost {format_usd(reserve)} USD and {format_usd(max(number, 0))}"
            " USD of this API key's monthly budget are left: lower max_tokens or raise the budget",
            details={"worst_case": reserve, "left": number},
        )
    return ServiceUnavailable("the budget cannot be checked now")


def _rate_limited(caller: Caller, wait_ms: int) -> RateLimited:
    return RateLimited(
        f"this API key may send {caller.requests_per_minute} requests a minute",
        retry_after_seconds=max(1, -(-wait_ms // 1000)),
    )


@lru_cache(maxsize=1)
def _admit_script() -> AsyncScript:
    return _script("admit.lua")


@lru_cache(maxsize=1)
def _settle_script() -> AsyncScript:
    return _script("settle.lua")


@lru_cache(maxsize=1)
def _sync_settle_script() -> Script:
    return control_redis().register_script((SCRIPTS / "settle.lua").read_text(encoding="utf-8"))


def _script(name: str) -> AsyncScript:
    # The client is given at each call (one per event loop); this one only lends its encoder.
    text = (SCRIPTS / name).read_text(encoding="utf-8")
    return redis.asyncio.Redis().register_script(text)
