"""Which dialect a caller speaks: told by the path, and by the headers where vendors share one."""

from django.http import HttpRequest

from apps.core.chat import Dialect

MODELS = "/v1/models"
GEMINI_KEY = "x-goog-api-key"
ANTHROPIC_HEADERS = ("anthropic-version", "x-api-key")
STREAM = ":streamGenerateContent"
RESPONSES = "/v1/responses"


def dialect_of(request: HttpRequest) -> Dialect:
    """Return the dialect in which a request is answered and refused."""
    path = request.path
    if path.startswith("/v1/messages"):
        return "anthropic"
    if path.startswith(("/v1beta/", "/v1/tunedModels/")) or _names_an_action(request):
        return "gemini"
    if path == MODELS or path.startswith(f"{MODELS}/"):
        return _dialect_of_models(request)
    if path == RESPONSES or path.startswith(f"{RESPONSES}/"):
        return "openai.responses"
    return "openai.chat" if path.startswith("/v1/") else "router"


def wants_array(request: HttpRequest) -> bool:
    """Say whether a stream of Gemini's shall be one JSON array, as it is unless asked for events.

    Such a stream fails as an array too.
    """
    kinds = (request.GET.get("alt"), request.GET.get("$alt"))
    return request.path.endswith(STREAM) and "sse" not in kinds


def _names_an_action(request: HttpRequest) -> bool:
    """Say whether a path ends as Google's do: `models/NAME:generateContent`."""
    return request.method == "POST" and ":" in request.path and request.path.startswith("/v1/")


def _dialect_of_models(request: HttpRequest) -> Dialect:
    """All three vendors list their models at the same address."""
    if GEMINI_KEY in request.headers or "key" in request.GET:
        return "gemini"
    is_anthropic = any(name in request.headers for name in ANTHROPIC_HEADERS)
    return "anthropic" if is_anthropic else "openai.chat"
