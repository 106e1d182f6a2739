"""Errors of our own REST API: one shape, `{"error": {code, message, param, details}}`."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError
from django.http import Http404
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.core.errors import RouterError, ServiceUnavailable

log = structlog.get_logger(__name__)


def exception_handler(error: Exception, _context: Mapping[str, Any]) -> Response | None:
    """Render what a view raised; None leaves a defect of ours to Django (500)."""
    translated = _translated(error)
    if translated is None:
        return None
    set_rollback()
    status, body, retry_after = translated
    response = Response(body, status=status)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    if status == exceptions.NotAuthenticated.status_code:
        response["WWW-Authenticate"] = "Bearer"
    return response


def error_body(error: RouterError) -> dict[str, Any]:
    """Return the body of an error of ours."""
    return _body(error.code, error.message, error.param, error.details)


def _translated(error: Exception) -> tuple[int, dict[str, Any], int | None] | None:
    if isinstance(error, DatabaseError | InterfaceError | RedisError):
        log.error("api.storage_away", error=str(error))
        error = ServiceUnavailable("the storage is away: try again")
    if isinstance(error, RouterError):
        return error.http_status, error_body(error), error.retry_after_seconds
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.ValidationError):
        param, message = _first_fault(error.detail, "")
        return error.status_code, _body("invalid_request", message, param, {}), None
    if isinstance(error, exceptions.APIException):
        wait = getattr(error, "wait", None)
        code = str(error.get_codes())
        body = _body(code, str(error.detail), None, {})
        return error.status_code, body, None if wait is None else max(1, round(wait))
    return None


def _body(code: str, message: str, param: str | None, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "param": param, "details": dict(details)}}


def _first_fault(detail: Any, path: str) -> tuple[str | None, str]:
    """Return the first faulty field, as `rules.0.name`, and what is wrong with it."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        here = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
        return _first_fault(inner, here)
    if isinstance(detail, list):
        if len(detail) and isinstance(detail[0], Mapping):
            index = next(i for i, item in enumerate(detail) if item)
            return _first_fault(detail[index], f"{path}.{index}".lstrip("."))
        return path or None, " ".join(str(item) for item in detail)
    return path or None, str(detail)
