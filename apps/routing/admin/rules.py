"""Rules in the admin: one page each: when, then, limits, experiment, targets in order."""

from typing import override

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.admin import AuditedModelAdmin, AuditedTabularInline
from apps.routing.admin.publish_links import DraftChangesMixin
from apps.routing.admin.rule_form import PARAMETER_FIELDS, RuleForm
from apps.routing.models import Rule, RuleTarget
from apps.routing.wording import describe_condition, describe_targets

FIELDSETS = (
    (
        None,
        {"fields": ("rule_set", "name", "description", "is_enabled", "is_default", "position")},
    ),
    (
        _("When"),
        {
            "fields": ("conditions", "active_from", "active_until"),
            "description": _("The first rule whose conditions hold decides."),
        },
    ),
    (
        _("Then"),
        {
            "fields": (
                *("action", "reject_message", "strategy", "price_weight", "affinity"),
                *("prompt_template", "cache_seconds", "add_tags"),
            ),
            "description": _("The models are at the end of the page: the targets."),
        },
    ),
    (
        _("Limits"),
        {
            "fields": (
                *("max_output_tokens", "regions", "data_class", "price_cap", "latency_cap_ms"),
                *("allow_unknown", "first_token_timeout_ms", "total_timeout_ms", "max_attempts"),
                *("on_content_filter", "on_unsupported"),
            ),
            "description": _("They narrow what may answer. Of several rules the tightest holds."),
        },
    ),
    (
        _("Parameters"),
        {"fields": PARAMETER_FIELDS, "description": _("Set in place of the caller's own.")},
    ),
    (
        _("Experiment"),
        {
            "fields": ("arms", "unit"),
            "description": _(
                "A share of the requests is answered by other models, the same one for each unit."
                " Reports tell the arms apart."
            ),
        },
    ),
)


class RuleTargetInline(AuditedTabularInline):
    """The models of a rule, tried from top to bottom or drawn by weight."""

    model = RuleTarget
    extra = 1
    fields = ("llm_model", "weight", "position")
    ordering_field = "position"
    hide_ordering_field = True
    autocomplete_fields = ("llm_model",)
    verbose_name_plural = _("Targets, tried from top to bottom; weights count in a split")


@admin.register(Rule)
class RuleAdmin(DraftChangesMixin, AuditedModelAdmin):
    """A business rule: when, then."""

    form = RuleForm
    exclude = ("parameters",)
    fieldsets = FIELDSETS
    inlines = (RuleTargetInline,)
    list_display = ("name", "rule_set", "position", "when", "then", "is_default", "is_enabled")
    list_filter = ("rule_set", "is_enabled", "action", "strategy", "is_default")
    search_fields = ("name", "description")
    list_select_related = ("rule_set", "tenant")
    empty_list_text = _(
        "A rule says when it applies and which models answer then. Add a rule set first, then "
        "rules in it; the first one that applies wins."
    )

    @override
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Rule]:
        rows: models.QuerySet[Rule] = super().get_queryset(request)
        return rows.prefetch_related("targets__llm_model")

    @display(description=_("When"))
    def when(self, rule: Rule) -> str:
        return describe_condition(rule.conditions)

    @display(description=_("Then"))
    def then(self, rule: Rule) -> str:
        if rule.action == "reject":
            return str(_("reject: %s")) % rule.reject_message
        targets = [
            {"model": target.llm_model.name, "weight": target.weight}
            for target in rule.targets.all()
        ]
        joint = ", " if rule.strategy != "priority" else " → "
        names = joint.join(describe_targets([target]) for target in targets)
        told = "; ".join(filter(None, (describe_targets(rule.arms), names)))
        if rule.action == "continue":
            return str(_("apply the settings, go on"))
        return told or str(_("what the client asked for"))
