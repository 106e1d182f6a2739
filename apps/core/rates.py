"""What is left of a caller's rate, told with the answer or the refusal."""

from typing import NamedTuple


class RateLeft(NamedTuple):
    """Requests a minute, how many of them may come at once, and when (Unix ms) all may again."""

    limit: int
    remaining: int
    full_at_ms: int
