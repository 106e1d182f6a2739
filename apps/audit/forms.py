"""Model forms that know their tenant before they validate, so that its constraints are checked."""

from typing import Any, override
from uuid import UUID

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet

from apps.core.scoping import scope_defaults


def has_tenant(model: type[models.Model]) -> bool:
    """Tell whether rows of the model belong to a tenant (or to the platform)."""
    return any(field.name == "tenant" for field in model._meta.concrete_fields)


class TenantModelForm(forms.ModelForm):
    """Fills in the tenant in scope and refuses references to another tenant's rows."""

    @override
    def _post_clean(self) -> None:
        if has_tenant(type(self.instance)) and self.instance._state.adding:
            self.instance.tenant_id = self.tenant_of_new_row()
        super()._post_clean()
        if getattr(self.instance, "tenant_id", None):
            self._refuse_rows_of_others()

    @override
    def _get_validation_exclusions(self) -> set[str]:
        exclude: set[str] = super()._get_validation_exclusions()
        if getattr(self.instance, "tenant_id", None):
            # Kept in, so that "unique in the tenant" is a message and not an error page.
            exclude.discard("tenant")
        return exclude

    def tenant_of_new_row(self) -> UUID | None:
        """Return the tenant that was chosen on the form, else the one in scope."""
        chosen = self.cleaned_data.get("tenant")
        return chosen.pk if chosen else scope_defaults().get("tenant_id")

    def _refuse_rows_of_others(self) -> None:
        for name, value in self.cleaned_data.copy().items():
            owner = getattr(value, "tenant_id", self.instance.tenant_id)
            if isinstance(value, models.Model) and owner != self.instance.tenant_id:
                self.add_error(name, _("This belongs to someone else; choose one of the tenant."))


class TenantInlineForm(TenantModelForm):
    """A row inside its parent's form: it is of the parent's tenant."""

    parent: Any = None

    @override
    def tenant_of_new_row(self) -> UUID | None:
        tenant_id: UUID | None = getattr(self.parent, "tenant_id", None)
        return tenant_id


class TenantInlineFormSet(PaginationInlineFormSet):
    """Tells each row its parent, whose own form has been validated by the time the rows are."""

    @override
    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        form.parent = self.instance
        return form
