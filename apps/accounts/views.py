"""Choosing the tenant to work in."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.accounts.active_tenant import switch_tenant
from apps.accounts.models import User
from apps.core.errors import AccessDenied

AFTER_SWITCH = "admin:index"


@require_POST
@login_required
def choose_active_tenant(request: HttpRequest) -> HttpResponse:
    """Work in the posted `tenant` (an id, or "all" for platform staff) and go to `next`."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    try:
        switch_tenant(request, user, request.POST.get("tenant", ""))
    except AccessDenied as error:
        raise PermissionDenied(error.message) from error
    return HttpResponseRedirect(_safe_next(request))


def _safe_next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_safe else resolve_url(AFTER_SWITCH)
