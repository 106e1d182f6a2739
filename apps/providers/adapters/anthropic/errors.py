"""Anthropic's errors, by the type in their body: from a status, and from an event in a stream.

Source of the format: Anthropic's API reference, "Errors".
"""

from collections.abc import Mapping
from typing import Any

import orjson

from apps.providers.adapters.base import AttemptError, FailureKind
from apps.providers.adapters.failures import (
    attempt_error,
    kind_of_status,
    limits_told,
    retry_after_seconds,
)
from apps.providers.adapters.reading import as_mapping

# An error event comes after a successful status: there its type says which one it stands for.
STATUS_BY_TYPE: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
UNKNOWN_STATUS = 500
# All of them say `invalid_request_error`; only the words tell them apart.
KIND_BY_WORDS: Mapping[str, FailureKind] = {
    "prompt is too long": "context_length",
    "context window": "context_length",
    "context limit": "context_length",
    "credit balance is too low": "credential",
}


def error_from_answer(
    status: int, body: bytes, *, headers: Mapping[str, str], secret: str
) -> AttemptError:
    """Read the error of an answer whose status is not a success."""
    type_, message = _read(_parse(body))
    return attempt_error(
        status,
        message,
        secret=secret,
        kind=_of_words(message) or kind_of_status(status),
        retry_after_seconds=retry_after_seconds(headers),
        limits=limits_told(headers),
        provider_code=type_,
    )


def error_in_stream(event: Any, *, secret: str, has_begun: bool) -> AttemptError:
    """Read an error that came as an event after a successful status."""
    type_, message = _read(event)
    status = STATUS_BY_TYPE.get(type_, UNKNOWN_STATUS)
    kind = _of_words(message) or kind_of_status(status)
    return attempt_error(
        status,
        message or "the provider reported an error in its stream",
        secret=secret,
        kind="cut" if has_begun else kind,
        provider_code=type_,
    )


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # A page of some proxy: its words say nothing about the request.
        return None


def _read(body: Any) -> tuple[str, str]:
    error = as_mapping(as_mapping(body).get("error"))
    return str(error.get("type") or ""), str(error.get("message") or "")


def _of_words(message: str) -> FailureKind | None:
    lowered = message.lower()
    return next((kind for words, kind in KIND_BY_WORDS.items() if words in lowered), None)
