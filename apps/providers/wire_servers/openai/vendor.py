"""OpenAI's keys, headers and errors (platform.openai.com/docs/guides/error-codes; openai 3.54)."""

from apps.providers.wire_servers.exchange import Event, Json, Refusal, Request, Vendor

CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
TYPES = {429: "requests", 403: "permission_error"}


def error(refusal: Refusal, _request_id: str) -> Json:
    """Return the envelope with all four keys; `code` is a text or null."""
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": refusal.message,
            "type": TYPES.get(refusal.status, kind),
            "param": refusal.param,
            "code": refusal.code or CODES.get(refusal.status),
        }
    }


def error_event(refusal: Refusal, request_id: str) -> Event:
    """Return what a stream says when it fails half-way: the envelope as a chunk."""
    return Event(error(refusal, request_id))


def bearer_of(request: Request) -> str:
    """Return the token of the Authorization header."""
    kind, _space, token = request.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else ""


def check_key(request: Request, secret: str | None) -> None:
    """Refuse a request without a key, or with another one than ours; Azure has its own header."""
    key = bearer_of(request) or request.headers.get("api-key", "")
    if not key:
        raise Refusal(401, "You didn't provide an API key.")
    if secret is not None and key != secret:
        raise Refusal(401, "Incorrect API key provided.")


def headers(request_id: str) -> dict[str, str]:
    """Return what every answer carries."""
    return {
        "x-request-id": request_id,
        "openai-version": "2020-10-01",
        "openai-processing-ms": "12",
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
    }


MALFORMED = Event('{"id": "chatcmpl-')
TOO_LONG = Refusal(
    400,
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    code="context_length_exceeded",
    param="messages",
)
OPENAI = Vendor("openai", error, error_event, MALFORMED, check_key, headers, TOO_LONG)
