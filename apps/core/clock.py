"""The clock: the one place that reads wall and monotonic time."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def unix_ms() -> int:
    """Return Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def monotonic_seconds() -> float:
    """Return a clock that never steps back, for durations and deadlines."""
    return time.monotonic()
