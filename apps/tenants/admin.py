"""Tenants and their projects in the admin."""

from collections.abc import Callable
from typing import Any, override
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from apps.audit.admin import AuditedModelAdmin
from apps.audit.admin.fields import CommaList
from apps.audit.forms import TenantModelForm
from apps.tenants.models import Project, Tenant

CHOICES: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "language": lambda: [(code, str(name)) for code, name in settings.LANGUAGES],
    "time_zone": lambda: [(name, name) for name in sorted(available_timezones())],
}


@admin.register(Tenant)
class TenantAdmin(AuditedModelAdmin):
    """Customers. Platform staff create them; an owner changes the own one's name and region."""

    list_display = ("name", "slug", "is_active", "language", "time_zone", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    empty_list_text = _("A tenant is a customer: its projects, keys, rules and spend are its own.")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "slug", "is_active"),
                "description": _(
                    "A tenant that is not active keeps its data; its people and keys are refused."
                ),
            },
        ),
        (_("Region"), {"fields": ("language", "time_zone")}),
    )

    @override
    def get_prepopulated_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        if request.user.is_superuser:
            return fields
        # What the platform has agreed with the customer is not the customer's to change.
        return (*fields, "slug", "is_active")

    @override
    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in CHOICES:
            return forms.ChoiceField(
                label=capfirst(db_field.verbose_name),
                choices=CHOICES[db_field.name],
                initial=db_field.default,
                widget=UnfoldAdminSelectWidget,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class ProjectForm(TenantModelForm):
    """Takes the regions as texts with commas."""

    allowed_regions = CommaList(
        label=_("Allowed regions"),
        required=False,
        help_text=_("Only deployments in one of them may answer. Empty: any. With commas."),
    )

    def clean_allowed_regions(self) -> list[str]:
        return list(self.cleaned_data["allowed_regions"])


@admin.register(Project)
class ProjectAdmin(AuditedModelAdmin):
    """A tenant's units of work."""

    form = ProjectForm

    list_display = ("name", "slug", "is_active", "store_content", "created_at")
    list_filter = ("is_active", "store_content")
    search_fields = ("name", "slug")
    list_select_related = ("tenant",)
    empty_list_text = _("A project groups API keys, rules and spend: one per application or team.")
    fieldsets = (
        (None, {"fields": ("name", "slug", "is_active")}),
        (
            _("Where its data may go"),
            {
                "fields": ("allowed_regions", "data_class"),
                "description": _("No rule can widen this; a rule may narrow it."),
            },
        ),
        (
            _("Content"),
            {
                "fields": ("store_content",),
                "description": _(
                    "Prompts and answers of plain requests are never stored. Conversations and "
                    "asynchronous jobs need their content kept: encrypted, and only while this is "
                    "on. While it is off, they are refused."
                ),
            },
        ),
    )

    @override
    def get_prepopulated_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}
