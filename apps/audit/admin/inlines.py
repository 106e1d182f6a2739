"""Rows edited inside their parent's page; the parent's admin writes the trail."""

from typing import Any, override

from unfold.admin import StackedInline, TabularInline
from unfold.forms import PaginationInlineFormSet

from apps.audit.admin.permissions import RowPermissionsMixin
from apps.audit.forms import TenantInlineForm


class TenantInlineFormSet(PaginationInlineFormSet):
    """Tells each row its parent, whose own form has been validated by the time the rows are."""

    @override
    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        form.parent = self.instance
        return form


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
