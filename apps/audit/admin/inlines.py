"""Rows edited inside their parent's page; the parent's admin writes the trail."""

from typing import Any

from unfold.admin import StackedInline, TabularInline

from apps.audit.admin.permissions import RowPermissionsMixin
from apps.audit.forms import TenantInlineForm, TenantInlineFormSet


class AuditedTabularInline(RowPermissionsMixin, TabularInline):
    """A table of child rows, each of the parent's tenant."""

    form: type[Any] = TenantInlineForm
    formset: type[Any] = TenantInlineFormSet
    exclude: Any = ("tenant",)
    extra = 0


class AuditedStackedInline(RowPermissionsMixin, StackedInline):
    """Child rows as blocks, each of the parent's tenant."""

    form: type[Any] = TenantInlineForm
    formset: type[Any] = TenantInlineFormSet
    exclude: Any = ("tenant",)
    extra = 0
