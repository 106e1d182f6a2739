"""Rate limits, budgets, reservations and the providers' tokens.

One Redis trip to admit a request, one for each further attempt, one to settle it.

When Redis is away: keys with a hard budget are refused (503), others get a local share of their
rate and of the providers' tokens. The settlement is written to the local journal first, so that
nothing answered is ever lost.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import structlog
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError

from apps.api_keys.errors import TokensShort
from apps.api_keys.local_share import local_buckets, take_share
from apps.api_keys.provider_tokens import (
    bucket_keys,
    correction_arguments,
    levels_of,
    need_arguments,
)
from apps.api_keys.redis_scripts import run_script, run_script_now
from apps.api_keys.refusals import budget_exceeded, budget_unknown, rate_limited
from apps.api_keys.spend import rebuild_spend
from apps.api_keys.types import Admission, AttemptNeeds, Caller, TokenCorrection
from apps.core.clock import unix_ms
from apps.core.database import in_database
from apps.core.errors import RouterError, ServiceUnavailable
from apps.core.rates import RateLeft
from apps.usage.journal import process_journal
from apps.usage.stream import STREAM

RESERVATIONS = "router:reservations"
EXPIRIES = "router:reservations:expiries"
# Longer than any request may last with all its attempts.
RESERVATION_MS = 15 * 60 * 1000
MARKER_SECONDS = 24 * 60 * 60
NO_BUDGET = -1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one request leaves: its cost, the event for the books, and perhaps an answer to keep.

    `corrections` are those of the attempts that no further attempt has told yet.
    """

    request_id: UUID
    budget_key: str
    cost: int
    event: bytes
    answer_key: str = ""
    answer: bytes = b""
    answer_seconds: int = 0
    corrections: tuple[TokenCorrection, ...] = ()


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
    attempts: Sequence[AttemptNeeds] = (),
) -> Admission:
    """Take the request's place in all limits, or find its answer in the cache.

    `reserve` is micro-dollars, taken from the budget of the month in which the request started;
    `stub` is the usage event to book should this process die; the tokens of the first of the
    planned `attempts` that has them are taken.
    Raises RateLimited, BudgetExceeded, TokensShort or ServiceUnavailable: nothing is taken then,
    and what is left of the rate is told with it.
    """
    now_ms = unix_ms()
    keys = [
        f"{caller.tenant_id}:rate:{caller.key_id}",
        answer_key or f"{caller.tenant_id}:answer:none",
        budget_key(caller, started_ms),
        *(RESERVATIONS, EXPIRIES, *bucket_keys(attempts)),
    ]
    arguments: list[Any] = [now_ms, caller.requests_per_minute or 0, _budget(caller), reserve]
    arguments += [request_id.hex, now_ms + RESERVATION_MS, stub, int(bool(answer_key))]
    arguments += need_arguments(attempts)
    try:
        reply = await _run("admit.lua", keys, arguments, caller, started_ms)
    except RedisError as error:
        log.warning("limits.redis_away", error=str(error))
        rate = _admit_locally(caller, now_ms)
        chosen = local_buckets.take(attempts, now_ms)
        return Admission(request_id, 0, chosen=chosen, rate=rate)
    state, number, answer, chosen, levels, remaining, full_in_ms = reply
    rate = _rate_left(caller, remaining, now_ms + full_in_ms)
    if state == b"hit":
        return Admission(request_id, 0, answer, rate=rate)
    known = levels_of(attempts, levels)
    if state == b"ok":
        return Admission(request_id, reserve, chosen=chosen, levels=known, rate=rate)
    if state == b"rate":
        raise rate_limited(caller, number, rate)
    shortage = _shortage(state, number, known, reserve)
    shortage.rate = rate
    raise shortage


