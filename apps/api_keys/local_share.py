"""While Redis is away each process grants its share of a key's rate: limit / processes."""

from uuid import UUID

from django.conf import settings

MINUTE_MS = 60_000
MOST_KEYS = 10_000
_arrivals: dict[UUID, float] = {}


def take_share(key_id: UUID, per_minute: int | None, now_ms: int) -> int:
    """Return 0 when the request may go on, else the milliseconds to wait (as `admit` counts)."""
    if not per_minute:
        return 0
    step = MINUTE_MS * settings.WEB_WORKERS / per_minute
    arrival = max(_arrivals.get(key_id, 0.0), now_ms) + step
    # A share smaller than one request still lets one through in its own time.
    allowed = max(MINUTE_MS, step)
    if arrival - now_ms > allowed:
        return round(arrival - now_ms - allowed) or 1
    if len(_arrivals) >= MOST_KEYS:
        _arrivals.clear()
    _arrivals[key_id] = arrival
    return 0
