"""Errors of OpenAI-compatible servers: many shapes of body, one AttemptError."""

from collections.abc import Mapping
from typing import Any

import orjson

from apps.providers.adapters.base import AttemptError, FailureKind
from apps.providers.adapters.failures import (
    attempt_error,
    kind_of_status,
    retry_after_seconds,
    safe_message,
)

KIND_BY_CODE: Mapping[str, FailureKind] = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "string_above_max_length": "context_length",
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
}
# Servers without codes say it in words.
CONTEXT_WORDS = ("maximum context length", "context window", "context size", "prompt is too long")


def error_from_answer(
    status: int, body: bytes, *, headers: Mapping[str, str], secret: str
) -> AttemptError:
    """Read the error of an answer whose status is not a success."""
    message, codes = _read(_parse(body))
    kind = _kind_of(codes, message) or kind_of_status(status)
    return attempt_error(
        status,
        message,
        secret=secret,
        kind=kind,
        retry_after_seconds=retry_after_seconds(headers),
        provider_code=codes[0] if codes else "",
    )


def error_in_stream(error: Any, *, secret: str, has_begun: bool) -> AttemptError:
    """Read an error that came as an event after a successful status."""
    message, codes = _read({"error": error})
    kind: FailureKind = _kind_of(codes, message) or "unavailable"
    return AttemptError(
        "cut" if has_begun else kind,
        safe_message(message, secret=secret) or "the provider reported an error in its stream",
        provider_code=codes[0] if codes else "",
    )


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # A page of some proxy: its words say nothing about the request.
        return None


def _read(body: Any) -> tuple[str, list[str]]:
    """Return the message and the codes of any known shape: nested, flat, or `detail`."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return "", []
    error = body.get("error", body)
    if not isinstance(error, dict):
        return _text(error), []
    message = error.get("message") or error.get("detail") or ""
    codes = [str(error[name]) for name in ("code", "type") if error.get(name)]
    return _text(message), codes


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _kind_of(codes: list[str], message: str) -> FailureKind | None:
    for code in codes:
        if code in KIND_BY_CODE:
            return KIND_BY_CODE[code]
    lowered = message.lower()
    return "context_length" if any(words in lowered for words in CONTEXT_WORDS) else None
