"""What is left of a caller's rate, in the headers that its client knows. Pure.

Sources: OpenAI's guide "Rate limits" (rate limits in headers; durations as Go writes them), and
Anthropic's API reference "Rate limits" (response headers; RFC 3339). Both reset when all of the
limit may be used again. Google's API has no such headers: a refusal has `RetryInfo` in its body.
"""

import datetime as dt
from collections.abc import Callable, Mapping

from apps.core.chat import Dialect
from apps.core.rates import RateLeft

HOUR_MS, MINUTE_MS, SECOND_MS = 3_600_000, 60_000, 1_000

type RenderRate = Callable[[RateLeft, int], Mapping[str, str]]


def render_rate(dialect: Dialect, rate: RateLeft, now_ms: int) -> Mapping[str, str]:
    """Return the headers as clients of a dialect read them; our own API's are OpenAI's."""
    return RENDERERS.get(dialect, _as_openai)(rate, now_ms)


def duration(milliseconds: int) -> str:
    """Write a duration as Go does: `120ms`, `1s`, `8.64s`, `6m0s`, `1h0m0s`."""
    if 0 < milliseconds < SECOND_MS:
        return f"{milliseconds}ms"
    hours, rest = divmod(milliseconds, HOUR_MS)
    minutes, rest = divmod(rest, MINUTE_MS)
    seconds = f"{rest / SECOND_MS:g}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def moment(unix_ms: int) -> str:
    """Write a moment as RFC 3339 in UTC, in whole seconds, never before it is due."""
    whole = dt.datetime.fromtimestamp(-(-unix_ms // SECOND_MS), dt.UTC)
    return whole.strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_openai(rate: RateLeft, now_ms: int) -> Mapping[str, str]:
    return {
        "x-ratelimit-limit-requests": str(rate.limit),
        "x-ratelimit-remaining-requests": str(rate.remaining),
        "x-ratelimit-reset-requests": duration(max(rate.full_at_ms - now_ms, 0)),
    }


def _as_anthropic(rate: RateLeft, now_ms: int) -> Mapping[str, str]:
    return {
        "anthropic-ratelimit-requests-limit": str(rate.limit),
        "anthropic-ratelimit-requests-remaining": str(rate.remaining),
        "anthropic-ratelimit-requests-reset": moment(max(rate.full_at_ms, now_ms)),
    }


def _as_google(_rate: RateLeft, _now_ms: int) -> Mapping[str, str]:
    return {}


RENDERERS: Mapping[Dialect, RenderRate] = {"anthropic": _as_anthropic, "gemini": _as_google}
