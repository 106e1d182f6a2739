"""Credentials in the admin: the secret goes in and never comes out."""

from typing import Any, override

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from apps.audit.admin import AuditedModelAdmin
from apps.audit.forms import TenantModelForm
from apps.core.clock import utc_now
from apps.core.errors import InvalidRequest
from apps.providers.credentials import clean_secret, put_secret
from apps.providers.models import Credential


class CredentialForm(TenantModelForm):
    """Takes the secret in a password field; the stored one is not shown."""

    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Stored encrypted, never shown again. Leave it empty to keep the stored one."),
    )

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if not secret and not self.instance._state.adding:
            return ""
        try:
            return clean_secret(secret)
        except InvalidRequest as error:
            raise forms.ValidationError(error.message) from error


@admin.register(Credential)
class CredentialAdmin(AuditedModelAdmin):
    """What the providers gave us, sealed for its row and tenant."""

    form = CredentialForm
    list_display = ("name", "provider", "ending", "is_enabled", "created_at", "rotated_at")
    list_filter = ("provider", "is_enabled")
    list_select_related = ("provider", "tenant")
    search_fields = ("name", "provider__name", "last_four")
    empty_list_text = _("A credential is the key that a provider gave you. It is stored encrypted.")
    fields = ("name", "provider", "secret", "is_enabled", "ending", "created_at", "rotated_at")
    readonly_fields = ("ending", "created_at", "rotated_at")

    @admin.display(description=_("ends with"))
    def ending(self, credential: Credential) -> str:
        return f"…{credential.last_four}" if credential.last_four else "…"

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        # A secret of one provider is of no use to another.
        return (*fields, "provider") if obj else fields

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        secret = form.cleaned_data.get("secret")
        if secret:
            put_secret(obj, secret)
            obj.rotated_at = utc_now() if change else None
        super().save_model(request, obj, form, change)
