"""What a person or a program reads at an address of the control plane that is nobody's."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.defaults import page_not_found

from apps.core.api import error_body
from apps.core.errors import NotFound


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer programs in JSON and people with a page (`handler404`)."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    error = NotFound(f"there is nothing at {request.path}")
    return JsonResponse(error_body(error), status=error.http_status)
