"""Rules in the admin: one page each, conditions as fields, targets in order."""

from typing import Any, override

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.admin import AuditedModelAdmin, AuditedTabularInline
from apps.audit.admin.permissions import in_platform_scope
from apps.routing.admin.publish_links import DraftChangesMixin
from apps.routing.admin.rule_form import CONDITION_FIELDS, RuleForm, shown_conditions
from apps.routing.models import Rule, RuleTarget
from apps.routing.wording import describe_condition


class RuleTargetInline(AuditedTabularInline):
    """The models of a rule, tried from top to bottom."""

    model = RuleTarget
    extra = 1
    fields = ("llm_model", "position")
    ordering_field = "position"
    hide_ordering_field = True
    autocomplete_fields = ("llm_model",)
    verbose_name_plural = _("Targets, tried from top to bottom")


@admin.register(Rule)
class RuleAdmin(DraftChangesMixin, AuditedModelAdmin):
    """A business rule: when, then."""

    form = RuleForm
    exclude = ("conditions",)
    inlines = (RuleTargetInline,)
    list_display = ("name", "rule_set", "position", "when", "then", "is_enabled")
    list_filter = ("rule_set", "is_enabled", "action")
    search_fields = ("name", "description")
    list_select_related = ("rule_set", "tenant")
    readonly_fields = ("kept_condition",)
    empty_list_text = _(
        "A rule says when it applies and which models answer then. Add a rule set first, then "
        "rules in it; the first one that applies wins."
    )

    @override
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Rule]:
        rows: models.QuerySet[Rule] = super().get_queryset(request)
        return rows.prefetch_related("targets__llm_model")

    @override
    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        self.fieldsets = _fieldsets(obj)
        return super().get_fieldsets(request, obj)

    @display(description=_("When"))
    def when(self, rule: Rule) -> str:
        return describe_condition(rule.conditions)

    @display(description=_("Then"))
    def then(self, rule: Rule) -> str:
        if rule.action == "reject":
            return str(_("reject: %s")) % rule.reject_message
        names = " → ".join(target.llm_model.name for target in rule.targets.all())
        return names or str(_("what the client asked for"))

    @display(description=_("Condition"))
    def kept_condition(self, rule: Rule) -> str:
        return describe_condition(rule.conditions)


def _fieldsets(obj: models.Model | None) -> Any:
    is_kept = isinstance(obj, Rule) and shown_conditions(obj) is None
    conditions: tuple[str, ...] = ("kept_condition",) if is_kept else CONDITION_FIELDS
    if not is_kept and not in_platform_scope():
        conditions = tuple(name for name in conditions if name != "tenants")
    told = _("This condition was made through the API; change it there.") if is_kept else ""
    effects = ("prompt_template", "max_output_tokens", "cache_seconds")
    return (
        (None, {"fields": ("rule_set", "name", "description", "is_enabled", "position")}),
        (_("When"), {"fields": conditions, "description": told}),
        (_("Then"), {"fields": ("action", "reject_message", *effects)}),
    )
