"""Which tenant a signed-in person works in: kept in the session, chosen in the admin's header."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.selectors import tenants_of
from apps.core.errors import AccessDenied

SESSION_KEY = "active_tenant"
ALL_TENANTS = "all"


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """One line of the header's drop-down; `value` is what the form posts."""

    value: str
    label: str
    is_active: bool


def chosen_tenant(request: HttpRequest) -> UUID | None:
    """Return what the session says, None when it says nothing or all tenants."""
    try:
        return UUID(request.session.get(SESSION_KEY, ""))
    except ValueError:
        return None


def remember_tenant(request: HttpRequest, value: str) -> None:
    if request.session.get(SESSION_KEY) != value:
        request.session[SESSION_KEY] = value


def switch_tenant(request: HttpRequest, user: User, value: str) -> None:
    """Work in another tenant from now on; raises AccessDenied when it is not the user's."""
    allowed = {str(tenant.pk) for tenant in tenants_of(user)}
    if user.is_superuser:
        allowed.add(ALL_TENANTS)
    if value not in allowed:
        raise AccessDenied(_("You are not a member of this tenant."))
    remember_tenant(request, value)


def tenant_choices(request: HttpRequest) -> list[TenantChoice]:
    """Return what the header offers: the user's tenants, and "all" for platform staff."""
    user = request.user
    if not isinstance(user, User):
        return []
    active = getattr(request, "active_tenant", None)
    choices = [
        TenantChoice(str(tenant.pk), tenant.name, is_active=tenant == active)
        for tenant in tenants_of(user)
    ]
    if user.is_superuser:
        choices.insert(0, TenantChoice(ALL_TENANTS, _("All tenants"), is_active=active is None))
    return choices
