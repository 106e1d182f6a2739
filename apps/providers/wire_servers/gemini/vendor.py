"""Google's keys, headers and errors (ai.google.dev/gemini-api/docs/troubleshooting)."""

from apps.providers.wire_servers.exchange import Event, Json, Refusal, Request, Vendor

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
TYPES = "type.googleapis.com/google.rpc"


def error(refusal: Refusal, _request_id: str) -> Json:
    """Return the envelope; a limit says in its details when to come back."""
    # An event inside of a stream, whose status was 200, is an overload.
    code = 503 if refusal.status == 200 else refusal.status
    told: Json = {"code": code, "message": refusal.message}
    told["status"] = STATUSES.get(code, "UNKNOWN")
    if code == 429:
        told["details"] = [{"@type": f"{TYPES}.RetryInfo", "retryDelay": f"{refusal.wait}s"}]
    if refusal.code:
        told["details"] = [{"@type": f"{TYPES}.ErrorInfo", "reason": refusal.code}]
    return {"error": told}


def error_event(refusal: Refusal, request_id: str) -> Event:
    """Return what a stream says when it fails half-way."""
    return Event(error(refusal, request_id))


def check_key(request: Request, secret: str | None) -> None:
    """Refuse a request without a key, or with another one than ours."""
    key = request.headers.get("x-goog-api-key", "") or request.query.get("key", "")
    if not key:
        raise Refusal(403, "Method doesn't allow unregistered callers.")
    if secret is not None and key != secret:
        message = "API key not valid. Please pass a valid API key."
        raise Refusal(400, message, code="API_KEY_INVALID")


def headers(_request_id: str) -> dict[str, str]:
    """Return what every answer carries; Google sends no id of the request."""
    return {"server-timing": "gfet4t7; dur=12", "vary": "Origin, X-Origin, Referer"}


MALFORMED = Event('{"candidates": [{"content"')
TOO_LONG = Refusal(
    400,
    "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
)
GEMINI = Vendor("gemini", error, error_event, MALFORMED, check_key, headers, TOO_LONG)
