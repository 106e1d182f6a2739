"""Errors of the data plane in the dialect of the path: OpenAI's under /v1/, ours elsewhere."""

from typing import Any

import orjson
import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from apps.core.api import error_body
from apps.core.errors import MethodNotAllowed, NotFound, RouterError
from apps.gateway.wire.openai_answers import render_error

UNPROCESSABLE = 422
DEFECT = "an internal error; it has been logged"

log = structlog.get_logger(__name__)


def openai_error(error: RouterError) -> HttpResponse:
    """Return the error as OpenAI's SDKs read it; they know no 422."""
    status = 400 if error.http_status == UNPROCESSABLE else error.http_status
    body = render_error(error.message, status=status, code=error.code, param=error.param)
    return _with_retry(HttpResponse(orjson.dumps(body), "application/json", status), error)


def router_error(error: RouterError) -> HttpResponse:
    """Return the error as our own API tells it."""
    body = orjson.dumps(error_body(error))
    return _with_retry(HttpResponse(body, "application/json", error.http_status), error)


def error_response(request: HttpRequest, error: RouterError) -> HttpResponse:
    """Return the error in the dialect of the path."""
    return openai_error(error) if request.path.startswith("/v1/") else router_error(error)


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


def _with_retry(response: HttpResponse, error: RouterError) -> HttpResponse:
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    return response


def openai_error_of(_request: HttpRequest, error: Any) -> HttpResponse:
    """Adapter for django-ninja's handlers, which pass the request first."""
    return openai_error(error)
