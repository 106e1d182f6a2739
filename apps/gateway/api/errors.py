"""Errors of the data plane, each in the dialect of its caller."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from apps.core.api import error_body
from apps.core.chat import Dialect
from apps.core.errors import MethodNotAllowed, NotFound, RouterError
from apps.gateway.api.dialects import dialect_of, wants_array
from apps.gateway.api.limit_headers import tell_limits
from apps.gateway.api.request_ids import request_id_headers, shown_request_id
from apps.gateway.wire.anthropic.errors import render_error as anthropic_error
from apps.gateway.wire.anthropic.errors import status_of as anthropic_status
from apps.gateway.wire.gemini.errors import render_error as gemini_error
from apps.gateway.wire.openai_chat.errors import render_error as openai_error

# The vendors' SDKs know no 422, and try again after a 409.
BAD_REQUESTS = frozenset({409, 422})
DEFECT = "an internal error; it has been logged"

log = structlog.get_logger(__name__)

# What an error and the id of its request look like in a dialect; our own API says it all itself.
type RenderError = Callable[[RouterError, int, str], Any]
RENDERERS: Mapping[Dialect, RenderError] = {
    "openai.chat": openai_error,
    "openai.responses": openai_error,
    "anthropic": anthropic_error,
    "gemini": gemini_error,
}


def _usual_status(error: RouterError) -> int:
    return 400 if error.http_status in BAD_REQUESTS else error.http_status


# Dialects that have statuses of their own.
STATUSES: Mapping[Dialect, Callable[[RouterError], int]] = {"anthropic": anthropic_status}


def error_response(request: HttpRequest, error: RouterError) -> HttpResponse:
    """Return the error as the clients of this path read it."""
    dialect = dialect_of(request)
    render = RENDERERS.get(dialect)
    body: Any
    if render is None:
        status, body = error.http_status, error_body(error)
    else:
        status = STATUSES.get(dialect, _usual_status)(error)
        told = render(error, status, shown_request_id(request))
        body = [told] if wants_array(request) else told
    response = HttpResponse(orjson.dumps(body), "application/json", status)
    for name in request_id_headers(dialect):
        response[name] = shown_request_id(request)
    tell_limits(response, dialect, error)
    return response


async def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer for a path that is nobody's."""
    return error_response(request, NotFound(f"there is nothing at {request.path}"))


def defect(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for a defect of ours: told without its details, logged with them."""
    log.error("gateway.defect", path=request.path, exc_info=exception)
    return error_response(request, RouterError(DEFECT))


def readable(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the response, or what it says in JSON where a framework answered by itself.

    Whoever only asks what is here needs no key: OPTIONS is told the methods, HEAD that it exists.
    """
    if not isinstance(response, HttpResponseNotAllowed):
        return response
    if request.method == "OPTIONS" or (request.method == "HEAD" and "GET" in response["Allow"]):
        return HttpResponse(status=204, headers={"Allow": response["Allow"]})
    told = error_response(request, MethodNotAllowed(f"{request.method} is not offered here"))
    told["Allow"] = response["Allow"]
    return told


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for a defect that no API caught (`handler500`)."""
    return defect(request)
