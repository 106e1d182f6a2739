"""One id per request, the same in answers, errors, logs and books."""

from uuid import UUID

from django.http import HttpRequest

from apps.core.chat import Dialect
from apps.core.ids import new_id, public_id

KEPT_AT = "router.request_id"
USUAL_HEADER = "x-request-id"
# Anthropic's SDKs read it under this name.
ANTHROPIC_HEADER = "request-id"


def request_id_of(request: HttpRequest) -> UUID:
    """Return the id of a request, made when it is first asked for."""
    kept: UUID = request.META.setdefault(KEPT_AT, new_id())
    return kept


def request_id_headers(dialect: Dialect) -> tuple[str, ...]:
    """Return the headers in which clients of a dialect are told the id."""
    return (USUAL_HEADER, ANTHROPIC_HEADER) if dialect == "anthropic" else (USUAL_HEADER,)


def shown_request_id(request: HttpRequest) -> str:
    """Return the id as clients see it."""
    return public_id("req", request_id_of(request))
