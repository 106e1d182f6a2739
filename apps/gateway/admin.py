"""The request list in the admin: what was asked, where it went and why, in plain words."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from apps.audit.admin import ReadOnlyModelAdmin
from apps.core.money import format_usd
from apps.routing.engine.explain import explain_steps
from apps.usage.enums import CacheState, Outcome, in_words
from apps.usage.models import RequestLog

STATUS_COLOURS = {
    "ok": "success",
    "rejected": "warning",
    "cancelled": "info",
    "cut": "danger",
    "error": "danger",
}


@admin.register(RequestLog)
class RequestLogAdmin(ReadOnlyModelAdmin):
    """What was asked, where it went, why, and what it cost."""

    list_display = (
        *("at", "shown_status", "requested_model", "model", "rule", "key", "project"),
        *("shown_cost", "tokens", "shown_cache", "total_ms"),
    )
    list_filter = (
        ("at", RangeDateTimeFilter),
        *("status", "cache", "model", "rule", "project", "key", "door", "error_code"),
    )
    list_filter_submit = True
    search_fields = ("requested_model", "model", "rule", "key", "project", "error_code", "tags")
    list_select_related = ("tenant",)
    show_full_result_count = False
    list_per_page = 50
    empty_list_text = _("No request yet: send the curl of the quick start, then look again.")
    fieldsets = (
        (
            _("Request"),
            {
                "fields": (
                    *("public_id", "at", "status_in_words", "http_status", "error_code"),
                    *("project", "key", "door", "requested_model", "tags", "prompt_template"),
                    *("conversation_id", "is_streamed"),
                )
            },
        ),
        (_("Why it went where it went"), {"fields": ("explanation",)}),
        (
            _("Answer"),
            {
                "fields": (
                    *("model", "provider", "rule", "shown_cache", "shown_cost", "is_estimated"),
                    *("tokens", "ttft_ms", "total_ms", "attempt_table", "versions"),
                )
            },
        ),
    )
    readonly_fields = (
        *("public_id", "status_in_words", "explanation", "shown_cost", "tokens"),
        *("shown_cache", "attempt_table", "versions"),
    )

    @display(description=_("outcome"), ordering="status", label=STATUS_COLOURS)
    def shown_status(self, row: RequestLog) -> tuple[str, str]:
        return row.status, in_words(Outcome, row.status)

    @display(description=_("outcome"))
    def status_in_words(self, row: RequestLog) -> str:
        return in_words(Outcome, row.status)

    @display(description=_("cache"), ordering="cache")
    def shown_cache(self, row: RequestLog) -> str:
        return in_words(CacheState, row.cache)

    @display(description=_("cost (USD)"), ordering="cost")
    def shown_cost(self, row: RequestLog) -> str:
        return format_usd(row.cost)

    @display(description=_("tokens in / out"))
    def tokens(self, row: RequestLog) -> str:
        return f"{row.input_tokens} / {row.output_tokens}"

    @display(description=_("request"))
    def public_id(self, row: RequestLog) -> str:
        return str(row)

    @display(description=_("versions (platform / tenant)"))
    def versions(self, row: RequestLog) -> str:
        return f"{row.platform_version} / {row.tenant_version}"

    @display(description=_("decision"))
    def explanation(self, row: RequestLog) -> SafeString | str:
        told = explain_steps(row.trace, get_language() or "en")
        if not told:
            return _now("Nothing was decided.")
        items = format_html_join("", "<li>{}</li>", ((sentence,) for sentence in told))
        return format_html('<ol class="list-decimal pl-5">{}</ol>', items)

    @display(description=_("attempts"))
    def attempt_table(self, row: RequestLog) -> SafeString | str:
        if not row.attempts:
            return _now("No provider was called.")
        items = format_html_join("", "<li>{}</li>", ((_told(item),) for item in row.attempts))
        return format_html('<ol class="list-decimal pl-5">{}</ol>', items)


def _told(attempt: dict[str, Any]) -> str:
    told = f"{attempt['error_code']} {attempt['http_status'] or ''}".strip()
    outcome = in_words(Outcome, attempt["status"])
    words = {
        **attempt,
        "outcome": f"{outcome} ({told})" if told else outcome,
        "cost": format_usd(attempt["cost"]),
    }
    sentence = _now(
        "%(deployment)s: %(outcome)s, %(input_tokens)s / %(output_tokens)s tokens, %(cost)s USD, "
        "%(total_ms)s ms"
    )
    return sentence % words
