"""Deployments in the admin, with a test that really calls the provider."""

from typing import Any, override

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.admin import AuditedModelAdmin
from apps.audit.admin.fields import CommaList
from apps.audit.forms import TenantModelForm
from apps.providers.admin.traffic import TRAFFIC_COLOURS, TrafficActionsMixin, shown_traffic
from apps.providers.deployments import deployment_faults
from apps.providers.models import Deployment
from apps.providers.probes import probe_deployments
from apps.providers.snapshot import deployment_traffic

# Each test may take fifteen seconds; all run at once.
MAX_TESTED = 20


class DeploymentForm(TenantModelForm):
    """Checks what only shows together: credential and model, address and policy."""

    data_classes = CommaList(
        label=_("Data classes"),
        required=False,
        help_text=_("The kinds of data that it is cleared for, such as personal. With commas."),
    )

    def clean_data_classes(self) -> list[str]:
        return list(self.cleaned_data["data_classes"])

    def clean_simulation(self) -> dict[str, Any]:
        return self.cleaned_data["simulation"] or {}

    @override
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        faults = deployment_faults(
            llm_model=cleaned.get("llm_model"),
            credential=cleaned.get("credential"),
            base_url=(cleaned.get("base_url") or "") if "base_url" in self.changed_data else "",
            simulation=cleaned.get("simulation"),
        )
        for field, message in faults.items():
            self.add_error(field if field in self.fields else None, message)
        return cleaned


@admin.register(Deployment)
class DeploymentAdmin(TrafficActionsMixin, AuditedModelAdmin):
    """Where models can be called: what is balanced, ejected and billed."""

    form = DeploymentForm
    list_display = ("name", "llm_model", "provider", "region", "credential", "state")
    list_filter = ("llm_model__provider", "traffic", "region")
    list_select_related = ("llm_model__provider", "credential__provider", "tenant")
    search_fields = ("name", "llm_model__name", "upstream_model", "region")
    autocomplete_fields = ("llm_model",)
    actions = ("test_connection", *TrafficActionsMixin.actions)
    empty_list_text = _("A deployment is a place where a model can be called with a credential.")
    readonly_fields = ("traffic",)
    fieldsets = (
        (None, {"fields": ("name", "llm_model", "credential", "traffic")}),
        (_("Address"), {"fields": ("base_url", "upstream_model", "region", "data_classes")}),
        (_("Limits"), {"fields": ("tokens_per_minute",)}),
        (_("Simulation"), {"fields": ("simulation",), "classes": ("collapse",)}),
    )

    @admin.display(description=_("provider"), ordering="llm_model__provider__name")
    def provider(self, deployment: Deployment) -> str:
        return deployment.llm_model.provider.name

    @display(description=_("state"), label=TRAFFIC_COLOURS)
    def state(self, deployment: Deployment) -> tuple[str, Any]:
        """Return what reaches it, its model's, provider's and credential's switches counted."""
        return shown_traffic(deployment_traffic(deployment))

    @admin.action(description=_("Test connection"), permissions=["change"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        """Send one short question through each selected deployment and say what came of it."""
        rows = queryset.select_related("llm_model__provider", "credential")
        allowed = [row for row in rows if self.has_change_permission(request, row)][:MAX_TESTED]
        outcomes = probe_deployments(allowed)
        for row in allowed:
            outcome = outcomes[str(row.id)]
            words = {"name": row.name, "ms": outcome.milliseconds, "fault": outcome.message}
            if outcome.is_working:
                messages.success(request, gettext("%(name)s answered in %(ms)s ms.") % words)
            else:
                messages.error(request, gettext("%(name)s failed: %(fault)s") % words)
            self.record(request, "tested", row, {"is_working": outcome.is_working})
        if len(allowed) < queryset.count():
            text = gettext("Deployments that you may not change, or beyond %(most)s, were skipped.")
            messages.warning(request, text % {"most": MAX_TESTED})
