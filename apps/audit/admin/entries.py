"""The trail: read, filtered, exported, verified."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action

from apps.audit.admin.base import ReadOnlyModelAdmin
from apps.audit.chain import verify_all_chains, verify_chain
from apps.audit.models import AuditEntry
from apps.core.scoping import current_scope


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyModelAdmin):
    """Who changed what, when and why."""

    list_display = ("at", "actor_label", "action", "object_type", "object_label", "reason")
    list_filter = (("at", RangeDateFilter), "action", "object_type", "actor_kind")
    list_filter_submit = True
    search_fields = ("actor_label", "action", "object_label", "object_id", "reason")
    date_hierarchy = "at"
    show_full_result_count = False
    list_display_links = ("at", "action")
    actions_list = ("verify",)
    empty_list_text = _("Everything that people, keys and the system change is listed here.")
    fields = (
        "sequence",
        "at",
        "actor_kind",
        "actor_label",
        "actor_id",
        "address",
        "action",
        "object_type",
        "object_label",
        "object_id",
        "changes_table",
        "reason",
        "previous_digest",
        "digest",
    )

    @admin.display(description=_("changes"))
    def changes_table(self, entry: AuditEntry) -> SafeString:
        """Return the changed fields with old and new values."""
        rows = [(name, *_old_and_new(value)) for name, value in entry.changes.items()]
        if not rows:
            return format_html("{}", "-")
        return format_html(
            "<table><thead><tr><th scope='col'>{}</th><th scope='col'>{}</th>"
            "<th scope='col'>{}</th></tr></thead><tbody>{}</tbody></table>",
            gettext("Field"),
            gettext("Before"),
            gettext("After"),
            format_html_join("", "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>", rows),
        )

    @action(description=_("Verify the trail"), permissions=["view"], icon="verified_user")
    def verify(self, request: HttpRequest) -> HttpResponseRedirect:
        """Walk the chain, or every chain for platform staff, and say whether it holds."""
        tenant_id = current_scope().tenant_id
        reports = [verify_chain(tenant_id)] if tenant_id else list(verify_all_chains())
        for report in reports:
            if report.fault:
                text = gettext("The trail is broken: %(fault)s") % {"fault": report.fault}
                messages.error(request, text)
        if all(report.holds for report in reports):
            count = sum(report.entries for report in reports)
            text = ngettext(
                "The trail holds: %(count)d entry checked.",
                "The trail holds: %(count)d entries checked.",
                count,
            )
            messages.success(request, text % {"count": count})
        return HttpResponseRedirect(reverse("admin:audit_auditentry_changelist"))


def _old_and_new(value: Any) -> tuple[Any, Any]:
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    return "", value
