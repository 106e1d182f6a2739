"""Who calls the data plane: the credential in any of the dialects' own headers."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from apps.api_keys.lookup import authenticate
from apps.api_keys.types import Caller
from apps.core.errors import AuthenticationFailed, InvalidRequest
from apps.gateway.types import RawHeaders
from apps.gateway.wire.fields import NUL

BEARER = "bearer"
OTHER_HEADERS = ("x-api-key", "x-goog-api-key")
# Google's clients may write it in the address, where proxies log it: nobody else's are read there.
GOOGLE_PATHS = ("/v1beta/", "/v1/models", "/v1/tunedModels/")
MOST_TAGS = 16
LONGEST_TAG = 40


async def caller_of(request: HttpRequest) -> Caller:
    """Return the caller; raises AuthenticationFailed or ServiceUnavailable."""
    return await authenticate(_token(request))


def tags_of(request: HttpRequest, body_tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags of the body and of the header `x-router-tags`, each once, in order."""
    header = request.headers.get("x-router-tags", "")
    tags = [tag.strip() for tag in (*body_tags, *header.split(","))]
    found = tuple(dict.fromkeys(tag for tag in tags if tag))
    if len(found) > MOST_TAGS or any(len(tag) > LONGEST_TAG or NUL in tag for tag in found):
        message = f"at most {MOST_TAGS} tags of {LONGEST_TAG} characters"
        raise InvalidRequest(message, param="tags")
    return found


def headers_of(request: HttpRequest) -> RawHeaders:
    """Return the headers as they came; rules name the few that they read."""
    return request.scope["headers"] if isinstance(request, ASGIRequest) else ()


def _token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == BEARER and token:
        return token.strip()
    for name in OTHER_HEADERS:
        if request.headers.get(name):
            return request.headers[name].strip()
    if request.path.startswith(GOOGLE_PATHS) and request.GET.get("key"):
        return request.GET["key"].strip()
    raise AuthenticationFailed(
        "send your API key as `Authorization: Bearer llmr_…`, or in the header x-api-key or"
        " x-goog-api-key"
    )
