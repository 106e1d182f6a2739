"""Errors as Anthropic's SDKs read them. Pure. Source: Anthropic's API reference, "Errors"."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from apps.core.errors import BudgetExceeded, ProviderOverloaded, RouterError
from apps.gateway.wire.anthropic.threads import ThreadNotFound, ThreadUnsupported

# Anthropic's own status for having no room.
OVERLOADED = 529
TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


def status_of(error: RouterError) -> int:
    """Return the status of this dialect: it has some of its own, and no 422."""
    if isinstance(error, ProviderOverloaded):
        return OVERLOADED
    if isinstance(error, BudgetExceeded):
        # A 429 would be tried again, which helps nobody before the next budget.
        return HTTPStatus.PAYMENT_REQUIRED
    is_unprocessable = error.http_status == HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.BAD_REQUEST if is_unprocessable else error.http_status


def render_error(error: RouterError, status: int, request_id: str) -> dict[str, Any]:
    """Return the error object; the field at fault has no place of its own but the message."""
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    usual = "api_error" if is_ours else "invalid_request_error"
    message = f"{error.param}: {error.message}" if error.param else error.message
    told: dict[str, Any] = {"type": TYPES.get(status, usual), "message": message}
    if isinstance(error, ThreadNotFound | ThreadUnsupported):
        # Where clients look to know that they can go on without a thread.
        told["details"] = {"error_code": error.code}
    return {"type": "error", "error": told, "request_id": request_id}
