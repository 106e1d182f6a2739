"""Errors as Google's clients read them. Pure.

Source: cloud.google.com/apis/design/errors (`google.rpc.Status` in JSON, and its details).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.errors import RouterError

SERVER_ERROR = 500
STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
TYPES = "type.googleapis.com/google.rpc"
DOMAIN = "llm-router"


def render_error(error: RouterError, status: int, request_id: str) -> dict[str, Any]:
    """Return the status; our code, the field at fault and the time to wait are its details."""
    usual = "INTERNAL" if status >= SERVER_ERROR else "INVALID_ARGUMENT"
    told = {
        "code": status,
        "message": error.message,
        "status": STATUSES.get(status, usual),
        "details": list(_details(error, request_id)),
    }
    return {"error": told}


def _details(error: RouterError, request_id: str) -> Iterator[dict[str, Any]]:
    yield {"@type": f"{TYPES}.ErrorInfo", "reason": error.code.upper(), "domain": DOMAIN}
    if error.param:
        violation = {"field": error.param, "description": error.message}
        yield {"@type": f"{TYPES}.BadRequest", "fieldViolations": [violation]}
    if error.retry_after_seconds is not None:
        delay = f"{error.retry_after_seconds}s"
        yield {"@type": f"{TYPES}.RetryInfo", "retryDelay": delay}
    if request_id:
        yield {"@type": f"{TYPES}.RequestInfo", "requestId": request_id}
