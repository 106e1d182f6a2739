"""Rule sets in the admin: the rules in order, dragged by hand; check and publish from here."""

from typing import Any, override

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.admin import AuditedModelAdmin, AuditedTabularInline
from apps.audit.admin.permissions import in_platform_scope
from apps.routing.admin.publish_links import DraftChangesMixin
from apps.routing.models import Rule, RuleSet
from apps.routing.wording import describe_condition


class RuleInline(AuditedTabularInline):
    """The rules of a set, first match wins; each has a page of its own."""

    model = Rule
    fields = ("name", "when", "is_enabled", "position")
    readonly_fields = ("when",)
    ordering_field = "position"
    hide_ordering_field = True
    show_change_link = True
    verbose_name_plural = _("Rules: the first one that applies wins; drag to change the order")

    @display(description=_("When"))
    def when(self, rule: Rule) -> str:
        return "" if rule._state.adding else describe_condition(rule.conditions)


@admin.register(RuleSet)
class RuleSetAdmin(DraftChangesMixin, AuditedModelAdmin):
    """A group of rules of a tenant, of one of its projects, or of the platform."""

    inlines = (RuleInline,)
    list_display = ("name", "scope", "rule_count", "is_enabled", "updated_at")
    list_filter = ("is_enabled", "project", "is_locked")
    search_fields = ("name", "description", "api_key__name")
    list_select_related = ("tenant", "project", "api_key")
    fields = ("name", "description", "project", "api_key", "is_locked", "is_enabled")
    empty_list_text = _(
        "A rule set holds rules in order. Add one, give it rules, then publish: the next request "
        "follows them."
    )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.prefetch_related("rules")

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer a lock to the platform only."""
        hidden = () if in_platform_scope() else ("is_locked",)
        fieldsets = super().get_fieldsets(request, obj)
        for _name, options in fieldsets:
            options["fields"] = [name for name in options["fields"] if name not in hidden]
        return fieldsets

    @display(description=_("Serves"))
    def scope(self, rule_set: RuleSet) -> str:
        """Return whose requests the rules see, in the order in which rules are tried."""
        if rule_set.tenant_id is None:
            return str(_("everybody, first") if rule_set.is_locked else _("everybody"))
        if rule_set.api_key:
            return str(_("API key %s")) % rule_set.api_key.name
        return str(_("project %s")) % rule_set.project if rule_set.project else str(_("the tenant"))

    @display(description=_("Rules"))
    def rule_count(self, rule_set: RuleSet) -> int:
        return len(rule_set.rules.all())
