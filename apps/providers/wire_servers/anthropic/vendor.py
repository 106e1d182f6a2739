"""Anthropic's keys, headers and errors (docs.anthropic.com/en/api/errors; anthropic 2.12)."""

from apps.providers.wire_servers.exchange import Event, Json, Refusal, Request, Vendor
from apps.providers.wire_servers.openai.vendor import bearer_of

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
MALFORMED = Event('{"type": "content_block_delta", "index"', "content_block_delta")
RESET = "2026-01-01T00:00:00Z"


def error(refusal: Refusal, request_id: str) -> Json:
    """Return the envelope, whose type follows the status."""
    kind = "api_error" if refusal.status >= 500 else "invalid_request_error"
    # An event inside of a stream, whose status was 200, is an overload.
    kind = "overloaded_error" if refusal.status == 200 else TYPES.get(refusal.status, kind)
    told = {"type": kind, "message": refusal.message}
    return {"type": "error", "error": told, "request_id": request_id}


def error_event(refusal: Refusal, request_id: str) -> Event:
    """Return what a stream says when it fails half-way."""
    return Event(error(refusal, request_id), "error")


def check_key(request: Request, secret: str | None) -> None:
    """Refuse a request without a key (or with another than ours), or without a version."""
    key = request.headers.get("x-api-key", "") or bearer_of(request)
    if not key:
        raise Refusal(401, "x-api-key header is required")
    if secret is not None and key != secret:
        raise Refusal(401, "invalid x-api-key")
    if "anthropic-version" not in request.headers:
        raise Refusal(400, "anthropic-version: header is required")


def headers(request_id: str) -> dict[str, str]:
    """Return what every answer carries."""
    kinds = ("requests", "tokens", "input-tokens", "output-tokens")
    limits = {
        f"anthropic-ratelimit-{kind}-{name}": value
        for kind in kinds
        for name, value in (("limit", "1000"), ("remaining", "999"), ("reset", RESET))
    }
    return {"request-id": request_id, **limits}


TOO_LONG = Refusal(400, "prompt is too long: 200001 tokens > 200000 maximum")
ANTHROPIC = Vendor("anthropic", error, error_event, MALFORMED, check_key, headers, TOO_LONG)
