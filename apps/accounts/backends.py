"""Who may do what: roles held in the tenant in scope, instead of Django's groups."""

from typing import Any, override

from allauth.account.auth_backends import AuthenticationBackend

from apps.accounts.roles import permissions_of
from apps.accounts.selectors import roles_in_scope

NO_TENANT = object()


class RoleBackend(AuthenticationBackend):
    """Signs people in by e-mail; permissions come from memberships only.

    Platform administrators never get here: Django lets `is_superuser` pass before it asks.
    """

    @override
    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous:
            return set()
        return {name for role in roles_in_scope(user_obj) for name in permissions_of(role)}

    @override
    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if perm not in self.get_all_permissions(user_obj):
            return False
        # A row of the platform may be read by tenants and is changed by platform staff only.
        is_platform_row = getattr(obj, "tenant_id", NO_TENANT) is None
        return not is_platform_row or ".view_" in perm

    @override
    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        prefix = f"{app_label}."
        return any(name.startswith(prefix) for name in self.get_all_permissions(user_obj))
