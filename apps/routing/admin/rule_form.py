"""The rule's form: when (the condition builder), then, limits, experiment."""

from typing import Any, override

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from apps.api_keys.models import ApiKey
from apps.audit.admin.fields import CommaList
from apps.audit.admin.permissions import in_platform_scope
from apps.audit.forms import TenantModelForm
from apps.providers.admin.money import UsdField
from apps.providers.models import LlmModel, Provider
from apps.routing.admin.rule_widgets import ArmsField, ConditionField, ConditionWidget
from apps.routing.condition_schema import builder_schema
from apps.routing.draft_checks.conditions import check_condition, describe_fault
from apps.routing.draft_checks.settings import RANGES, REASONING_EFFORTS, setting_faults
from apps.routing.engine.compile_conditions import ConditionFault
from apps.routing.headers import routable_headers
from apps.routing.models import HolidayCalendar, ModelAlias
from apps.routing.rule_records import DEFAULTS
from apps.routing.snapshot import unix_ms_of
from apps.tenants.models import Project, Tenant

PARAMETER_FIELDS = (*RANGES, "reasoning_effort", "seed")
PARAMETER_LABELS = {
    "temperature": _("Temperature"),
    "top_p": _("Nucleus (top_p)"),
    "frequency_penalty": _("Frequency penalty"),
    "presence_penalty": _("Presence penalty"),
    "reasoning_effort": _("Reasoning effort"),
    "seed": _("Seed"),
}


def offered_choices() -> dict[str, list[tuple[str, str]]]:
    """Return the values that only the data base knows, by field of the conditions."""
    names = [*ModelAlias.objects.values_list("name", flat=True)]
    names += LlmModel.objects.order_by("name").values_list("name", flat=True)
    providers = list(Provider.objects.values_list("slug", "name"))
    calendars = HolidayCalendar.objects.order_by("name").values_list("name", flat=True)
    offered = {
        "project": list(Project.objects.order_by("name").values_list("slug", "name")),
        "api_key": [(str(id_), name) for id_, name in ApiKey.objects.values_list("id", "name")],
        "requested_model": [(name, name) for name in dict.fromkeys(names)],
        "holiday": [(name, name) for name in dict.fromkeys(calendars)],
        "provider_down": providers,
        "provider_degraded": providers,
    }
    if in_platform_scope():
        offered["tenant"] = list(Tenant.objects.order_by("name").values_list("slug", "name"))
    return offered


def _parameter(name: str) -> forms.Field:
    label = PARAMETER_LABELS[name]
    if name == "seed":
        return forms.IntegerField(label=label, required=False, widget=UnfoldAdminIntegerFieldWidget)
    if name == "reasoning_effort":
        choices = [("", _("As the caller says")), *((item, item) for item in REASONING_EFFORTS)]
        return forms.ChoiceField(
            label=label, required=False, choices=choices, widget=UnfoldAdminSelectWidget
        )
    low, high = RANGES[name]
    return forms.FloatField(
        label=label,
        required=False,
        min_value=low,
        max_value=high,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=_("Empty: as the caller says."),
    )


class RuleForm(TenantModelForm):
    """A rule; what several fields say together is checked here as it is at publish."""

    conditions = ConditionField(
        label=_("Conditions"),
        required=False,
        widget=ConditionWidget(lambda: builder_schema(offered_choices(), routable_headers())),
        help_text=_(
            "Without a condition the rule applies to every request. As JSON: groups all, any or"
            " none with a list of conditions, each with field, operator and value."
        ),
    )
    arms = ArmsField(
        label=_("Arms of the experiment"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_(
            "One on each line: a name, a weight in percent, the models in order. For example:"
            " new 10: model-a, model-b. The targets have the rest of the traffic, and are tried"
            " when an arm's models cannot answer."
        ),
    )
    add_tags = CommaList(
        label=_("Tags to add"),
        required=False,
        help_text=_("Later rules and reports can read them. With commas."),
    )
    regions = CommaList(
        label=_("Allowed regions"),
        required=False,
        help_text=_("Only deployments in one of them. Empty: any. With commas."),
    )
    price_cap = UsdField(
        label=_("Price cap (US$ per million tokens)"),
        required=False,
        initial=None,
        help_text=_("For the dearer of input and output. Empty: any price."),
    )
    temperature = _parameter("temperature")
    top_p = _parameter("top_p")
    frequency_penalty = _parameter("frequency_penalty")
    presence_penalty = _parameter("presence_penalty")
    reasoning_effort = _parameter("reasoning_effort")
    seed = _parameter("seed")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.instance.parameters.items():
            self.initial.setdefault(name, value)

    def clean_conditions(self) -> Any:
        tree = self.cleaned_data["conditions"]
        try:
            check_condition(tree)
        except ConditionFault as fault:
            raise forms.ValidationError(describe_fault(fault)) from fault
        return tree

    def clean_add_tags(self) -> list[str]:
        return list(self.cleaned_data["add_tags"])

    def clean_regions(self) -> list[str]:
        return list(self.cleaned_data["regions"])

    @override
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = {name: cleaned.get(name) for name in PARAMETER_FIELDS if name in self.fields}
        parameters = {name: value for name, value in given.items() if value not in (None, "")}
        self.instance.parameters = parameters
        if not self.errors:
            for field, text in setting_faults(self._record(cleaned, parameters)):
                self.add_error(field if field in self.fields else None, text)
        return cleaned

    def _record(self, cleaned: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the rule as a release would hold it; its targets are rows of their own."""
        settings = {name: cleaned.get(name, default) for name, default in DEFAULTS.items()}
        return {
            **settings,
            "action": cleaned["action"],
            "reject_message": cleaned["reject_message"],
            "condition": cleaned["conditions"],
            "active_from_ms": unix_ms_of(cleaned["active_from"]),
            "active_until_ms": unix_ms_of(cleaned["active_until"]),
            "parameters": parameters,
            "targets": [],
        }
