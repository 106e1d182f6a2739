"""Who may touch which row in the admin, and from which scope."""

from typing import Any, override

from django.contrib.auth import get_permission_codename
from django.db import models
from django.http import HttpRequest
from unfold.mixins import FormFieldModelAdminMixin

from apps.audit.forms import has_tenant
from apps.core.scoping import current_scope, has_scope


def in_platform_scope() -> bool:
    """Tell whether platform staff look at all tenants."""
    return has_scope() and current_scope().is_platform


def belongs_to_platform(obj: models.Model | None) -> bool:
    return obj is not None and has_tenant(type(obj)) and getattr(obj, "tenant_id", "") is None


class RowPermissionsMixin(FormFieldModelAdminMixin):
    """Asks for the permission on the row itself; the platform's rows change in its scope only."""

    @override
    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may("change", request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may("delete", request, obj)

    @override
    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        # Django asks for "view" or "change"; a row that may not be changed may still be read.
        return bool(
            super().has_view_permission(request, obj) or super().has_change_permission(request)
        )

    def _may(self, verb: str, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is None or type(obj)._meta.concrete_model is not self.opts.concrete_model:
            # An inline is asked about its parent, whose own page has asked for the parent's row.
            return not belongs_to_platform(obj) or in_platform_scope()
        if belongs_to_platform(obj) and not in_platform_scope():
            return False
        codename = get_permission_codename(verb, self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}", obj)

    @override
    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        target = db_field.remote_field.model
        is_tied = has_tenant(self.model) and has_tenant(target) and not in_platform_scope()
        if is_tied and "queryset" not in kwargs:
            # The data base ties both rows to one tenant, so platform rows are no choice either.
            kwargs["queryset"] = target._default_manager.filter(tenant__isnull=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
