"""Reads about people: what someone is, and where."""

from uuid import UUID

from apps.accounts.enums import Role
from apps.accounts.models import Membership, User
from apps.core.scoping import all_tenants, current_scope, has_scope
from apps.tenants.models import Tenant

MOST_TENANTS = 500


def roles_in_scope(user: User) -> frozenset[str]:
    """Return the user's roles in the tenant in scope, looked up once per user object."""
    tenant_id = current_scope().tenant_id if has_scope() else None
    if tenant_id is None or not user.is_active:
        return frozenset()
    if tenant_id not in user.roles_by_tenant:
        rows = Membership.objects.filter(user_id=user.pk, tenant__is_active=True)
        user.roles_by_tenant[tenant_id] = frozenset(rows.values_list("role", flat=True))
    return user.roles_by_tenant[tenant_id]


def tenants_of(user: User) -> list[Tenant]:
    """Return the tenants that the user may work in, by name; platform staff may in all."""
    with all_tenants("choosing a tenant: which ones the user may enter"):
        rows = Tenant.objects.order_by("name")
        if not user.is_superuser:
            mine = Membership.objects.filter(user_id=user.pk).values("tenant_id")
            rows = rows.filter(is_active=True, id__in=mine)
        return list(rows[:MOST_TENANTS])


def is_last_owner(membership: Membership) -> bool:
    """Tell whether the tenant would be without an owner if this row went or changed its role."""
    if membership.role != Role.OWNER or membership._state.adding:
        return False
    owners = Membership.objects.filter(tenant_id=membership.tenant_id, role=Role.OWNER)
    return not owners.exclude(pk=membership.pk).exists()


def find_membership(*, tenant_id: UUID | None, email: str, role: str) -> Membership | None:
    """Return the membership of a person in a tenant and role, None when there is none."""
    rows = Membership.objects.filter(tenant_id=tenant_id, user__email=email.lower(), role=role)
    found: Membership | None = rows.first()
    return found
