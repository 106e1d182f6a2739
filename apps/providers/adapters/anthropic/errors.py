"""Anthropic's errors, by the type in their body."""

from collections.abc import Mapping
from typing import Any

import anthropic

from apps.providers.adapters.base import AttemptError, FailureKind
from apps.providers.adapters.failures import attempt_error, kind_of_status, retry_after_seconds
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.sdk import AnswerTooLarge

KIND_BY_TYPE: Mapping[str, FailureKind] = {
    "authentication_error": "credential",
    "billing_error": "credential",
    "permission_error": "credential",
    "not_found_error": "credential",
    "rate_limit_error": "rate_limited",
    "request_too_large": "context_length",
    "api_error": "unavailable",
    "overloaded_error": "unavailable",
    "timeout_error": "unavailable",
}
# All of them say `invalid_request_error`; only the words tell them apart.
KIND_BY_WORDS: Mapping[str, FailureKind] = {
    "prompt is too long": "context_length",
    "context window": "context_length",
    "context limit": "context_length",
    "credit balance is too low": "credential",
}


def error_of(error: anthropic.APIError, *, pace: Pace, secret: str) -> AttemptError:
    """Turn an error of the SDK into ours."""
    if isinstance(error, anthropic.APITimeoutError):
        return pace.failed("the provider took too long to answer")
    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error, pace=pace, secret=secret)
    if isinstance(error.__cause__, AnswerTooLarge):
        return pace.failed(str(error.__cause__))
    if isinstance(error, anthropic.APIConnectionError):
        return pace.failed("the provider cannot be reached, or broke the connection")
    return pace.failed("the provider's answer cannot be read")


def _of_status(error: anthropic.APIStatusError, *, pace: Pace, secret: str) -> AttemptError:
    type_, message = _read(error.body)
    status = error.status_code
    # An error event comes after a successful status: there its type speaks instead.
    usual = kind_of_status(status) if status >= 300 else KIND_BY_TYPE.get(type_, "unavailable")
    kind = _of_words(message) or usual
    return attempt_error(
        status,
        message,
        secret=secret,
        kind="cut" if pace.has_begun else kind,
        retry_after_seconds=retry_after_seconds(error.response.headers),
        provider_code=type_,
    )


def _read(body: Any) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("type") or ""), str(error.get("message") or "")


def _of_words(message: str) -> FailureKind | None:
    lowered = message.lower()
    return next((kind for words, kind in KIND_BY_WORDS.items() if words in lowered), None)
