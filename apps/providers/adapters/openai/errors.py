"""Errors of OpenAI-compatible servers: many shapes of body, one AttemptError."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from apps.providers.adapters.base import AttemptError, FailureKind
from apps.providers.adapters.failures import (
    attempt_error,
    kind_of_status,
    limits_told,
    retry_after_seconds,
    safe_code,
    safe_message,
)

KIND_BY_CODE: Mapping[str, FailureKind] = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    # The account has no credit left, though the status says 429: waiting does not help.
    "insufficient_quota": "credential",
    "billing_hard_limit_reached": "credential",
    "invalid_api_key": "credential",
    "model_not_found": "credential",
    "rate_limit_exceeded": "rate_limited",
    "server_error": "unavailable",
    "overloaded_error": "unavailable",
    # Groq: the model wrote a call that is none.
    "tool_use_failed": "unavailable",
}
# Any field may be too long; a larger window helps where it is the prompt.
TOO_LONG = "string_above_max_length"
PROMPTS = ("messages", "input")
# Servers without codes say it in words.
CONTEXT_WORDS = (
    *("maximum context length", "context window", "context size", "prompt is too long"),
    "reduce the length of the messages",
)


class Told(NamedTuple):
    """What an error says: `codes` from the most telling one on, `param` the field at fault."""

    message: str = ""
    codes: tuple[str, ...] = ()
    param: str | None = None


def error_from_answer(
    status: int, body: bytes, *, headers: Mapping[str, str], secret: str
) -> AttemptError:
    """Read the error of an answer whose status is not a success."""
    told = _read(_parse(body))
    error = attempt_error(
        status,
        told.message,
        secret=secret,
        kind=_kind_of(told) or kind_of_status(status),
        retry_after_seconds=retry_after_seconds(headers),
        limits=limits_told(headers),
        provider_code=next(iter(told.codes), ""),
    )
    error.param = safe_code(told.param, secret=secret) if told.param else None
    return error


def error_in_stream(error: Any, *, secret: str, has_begun: bool) -> AttemptError:
    """Read an error that came as an event after a successful status."""
    found = error_in_body(error, secret=secret)
    if has_begun:
        found.kind = "cut"
    return found


def error_in_body(error: Any, *, secret: str) -> AttemptError:
    """Read an error that came in place of an answer, with a successful status."""
    told = _read({"error": error})
    return AttemptError(
        _kind_of(told) or "unavailable",
        safe_message(told.message, secret=secret) or "the provider reported an error",
        provider_code=safe_code(next(iter(told.codes), ""), secret=secret),
    )


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # A page of some proxy: its words say nothing about the request.
        return None


def _read(body: Any) -> Told:
    """Read any known shape: nested, flat, or `detail`."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return Told()
    error = body.get("error") or body
    if not isinstance(error, dict):
        return Told(_text(error))
    said = error.get("message") or error.get("detail") or ""
    # Mistral wraps the details into the message.
    details = said.get("detail", said) if isinstance(said, dict) else said
    if isinstance(details, list) and details and isinstance(details[0], dict):
        return _first_detail(details[0])
    codes = (str(error[name]) for name in ("code", "type") if error.get(name))
    param = error.get("param")
    return Told(
        _text(said),
        # A number is the status once more.
        tuple(code for code in codes if not code.isdecimal()),
        param if isinstance(param, str) and param else None,
    )


def _first_detail(detail: dict[str, Any]) -> Told:
    """Read the first complaint of a server made with FastAPI: where it is, and what."""
    place = detail.get("loc")
    names = [str(name) for name in place if name != "body"] if isinstance(place, list) else []
    param = ".".join(names)
    message = ": ".join(filter(None, (param, _text(detail.get("msg") or detail))))
    return Told(message, param=param or None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _kind_of(told: Told) -> FailureKind | None:
    for code in told.codes:
        if code in KIND_BY_CODE:
            return KIND_BY_CODE[code]
        if code == TOO_LONG and (told.param or "").startswith(PROMPTS):
            return "context_length"
    lowered = told.message.lower()
    return "context_length" if any(words in lowered for words in CONTEXT_WORDS) else None
