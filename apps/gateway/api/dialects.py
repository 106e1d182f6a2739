"""Which dialect a caller speaks: told by the path, and by the headers where vendors share one."""

from django.http import HttpRequest

from apps.core.chat import Dialect

MODELS = "/v1/models"
GEMINI_KEY = "x-goog-api-key"
ANTHROPIC_HEADERS = ("anthropic-version", "x-api-key")


def dialect_of(request: HttpRequest) -> Dialect:
    """Return the dialect in which a request is answered and refused."""
    path = request.path
    if path.startswith("/v1/messages"):
        return "anthropic"
    if path == MODELS or path.startswith(f"{MODELS}/"):
        return _dialect_of_models(request)
    if path.startswith(("/v1beta/", "/v1/tunedModels/")):
        return "gemini"
    return "openai.chat" if path.startswith("/v1/") else "router"


def _dialect_of_models(request: HttpRequest) -> Dialect:
    """All three vendors list their models at the same address; one has methods of them."""
    if request.method == "POST" or GEMINI_KEY in request.headers or "key" in request.GET:
        return "gemini"
    is_anthropic = any(name in request.headers for name in ANTHROPIC_HEADERS)
    return "anthropic" if is_anthropic else "openai.chat"