async def readmit(
    caller: Caller,
    *,
    admission: Admission,
    attempts: Sequence[AttemptNeeds],
    started_ms: int,
    stub: bytes,
    spent: int = 0,
    corrections: Sequence[TokenCorrection] = (),
) -> Admission:
    """Make room for a further attempt of an admitted request; returns what holds from now on.

    The reservation rises to `spent` (what the attempts so far have cost) plus the dearest of
    `attempts`; `stub` is the usage event with that sum. The `corrections` of the attempts so far
    are applied whatever comes of it: they must not be told again.
    Raises BudgetExceeded ("left": what a further attempt may cost), TokensShort or
    ServiceUnavailable: nothing is taken then.
    """
    now_ms = unix_ms()
    reserve = spent + max((item.worst_case for item in attempts), default=0)
    request = admission.request_id.hex
    keys = [budget_key(caller, started_ms), RESERVATIONS, EXPIRIES]
    keys += [*bucket_keys(attempts), *bucket_keys(corrections)]
    arguments: list[Any] = [now_ms, _budget(caller), reserve, request, now_ms + RESERVATION_MS]
    arguments += [stub, len(attempts), *need_arguments(attempts)]
    arguments += correction_arguments(corrections)
    try:
        reply = await _run("readmit.lua", keys, arguments, caller, started_ms)
    except RedisError as error:
        log.warning("limits.redis_away", error=str(error))
        local_buckets.correct(corrections, now_ms)
        if caller.monthly_budget is not None and reserve > admission.reserved:
            raise budget_unknown() from error
        chosen = local_buckets.take(attempts, now_ms)
        return Admission(admission.request_id, admission.reserved, chosen=chosen)
    state, number, chosen, levels = reply
    known = levels_of(attempts, levels)
    if state == b"ok":
        return Admission(admission.request_id, number, chosen=chosen, levels=known)
    left = number - spent if state == b"budget" else number
    raise _shortage(state, left, known, reserve - spent)


async def settle(settlement: Settlement) -> None:
    """Book what happened: journal first, then Redis. A Redis that is away is caught up later."""
    now_ms = unix_ms()
    try:
        process_journal().append(encode_settlement(settlement))
    except OSError as error:
        # A full disk must not take the answer away; Redis still hears of it.
        log.exception("limits.journal_unwritable", error=str(error))
    try:
        await run_script("settle.lua", *_settle_arguments(settlement, now_ms))
    except RedisError as error:
        log.warning("limits.settled_in_journal_only", error=str(error))
        local_buckets.correct(settlement.corrections, now_ms)


def settle_from_journal(settlement: Settlement) -> None:
    """Book a settlement that Redis may not have heard of; a second time does nothing."""
    run_script_now("settle.lua", *_settle_arguments(settlement, unix_ms()))


def encode_settlement(settlement: Settlement) -> bytes:
    """Return the journal's line: all but the answer, a cache, and the buckets, soon full again."""
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


async def _run(
    script: str, keys: list[str], arguments: list[Any], caller: Caller, started_ms: int
) -> Any:
    """Run a script; a budget that Redis has lost is rebuilt from the books first."""
    reply = await run_script(script, keys, arguments)
    if reply[0] == b"cold":
        await _warm(caller, started_ms)
        reply = await run_script(script, keys, arguments)
    return reply


def _settle_arguments(settlement: Settlement, now_ms: int) -> tuple[list[str], list[Any]]:
    request = settlement.request_id.hex
    keys = [
        f"router:settled:{request}",
        settlement.budget_key,
        RESERVATIONS,
        EXPIRIES,
        STREAM,
        settlement.answer_key or "router:answer:none",
        *bucket_keys(settlement.corrections),
    ]
    arguments: list[Any] = [request, settlement.cost, settlement.event, settlement.answer]
    arguments += [settlement.answer_seconds, MARKER_SECONDS, now_ms]
    return keys, arguments + correction_arguments(settlement.corrections)


async def _warm(caller: Caller, started_ms: int) -> None:
    """Rebuild a lost spend from the books; a hard budget without its spend admits nobody."""
    try:
        await in_database(rebuild_spend, caller, budget_key(caller, started_ms), started_ms)
    except (DatabaseError, InterfaceError) as error:
        raise ServiceUnavailable("the budget cannot be checked now") from error


def _admit_locally(caller: Caller, now_ms: int) -> RateLeft | None:
    if caller.monthly_budget is not None:
        raise budget_unknown()
    share = take_share(caller.key_id, caller.requests_per_minute, now_ms)
    rate = _rate_left(caller, share.remaining, now_ms + share.full_in_ms)
    if share.wait_ms:
        raise rate_limited(caller, share.wait_ms, rate)
    return rate


def _rate_left(caller: Caller, remaining: int, full_at_ms: int) -> RateLeft | None:
    """Return what is left of the key's rate; None when it has no limit."""
    limit = caller.requests_per_minute
    return RateLeft(limit, remaining, full_at_ms) if limit else None


def _budget(caller: Caller) -> int:
    return NO_BUDGET if caller.monthly_budget is None else caller.monthly_budget


def _shortage(state: bytes, number: int, levels: dict[str, int], worst_case: int) -> RouterError:
    if state == b"tokens":
        return TokensShort(number, levels)
    if state == b"budget":
        return budget_exceeded(worst_case, number)
    return ServiceUnavailable("the budget cannot be checked now")
