"""Errors of the REST API: one shape, whatever was raised."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from redis.exceptions import ConnectionError as RedisGone
from rest_framework import exceptions

from apps.core.api import exception_handler
from apps.core.errors import (
    BudgetExceeded,
    InvalidRequest,
    RateLimited,
    RouterError,
    ServiceUnavailable,
)


def answer(error: Exception) -> Any:
    response = exception_handler(error, {})
    assert response is not None
    assert set(response.data) == {"error"}
    assert set(response.data["error"]) == {"code", "message", "param", "details"}
    return response


def test_error_of_ours__keeps_status_code_param_and_details() -> None:
    response = answer(InvalidRequest("wrong", param="name", details={"left": 3}))
    assert response.status_code == 400
    assert response.data["error"] == {
        "code": "invalid_request",
        "message": "wrong",
        "param": "name",
        "details": {"left": 3},
    }
    assert "Retry-After" not in response


def test_error_of_ours__with_a_wait__says_when_to_come_back() -> None:
    response = answer(RateLimited("slow down", retry_after_seconds=7))
    assert (response.status_code, response["Retry-After"]) == (429, "7")


@pytest.mark.parametrize("error", [OperationalError("host=secret"), RedisGone("redis://secret")])
def test_storage_away__is_503_with_a_wait_and_without_the_address(error: Exception) -> None:
    response = answer(error)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "secret" not in str(response.data)


def test_django_errors__are_told_in_our_shape() -> None:
    missing, refused = answer(Http404("table x")), answer(PermissionDenied("why"))
    assert (missing.status_code, missing.data["error"]["code"]) == (404, "not_found")
    assert (refused.status_code, refused.data["error"]["code"]) == (403, "permission_denied")
    assert "table x" not in str(missing.data)


def test_not_authenticated__names_the_scheme() -> None:
    response = answer(exceptions.NotAuthenticated())
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


def test_throttled__rounds_the_wait_to_whole_seconds() -> None:
    assert answer(exceptions.Throttled(wait=0.2))["Retry-After"] == "1"
    assert answer(exceptions.Throttled(wait=12.4))["Retry-After"] == "13"


@pytest.mark.parametrize(
    ("detail", "param", "message"),
    [
        ({"name": ["is blank"]}, "name", "is blank"),
        ({"name": ["is blank", "and short"]}, "name", "is blank and short"),
        ({"non_field_errors": ["together wrong"]}, None, "together wrong"),
        ({"rules": [{}, {"name": ["is blank"]}]}, "rules.1.name", "is blank"),
        ({"outer": {"inner": ["bad"]}}, "outer.inner", "bad"),
        ({"tags": {0: ["too long"]}}, "tags.0", "too long"),
        (["alone"], None, "alone"),
    ],
)
def test_validation__names_the_first_faulty_field(
    detail: Any, param: str | None, message: str
) -> None:
    error = answer(exceptions.ValidationError(detail)).data["error"]
    assert (error["code"], error["param"], error["message"]) == ("invalid_request", param, message)


def test_defect_of_ours__is_left_to_django() -> None:
    assert exception_handler(ZeroDivisionError("secret"), {}) is None


def test_statuses__of_the_vocabulary__are_what_the_contract_says() -> None:
    def walk(kind: type[RouterError]) -> list[type[RouterError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in walk(child))]

    found = {kind.code: kind.http_status for kind in walk(RouterError)}
    expected = {
        "invalid_request": 400,
        "invalid_json": 400,
        "invalid_api_key": 401,
        "permission_denied": 403,
        "rejected_by_rule": 403,
        "model_not_found": 404,
        "content_storage_off": 409,
        "payload_too_large": 413,
        "no_eligible_deployment": 422,
        "rate_limit_exceeded": 429,
        "budget_exceeded": 429,
        "provider_failed": 502,
        "service_unavailable": 503,
        "deadline_exceeded": 504,
        "internal_error": 500,
    }
    assert found.items() >= expected.items()
    assert BudgetExceeded.http_status == 429


def test_service_unavailable__always_carries_a_wait() -> None:
    assert ServiceUnavailable("away").retry_after_seconds == 5
