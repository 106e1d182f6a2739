"""The base of every admin page: audited, scoped to a tenant, exported as CSV."""

from collections.abc import Mapping
from typing import Any, ClassVar, override

from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.contrib.admin.options import IS_POPUP_VAR
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.audit.actors import actor_of
from apps.audit.admin.permissions import RowPermissionsMixin, in_platform_scope
from apps.audit.csv_export import csv_response
from apps.audit.diff import action_name, difference, stored_values, values_of
from apps.audit.forms import TenantModelForm, has_tenant
from apps.audit.services import record_change

type Fieldsets = list[tuple[Any, dict[str, Any]]]


class AuditedModelAdmin(RowPermissionsMixin, ModelAdmin):
    """Every add, change and delete is in the trail; the tenant comes from the scope.

    Platform staff who look at all tenants choose the tenant of a new row and see it in lists.
    A subclass with a form of its own derives it from `TenantModelForm`, and its inlines from
    `AuditedTabularInline`. `empty_list_text` tells what the page is for while it has no rows.
    """

    form: type[Any] = TenantModelForm
    empty_list_text: ClassVar[str | Promise] = ""
    list_before_template: str | None = "audit/empty_list.html"

    # --- what is shown -------------------------------------------------------------------------

    @override
    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Fieldsets:
        fieldsets = [(name, dict(options)) for name, options in super().get_fieldsets(request, obj)]
        if not has_tenant(self.model):
            return fieldsets
        for _name, options in fieldsets:
            options["fields"] = [field for field in options["fields"] if field != "tenant"]
        if in_platform_scope() and fieldsets:
            fieldsets[0][1]["fields"].insert(0, "tenant")
        return fieldsets

    @override
    def get_exclude(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        exclude = tuple(super().get_exclude(request, obj) or ())
        hides = has_tenant(self.model) and not in_platform_scope()
        return (*exclude, "tenant") if hides else exclude or None

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        # A row never moves to another tenant.
        is_fixed = obj is not None and has_tenant(self.model) and in_platform_scope()
        return (*fields, "tenant") if is_fixed and "tenant" not in fields else fields

    @override
    def get_list_display(self, request: HttpRequest) -> Any:
        return self._with_tenant(super().get_list_display(request))

    @override
    def get_list_filter(self, request: HttpRequest) -> Any:
        return self._with_tenant(super().get_list_filter(request))

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"empty_list_text": self.empty_list_text, **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    @override
    def get_actions(
        self, request: HttpRequest, action_location: Any = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        actions = dict(super().get_actions(request, action_location))
        export = self.get_action("export_as_csv", action_location)
        if export is not None and IS_POPUP_VAR not in request.GET:
            actions["export_as_csv"] = export
        return actions

    @override
    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: Any = None,
        action_location: Any = ActionLocation.CHANGE_LIST,
    ) -> Any:
        # Past the shell's own version, which has not followed Django's new argument yet.
        return DjangoModelAdmin.get_action_choices(
            self, request, default_choices or [("", _("Select action"))], action_location
        )

    @admin.action(description=_("Export the selection as CSV"))
    def export_as_csv(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> StreamingHttpResponse:
        """Answer with the selected rows, in the list's columns."""
        return csv_response(self, request, queryset)

    @override
    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        query = urlencode({"object_type": self.model._meta.label, "object_id": object_id})
        return HttpResponseRedirect(f"{reverse('admin:audit_auditentry_changelist')}?{query}")

    # --- what is written -----------------------------------------------------------------------

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = stored_values(obj) if change else {}
        super().save_model(request, obj, form, change)
        self.record_saved(request, obj, before=before, change=change)

    @override
    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        self.record(request, "deleted", obj, values_of(obj))
        super().delete_model(request, obj)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for obj in queryset:
            self.record(request, "deleted", obj, values_of(obj))
        super().delete_queryset(request, queryset)

    @override
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for obj in formset.deleted_objects:
            self.record(request, "deleted", obj, values_of(obj))
            obj.delete()
        for obj in formset.new_objects:
            self._save_inline(request, obj, change=False)
        for obj, _fields in formset.changed_objects:
            self._save_inline(request, obj, change=True)
        formset.save_m2m()

    def record_saved(
        self, request: HttpRequest, obj: models.Model, *, before: Mapping[str, Any], change: bool
    ) -> None:
        """Write the trail of a row that was just saved; nothing when nothing changed."""
        after = values_of(obj)
        if not change:
            self.record(request, "created", obj, {k: v for k, v in after.items() if v is not None})
        elif changes := difference(before, after):
            self.record(request, "updated", obj, changes)

    def record(
        self, request: HttpRequest, verb: str, obj: models.Model, changes: Mapping[str, Any]
    ) -> None:
        """Write one entry of the trail in the signed-in user's name."""
        record_change(
            actor=actor_of(request), action=action_name(obj, verb), obj=obj, changes=changes
        )

    # Django's own log has no tenant and would show one customer's names to another.

    @override
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    @override
    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    @override
    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None

    def _save_inline(self, request: HttpRequest, obj: models.Model, *, change: bool) -> None:
        before = stored_values(obj) if change else {}
        obj.save()
        self.record_saved(request, obj, before=before, change=change)

    def _with_tenant(self, columns: Any) -> Any:
        shows = has_tenant(self.model) and in_platform_scope() and "tenant" not in columns
        return (*columns, "tenant") if shows else columns


class ReadOnlyModelAdmin(AuditedModelAdmin):
    """Rows that people look at and never write here."""

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
