"""One id per request, the same in answers, errors, logs and books."""

from uuid import UUID

from django.http import HttpRequest

from apps.core.ids import new_id, public_id

KEPT_AT = "router.request_id"


def request_id_of(request: HttpRequest) -> UUID:
    """Return the id of a request, made when it is first asked for."""
    kept: UUID = request.META.setdefault(KEPT_AT, new_id())
    return kept


def shown_request_id(request: HttpRequest) -> str:
    """Return the id as clients see it."""
    return public_id("req", request_id_of(request))
