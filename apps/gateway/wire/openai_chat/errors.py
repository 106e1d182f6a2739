"""Errors as OpenAI's SDKs read them. Pure. Source: OpenAI's API reference, "Error codes"."""

from collections.abc import Mapping
from typing import Any

from apps.core.errors import RouterError

SERVER_ERROR = 500
TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


def render_error(error: RouterError, status: int, _request_id: str) -> dict[str, Any]:
    """Return the error object: all four keys, always."""
    usual = "server_error" if status >= SERVER_ERROR else "invalid_request_error"
    told = {
        "message": error.message,
        "type": TYPES.get(status, usual),
        "param": error.param,
        "code": error.code,
    }
    return {"error": told}
