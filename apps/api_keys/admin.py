"""API keys in the admin: the secret is shown once, a key is revoked and never deleted."""

from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminDecimalFieldWidget

from apps.api_keys.enums import Scope
from apps.api_keys.models import ApiKey
from apps.api_keys.services import is_expired, issue_secret, revoke_key
from apps.audit.actors import actor_of
from apps.audit.admin import AuditedModelAdmin
from apps.audit.admin.fields import CommaList
from apps.audit.forms import TenantModelForm
from apps.core.money import MICRO_USD_PER_USD, format_usd

STATE_COLOURS = {"active": "success", "expired": "warning", "revoked": "danger"}
SECRET_IN_SESSION = "api_key_shown_once"  # noqa: S105 - the name of a slot, not a secret


class ApiKeyForm(TenantModelForm):
    """A key's limits, in the units people think in."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        initial=[Scope.RUN, Scope.CONVERSATIONS, Scope.JOBS],
    )
    tags = CommaList(
        label=_("Tags"),
        required=False,
        help_text=_("Added to every request of the key; rules may read them. With commas."),
    )
    allowed_models = CommaList(
        label=_("Allowed models"),
        required=False,
        help_text=_("Aliases and models with commas. Empty: all of the tenant's."),
    )
    monthly_budget = forms.DecimalField(
        label=_("Monthly budget (USD)"),
        required=False,
        min_value=0,
        max_digits=15,
        decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Empty: no limit. A request that could pass it is refused."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.monthly_budget is not None:
            self.initial["monthly_budget"] = format_usd(self.instance.monthly_budget)

    def clean_monthly_budget(self) -> int | None:
        """Return micro-dollars."""
        dollars = self.cleaned_data["monthly_budget"]
        return None if dollars is None else int(dollars * MICRO_USD_PER_USD)

    def clean_tags(self) -> list[str]:
        return list(self.cleaned_data["tags"])

    def clean_allowed_models(self) -> list[str]:
        return list(self.cleaned_data["allowed_models"])


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedModelAdmin):
    """What clients sign their requests with."""

    form = ApiKeyForm
    list_display = (
        *("name", "prefix", "project", "shown_state", "requests_per_minute", "shown_budget"),
        *("expires_at", "created_at"),
    )
    list_filter = ("project", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "lookup")
    list_select_related = ("project", "tenant")
    readonly_fields = ("prefix", "state_in_words", "created_at")
    actions_detail = ("revoke",)
    empty_list_text = _("Clients sign their requests with an API key: add one, copy its secret.")
    fieldsets = (
        (None, {"fields": ("name", "project", "prefix", "state_in_words", "scopes")}),
        (_("Routing"), {"fields": ("tags", "allowed_models")}),
        (_("Limits"), {"fields": ("requests_per_minute", "monthly_budget", "expires_at")}),
    )

    @override
    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        # The books name it for ever; a key is revoked instead.
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        is_revoked = isinstance(obj, ApiKey) and obj.revoked_at is not None
        return not is_revoked and super().has_change_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Tell whether to offer the action; it is asked with an id, not with a row."""
        row = self.get_object(request, object_id) if object_id else None
        return self.has_change_permission(request, row)

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        clear = "" if change else issue_secret(obj)
        super().save_model(request, obj, form, change)
        if clear:
            request.session[SECRET_IN_SESSION] = {"id": str(obj.pk), "clear": clear}

    @override
    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:api_keys_apikey_secret", args=[obj.pk]))

    @override
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        # The action has the name "…_revoke"; its page needs another, or it redirects to itself.
        own = [
            path("<uuid:key_id>/secret/", view(self.secret_view), name="api_keys_apikey_secret"),
            path(
                "<uuid:key_id>/revoke/",
                view(self.revoke_view),
                name="api_keys_apikey_confirm_revoke",
            ),
        ]
        return [*own, *super().get_urls()]

    @action(description=_("Revoke"), url_path="ask-revoke", icon="block", permissions=["revoke"])
    def revoke(self, _request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            reverse("admin:api_keys_apikey_confirm_revoke", args=[object_id])
        )

    def secret_view(self, request: HttpRequest, key_id: Any) -> HttpResponse:
        """Show a new key's secret, this once."""
        kept = request.session.pop(SECRET_IN_SESSION, None)
        clear = kept["clear"] if kept and kept["id"] == str(key_id) else ""
        context = {**self._page(request, _now("The key's secret")), "clear": clear}
        response = TemplateResponse(request, "api_keys/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def revoke_view(self, request: HttpRequest, key_id: Any) -> HttpResponse:
        """Say what a revocation does; POST revokes."""
        row = self.get_object(request, str(key_id))
        if row is None or not self.has_change_permission(request, row):
            return HttpResponseRedirect(reverse("admin:api_keys_apikey_changelist"))
        if request.method == "POST":
            revoke_key(row=row, actor=actor_of(request), reason=request.POST.get("comment", ""))
            told = _now("%(key)s is revoked: its requests are refused within five seconds.")
            messages.success(request, told % {"key": row})
            return HttpResponseRedirect(reverse("admin:api_keys_apikey_changelist"))
        context = {**self._page(request, _now("Revoke this key?")), "row": row}
        return TemplateResponse(request, "api_keys/revoke.html", context)

    @display(description=_("prefix"), ordering="lookup")
    def prefix(self, row: ApiKey) -> str:
        return f"llmr_{row.lookup}_…" if row.lookup else "—"

    @display(description=_("state"), label=STATE_COLOURS)
    def shown_state(self, row: ApiKey) -> tuple[str, str]:
        return _state(row)

    @display(description=_("state"))
    def state_in_words(self, row: ApiKey) -> str:
        _code, words = _state(row)
        return words

    @display(description=_("monthly budget (USD)"), ordering="monthly_budget")
    def shown_budget(self, row: ApiKey) -> str:
        return "—" if row.monthly_budget is None else format_usd(row.monthly_budget)

    def _page(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts}


def _state(row: ApiKey) -> tuple[str, str]:
    """Return the code that colours the label, and its words."""
    if row.revoked_at is not None:
        return "revoked", _now("revoked")
    return ("expired", _now("expired")) if is_expired(row) else ("active", _now("active"))
