"""Google's errors, by status and by the details in their body.

Source: ai.google.dev/gemini-api/docs/troubleshooting, google.rpc.Status and its details.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from google.genai import errors

from apps.providers.adapters.base import AttemptError, FailureKind
from apps.providers.adapters.failures import attempt_error, kind_of_status, retry_after_seconds
from apps.providers.adapters.pace import Pace

UNNAMED_STATUS = 500
# These come with status 400, though nothing is wrong with the request.
KIND_BY_REASON: Mapping[str, FailureKind] = {
    "API_KEY_INVALID": "credential",
    "API_KEY_EXPIRED": "credential",
    "API_KEY_SERVICE_BLOCKED": "credential",
    "SERVICE_DISABLED": "credential",
}
KIND_BY_NAME: Mapping[str, FailureKind] = {
    # A country that is not served, or an account without billing.
    "FAILED_PRECONDITION": "credential",
}
KIND_BY_WORDS: Mapping[str, FailureKind] = {
    "api key not valid": "credential",
    "location is not supported": "credential",
    "exceeds the maximum number of tokens": "context_length",
    "input token count": "context_length",
}


def error_of(error: errors.APIError, *, pace: Pace, secret: str) -> AttemptError:
    """Turn an error of the SDK into ours."""
    return _error(
        error.details, status=error.code, headers=_headers_of(error), pace=pace, secret=secret
    )


def error_in_body(body: Mapping[str, Any], *, pace: Pace, secret: str) -> AttemptError:
    """Turn an error that came under a good status into ours; its own code speaks, if it has one."""
    return _error(body, status=None, headers={}, pace=pace, secret=secret)


def _error(
    body: Any, *, status: Any, headers: Mapping[str, str], pace: Pace, secret: str
) -> AttemptError:
    told = _told(body)
    details = list(_details(told))
    code = status or told.get("code")
    known = code if isinstance(code, int) and code >= 300 else UNNAMED_STATUS
    message, name = str(told.get("message") or ""), str(told.get("status") or "")
    kind = _kind_of(details, name, message) or kind_of_status(known)
    return attempt_error(
        known,
        message,
        secret=secret,
        kind="cut" if pace.has_begun else kind,
        retry_after_seconds=_retry_after(details, headers),
        provider_code=name,
    )


def _told(body: Any) -> Mapping[str, Any]:
    """Return the error object: of an envelope, of an array that holds one, or bare."""
    found = body[0] if isinstance(body, list) and body else body
    if not isinstance(found, dict):
        return {}
    error = found.get("error", found)
    return error if isinstance(error, dict) else {"message": error}


def _details(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = told.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield detail


def _kind_of(details: list[Mapping[str, Any]], name: str, message: str) -> FailureKind | None:
    for detail in details:
        if detail.get("reason") in KIND_BY_REASON:
            return KIND_BY_REASON[detail["reason"]]
    lowered = message.lower()
    found = next((kind for words, kind in KIND_BY_WORDS.items() if words in lowered), None)
    return found or KIND_BY_NAME.get(name)


def _retry_after(details: list[Mapping[str, Any]], headers: Mapping[str, str]) -> float | None:
    for detail in details:
        delay = str(detail.get("retryDelay") or "").removesuffix("s")
        if delay:
            return retry_after_seconds({"retry-after": delay})
    return retry_after_seconds(headers)


def _headers_of(error: errors.APIError) -> Mapping[str, str]:
    headers = getattr(error.response, "headers", None)
    return headers if headers is not None else {}
