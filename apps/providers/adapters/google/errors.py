"""Google's errors, by status and by the details in their body."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.genai import errors

from apps.providers.adapters.base import AttemptError, FailureKind
from apps.providers.adapters.failures import attempt_error, kind_of_status, retry_after_seconds
from apps.providers.adapters.pace import Pace

# These come with status 400, though nothing is wrong with the request.
KIND_BY_REASON: Mapping[str, FailureKind] = {
    "API_KEY_INVALID": "credential",
    "API_KEY_EXPIRED": "credential",
    "API_KEY_SERVICE_BLOCKED": "credential",
}
KIND_BY_WORDS: Mapping[str, FailureKind] = {
    "api key not valid": "credential",
    "location is not supported": "credential",
    "exceeds the maximum number of tokens": "context_length",
    "input token count": "context_length",
}


def error_of(error: errors.APIError, *, pace: Pace, secret: str) -> AttemptError:
    """Turn an error of the SDK into ours."""
    message = error.message or ""
    details = list(_details(error.details))
    # An error inside a stream carries the code that its body names, if any.
    status = error.code or 500
    kind = _kind_of(details, message) or kind_of_status(status)
    return attempt_error(
        status,
        message,
        secret=secret,
        kind="cut" if pace.has_begun else kind,
        retry_after_seconds=_retry_after(error, details),
        provider_code=str(error.status or ""),
    )


def _details(body: Any) -> Iterator[Mapping[str, Any]]:
    error = body.get("error", body) if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield detail


def _kind_of(details: list[Mapping[str, Any]], message: str) -> FailureKind | None:
    for detail in details:
        if detail.get("reason") in KIND_BY_REASON:
            return KIND_BY_REASON[detail["reason"]]
    lowered = message.lower()
    return next((kind for words, kind in KIND_BY_WORDS.items() if words in lowered), None)


def _retry_after(error: errors.APIError, details: list[Mapping[str, Any]]) -> float | None:
    for detail in details:
        delay = str(detail.get("retryDelay") or "").removesuffix("s")
        if delay:
            return retry_after_seconds({"retry-after": delay})
    headers = getattr(error.response, "headers", None)
    return retry_after_seconds(headers) if headers else None
