"""Shared by the adapters: what a provider's status means, and when it asks us to come back."""

from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import islice

from apps.core.clock import utc_now
from apps.providers.adapters.base import AttemptError, FailureKind, ProviderCall

# Providers put prompts and whole pages into their messages; a log line needs the beginning only.
MAX_MESSAGE_CHARACTERS = 500
LONGEST_CODE = 100
# What a provider thought in earlier turns is for itself alone: a conversation that goes on
# elsewhere loses nothing that somebody said.
THOUGHTS = "reasoning_content"
# Names of fields may be of the caller's own making.
LONGEST_NAME = 60
# OpenAI's and most others' begin with `x-ratelimit-`, Anthropic's with `anthropic-ratelimit-`.
ABOUT_LIMITS = "ratelimit"
MOST_LIMITS = 32
LONGEST_LIMIT = 100

KIND_BY_STATUS: Mapping[int, FailureKind] = {
    401: "credential",
    402: "credential",  # the account behind the key has no credit left
    403: "credential",
    404: "credential",
    405: "credential",
    407: "credential",
    408: "unavailable",
    409: "unavailable",
    413: "context_length",
    425: "unavailable",
    429: "rate_limited",
}


def kind_of_status(status: int) -> FailureKind:
    """Say what to do next after an answer with this status."""
    if status in KIND_BY_STATUS:
        return KIND_BY_STATUS[status]
    if status >= 500:
        return "unavailable"
    # A redirect is never followed: the deployment's address is wrong, the request may be right.
    return "rejected" if status >= 400 else "credential"


def attempt_error(
    status: int,
    message: str,
    *,
    secret: str,
    kind: FailureKind | None = None,
    retry_after_seconds: float | None = None,
    provider_code: str = "",
    limits: Mapping[str, str] | None = None,
) -> AttemptError:
    """Build the error of an answer with a status; nothing of it can hold our secret."""
    told = {name: safe_message(text, secret=secret) for name, text in (limits or {}).items()}
    return AttemptError(
        kind or kind_of_status(status),
        safe_message(message, secret=secret) or f"the provider answered with status {status}",
        http_status=status,
        retry_after_seconds=retry_after_seconds,
        provider_code=safe_code(provider_code, secret=secret),
        limits=told,
    )


def timed_out(phase: str, seconds: float) -> AttemptError:
    """Build the error of a provider that kept us waiting too long."""
    return AttemptError("timeout", f"the provider sent nothing for {seconds:g} s ({phase})")


def not_expressible(message: str, *, param: str | None) -> AttemptError:
    """Build the error of a request that this wire has no form for."""
    return AttemptError("not_expressible", message, param=param)


def refuse_losses(call: ProviderCall, dropped: Iterable[str]) -> None:
    """Raise AttemptError where the route wants nothing lost and something would be.

    An adapter calls this with what its request has dropped, before it sends it.
    """
    lost = next((name for name in dropped if name != THOUGHTS), "")[:LONGEST_NAME]
    if call.refuses_loss and lost:
        raise not_expressible(f"this provider cannot take {lost} as it was sent", param=lost)


def safe_message(message: str, *, secret: str) -> str:
    """Return the beginning of a provider's message, with our credential struck out."""
    cleaned = message.replace(secret, "[credential]") if secret else message
    return " ".join(cleaned.split())[:MAX_MESSAGE_CHARACTERS]


def safe_code(code: str, *, secret: str) -> str:
    """Return a provider's code, with our credential struck out."""
    return safe_message(code, secret=secret)[:LONGEST_CODE]


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read `retry-after-ms`, else `retry-after` in seconds or as an HTTP date; None when absent."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    return seconds if seconds is not None or text is None else _seconds_until(text)


def limits_told(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers in which a provider tells of its rate limits, in lower case."""
    told = ((name.lower(), value) for name, value in headers.items())
    short = (
        (name, value)
        for name, value in told
        if ABOUT_LIMITS in name
        and len(value) <= LONGEST_LIMIT
        and value.isascii()
        and value.isprintable()
    )
    return dict(islice(short, MOST_LIMITS))


def _number(text: str | None) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    # "nan" and "inf" are numbers to float(), and nonsense here.
    return value if 0 <= value < float("inf") else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - utc_now()).total_seconds())
