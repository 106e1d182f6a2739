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
from apps.gateway.api.dialects import dialect_of
from apps.gateway.api.request_ids import shown_request_id
from apps.gateway.wire.openai_chat.errors import render_error as openai_error

UNPROCESSABLE = 422
DEFECT = "an internal error; it has been logged"

log = structlog.get_logger(__name__)

# What an error and the id of its request look like in a dialect; our own API says it all itself.
type RenderError = Callable[[RouterError, int, str], Any]
RENDERERS: Mapping[Dialect, RenderError] = {"openai.chat": openai_error}


def error_response(request: HttpRequest, error: RouterError) -> HttpResponse:
    """Return the error as the clients of this path read it."""
    render = RENDERERS.get(dialect_of(request))
    if render is None:
        status, body = error.http_status, error_body(error)
    else:
        # The vendors' SDKs know no 422.
        status = 400 if error.http_status == UNPROCESSABLE else error.http_status
        body = render(error, status, shown_request_id(request))
    response = HttpResponse(orjson.dumps(body), "application/json", status)
    response["x-request-id"] = shown_request_id(request)
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    return response


async def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer for a path that is nobody's."""
    return error_response(request, NotFound(f"there is nothing at {request.path}"))


def defect(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for a defect of ours: told without its details, logged with them."""
    log.error("gateway.defect", path=request.path, exc_info=exception)
    return error_response(request, RouterError(DEFECT))


def readable(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the response, or what it says in JSON where a framework answered by itself."""
    if not isinstance(response, HttpResponseNotAllowed):
        return response
    told = error_response(request, MethodNotAllowed(f"{request.method} is not offered here"))
    told["Allow"] = response["Allow"]
    return told


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for a defect that no API caught (`handler500`)."""
    return defect(request)
