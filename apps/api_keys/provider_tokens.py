"""The providers' tokens per minute: one bucket for each deployment, shared by all workers.

A bucket holds a quarter of its tokens per minute and refills evenly; a deployment without a limit
has none. The keys begin with a namespace, so that a simulation keeps its own; time is the caller's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from redis.exceptions import RedisError

from apps.api_keys.local_share import local_buckets
from apps.api_keys.redis_scripts import run_script, run_script_now
from apps.api_keys.types import AttemptNeeds, TokenCorrection

NAMESPACE = "router"
RESERVE = "reserve_tokens.lua"
CORRECT = "correct_tokens.lua"

log = structlog.get_logger(__name__)


class Taken(NamedTuple):
    """The attempt whose tokens were taken (-1: none has them for `wait_ms`), and the levels."""

    chosen: int
    wait_ms: int
    levels: Mapping[str, int]


async def reserve_tokens(
    attempts: Sequence[AttemptNeeds], *, now_ms: int, namespace: str = NAMESPACE
) -> Taken:
    """Take the tokens of the first attempt that has them; this process's share without Redis."""
    keys, arguments = _reservation(attempts, now_ms, namespace)
    try:
        return _taken(attempts, await run_script(RESERVE, keys, arguments))
    except RedisError as error:
        log.warning("provider_tokens.redis_away", error=str(error))
        return Taken(local_buckets.take(attempts, now_ms), 0, {})


def reserve_tokens_now(
    attempts: Sequence[AttemptNeeds], *, now_ms: int, namespace: str = NAMESPACE
) -> Taken:
    """Take tokens on the control path; raises RedisError."""
    keys, arguments = _reservation(attempts, now_ms, namespace)
    return _taken(attempts, run_script_now(RESERVE, keys, arguments))


async def correct_tokens(
    corrections: Sequence[TokenCorrection], *, now_ms: int, namespace: str = NAMESPACE
) -> None:
    """Give back what calls did not use, block what a provider closed."""
    keys, arguments = bucket_keys(corrections, namespace), correction_arguments(corrections)
    try:
        await run_script(CORRECT, keys, [now_ms, *arguments])
    except RedisError as error:
        log.warning("provider_tokens.redis_away", error=str(error))
        local_buckets.correct(corrections, now_ms)


def correct_tokens_now(
    corrections: Sequence[TokenCorrection], *, now_ms: int, namespace: str = NAMESPACE
) -> None:
    """Correct the buckets on the control path; raises RedisError."""
    keys, arguments = bucket_keys(corrections, namespace), correction_arguments(corrections)
    run_script_now(CORRECT, keys, [now_ms, *arguments])


def bucket_keys(
    items: Sequence[AttemptNeeds | TokenCorrection], namespace: str = NAMESPACE
) -> list[str]:
    """Return the keys of the buckets of attempts or corrections."""
    return [f"{namespace}:tokens:{item.deployment_id}" for item in items]


def need_arguments(attempts: Sequence[AttemptNeeds]) -> list[int]:
    """Return what a script must know of attempts: per minute, tokens, ..."""
    return [number for item in attempts for number in (item.tokens_per_minute or 0, item.tokens)]


def correction_arguments(corrections: Sequence[TokenCorrection]) -> list[int]:
    """Return what a script must know of corrections: per minute, tokens, block until, ..."""
    return [
        number
        for item in corrections
        for number in (item.tokens_per_minute or 0, item.tokens, item.block_until_ms)
    ]


def levels_of(attempts: Sequence[AttemptNeeds], levels: Sequence[int]) -> dict[str, int]:
    """Return a script's levels by deployment, those without a bucket left out."""
    # A script that looked at no bucket tells no levels.
    pairs = zip(attempts, levels, strict=False)
    return {item.deployment_id: level for item, level in pairs if item.tokens_per_minute}


def _reservation(
    attempts: Sequence[AttemptNeeds], now_ms: int, namespace: str
) -> tuple[list[str], list[Any]]:
    return bucket_keys(attempts, namespace), [now_ms, *need_arguments(attempts)]


def _taken(attempts: Sequence[AttemptNeeds], reply: Any) -> Taken:
    chosen, wait_ms, levels = reply
    return Taken(chosen, wait_ms, levels_of(attempts, levels))
