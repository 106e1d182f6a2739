"""Credentials in the admin: the secret goes in and never comes out."""

from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from apps.audit.admin import AuditedModelAdmin
from apps.audit.forms import TenantModelForm
from apps.core.clock import utc_now
from apps.core.crypto import DecryptionFailed
from apps.core.errors import InvalidRequest
from apps.providers.credentials import clean_secret, put_secret
from apps.providers.discovery import Offered, offered_models
from apps.providers.models import Credential

# Each provider may take fifteen seconds.
MAX_ASKED = 5
MAX_NAMED = 40


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
    actions = ("list_models",)

    @admin.display(description=_("ends with"))
    def ending(self, credential: Credential) -> str:
        return f"…{credential.last_four}" if credential.last_four else "…"

    @admin.action(description=_("Ask which models it may use"), permissions=["change"])
    def list_models(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        """Ask each provider for its list, and say what of it is deployed, known or new."""
        rows = queryset.select_related("provider")
        allowed = [row for row in rows if self.has_change_permission(request, row)][:MAX_ASKED]
        for row in allowed:
            try:
                offered = offered_models(row)
            except (DecryptionFailed, InvalidRequest) as error:
                words = {"name": row, "fault": error}
                messages.error(request, gettext("%(name)s failed: %(fault)s") % words)
            else:
                messages.success(request, _told(row, offered))
            self.record(request, "models_listed", row, {})
        if len(allowed) < queryset.count():
            text = gettext("Credentials that you may not change, or beyond %(most)s, were skipped.")
            messages.warning(request, text % {"most": MAX_ASKED})

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


def _told(credential: Credential, offered: Offered) -> str:
    words = {
        "name": credential,
        "deployed": _names(offered.deployed),
        "known": _names(offered.known),
        "unknown": _names(offered.unknown),
    }
    text = gettext(
        "%(name)s. Deployed with it: %(deployed)s. In the catalogue, not deployed: %(known)s."
        " Not in the catalogue: %(unknown)s."
    )
    return text % words


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:MAX_NAMED]) or gettext("none")
    return f"{shown}, …" if len(names) > MAX_NAMED else shown
