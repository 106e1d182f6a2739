"""While Redis is away each process grants its share of a rate or a bucket: limit / processes."""

import math
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from apps.api_keys.types import AttemptNeeds, TokenCorrection

MINUTE_MS = 60_000
# A provider's bucket holds a quarter of its tokens per minute.
BURSTS_PER_MINUTE = 4
MOST_KEYS = 10_000
_arrivals: dict[UUID, float] = {}


class Share(NamedTuple):
    """What `admit` tells of a rate: `wait_ms` is 0 when the request may go on."""

    wait_ms: int
    remaining: int
    full_in_ms: int


def take_share(key_id: UUID, per_minute: int | None, now_ms: int) -> Share:
    """Take a request's place in this process's share of its key's rate (as `admit` counts)."""
    if not per_minute:
        return Share(0, 0, 0)
    step = MINUTE_MS * settings.WEB_WORKERS / per_minute
    # A share smaller than one request still lets one through in its own time.
    whole = max(MINUTE_MS, step)
    # What sums of fractions are off by stays far below a hundredth of a request.
    allowed = whole + step / 100
    used = max(_arrivals.get(key_id, 0.0) - now_ms, 0.0)
    if used + step > allowed:
        return Share(math.ceil(used + step - whole), 0, math.ceil(used))
    if len(_arrivals) >= MOST_KEYS:
        _arrivals.clear()
    used += step
    _arrivals[key_id] = now_ms + used
    return Share(0, int((allowed - used) / step), math.ceil(used))


class _Bucket(NamedTuple):
    level: float
    at_ms: int
    blocked_until_ms: int = 0


class LocalBuckets:
    """This process's share of the providers' tokens per minute, as `buckets.lua` counts them."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def take(self, attempts: Sequence[AttemptNeeds], now_ms: int) -> int:
        """Return the place of the first attempt with tokens, else of the one that has them first.

        It fails open: a provider's own 429 is better than a refusal of ours.
        """
        if not attempts:
            return 0
        waits = [self._wait_ms(item, now_ms) for item in attempts]
        chosen = waits.index(min(waits))
        item = attempts[chosen]
        self._change(item.deployment_id, item.tokens_per_minute, -item.tokens, now_ms)
        return chosen

    def correct(self, corrections: Sequence[TokenCorrection], now_ms: int) -> None:
        """Give back what calls did not use, block what a provider closed."""
        for item in corrections:
            self._change(
                item.deployment_id,
                item.tokens_per_minute,
                item.tokens,
                now_ms,
                block_until_ms=item.block_until_ms,
            )

    def clear(self) -> None:
        self._buckets.clear()

    def _wait_ms(self, item: AttemptNeeds, now_ms: int) -> float:
        if not item.tokens_per_minute:
            return 0.0
        share = item.tokens_per_minute / settings.WEB_WORKERS
        bucket = self._bucket(item.deployment_id, share, now_ms)
        missing = min(item.tokens, share / BURSTS_PER_MINUTE) - bucket.level
        return max(missing * MINUTE_MS / share, bucket.blocked_until_ms - now_ms, 0.0)

    def _bucket(self, deployment_id: str, share: float, now_ms: int) -> _Bucket:
        most = share / BURSTS_PER_MINUTE
        level, at_ms, blocked_until_ms = self._buckets.get(deployment_id, _Bucket(most, now_ms))
        refilled = max(now_ms - at_ms, 0) * share / MINUTE_MS
        return _Bucket(min(level + refilled, most), now_ms, blocked_until_ms)

    def _change(
        self,
        deployment_id: str,
        per_minute: int | None,
        tokens: int,
        now_ms: int,
        *,
        block_until_ms: int = 0,
    ) -> None:
        if not per_minute:
            return
        if len(self._buckets) >= MOST_KEYS:
            self._buckets.clear()
        share = per_minute / settings.WEB_WORKERS
        level, at_ms, blocked_until_ms = self._bucket(deployment_id, share, now_ms)
        level = min(level + tokens, share / BURSTS_PER_MINUTE)
        if block_until_ms:
            level, blocked_until_ms = min(level, 0.0), max(blocked_until_ms, block_until_ms)
        self._buckets[deployment_id] = _Bucket(level, at_ms, blocked_until_ms)


local_buckets = LocalBuckets()
