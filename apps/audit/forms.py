"""Model forms that know their tenant before they validate, so that its constraints are checked."""

from typing import Any, override
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.scoping import scope_defaults

# Generic to the type checker, not at run time: the parameter that one wants, the other refuses.
ModelForm: Any = forms.ModelForm


def has_tenant(model: type[models.Model]) -> bool:
    """Tell whether rows of the model belong to a tenant (or to the platform)."""
    return any(field.name == "tenant" for field in model._meta.concrete_fields)


class TenantModelForm(ModelForm):
    """Fills in the tenant in scope and refuses references to another tenant's rows.

    Name no references in `Meta.fields` of a subclass: their choices need a scope, which there is
    none of while modules load. The admin adds them for each request.
    """

    @override
    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        if has_tenant(type(self.instance)) and self.instance._state.adding:
            self.instance.tenant_id = self.tenant_of_new_row()
        if self.tenant_id is not None:
            self._refuse_rows_of_others()
        return cleaned

    @override
    def validate_constraints(self) -> None:
        """Check "unique in the tenant" as well, though the tenant is not on the form."""
        if self.tenant_id is None:
            super().validate_constraints()
            return
        checked = (set(self.fields) - set(self.errors)) | {"tenant"}
        left_out = {field.name for field in self.instance._meta.fields} - checked
        try:
            self.instance.validate_constraints(exclude=left_out)
        except ValidationError as error:
            self.add_error(None, error)

    @property
    def tenant_id(self) -> UUID | None:
        """The tenant of the row that the form edits; None: the platform's, or nobody's."""
        tenant_id: UUID | None = getattr(self.instance, "tenant_id", None)
        return tenant_id

    def tenant_of_new_row(self) -> UUID | None:
        """Return the tenant that was chosen on the form, else the one in scope."""
        chosen = self.cleaned_data.get("tenant")
        return chosen.pk if chosen else scope_defaults().get("tenant_id")

    def _refuse_rows_of_others(self) -> None:
        for name, value in list(self.cleaned_data.items()):
            owner = getattr(value, "tenant_id", self.tenant_id)
            if isinstance(value, models.Model) and owner != self.tenant_id:
                self.add_error(name, _("This belongs to someone else; choose one of the tenant."))


class TenantInlineForm(TenantModelForm):
    """A row inside its parent's form: it is of the parent's tenant."""

    parent: Any = None

    @override
    def tenant_of_new_row(self) -> UUID | None:
        tenant_id: UUID | None = getattr(self.parent, "tenant_id", None)
        return tenant_id
