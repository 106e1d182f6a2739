"""The ledger in the admin (the request list, which tells decisions in words, is in `gateway`)."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from apps.audit.admin import ReadOnlyModelAdmin
from apps.core.money import format_usd
from apps.usage.enums import Outcome, in_words
from apps.usage.models import LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyModelAdmin):
    """What each attempt cost; every total on every page is a sum of these."""

    list_display = (
        *(
            "at",
            "deployment",
            "model",
            "shown_status",
            "shown_cost",
            "input_tokens",
            "output_tokens",
        ),
        *("key", "project", "rule", "is_estimated"),
    )
    list_filter = (
        ("at", RangeDateTimeFilter),
        *("status", "model", "project", "key", "is_estimated"),
    )
    list_filter_submit = True
    search_fields = ("deployment", "model", "rule", "key", "project")
    list_select_related = ("tenant",)
    show_full_result_count = False
    list_per_page = 50
    empty_list_text = _("No attempt was billed yet.")
    fields = (
        *("at", "request_id", "project", "key", "rule", "deployment", "model", "provider"),
        *("shown_status", "shown_cost", "is_estimated", "input_tokens", "output_tokens"),
        *("cached_input_tokens", "cache_write_tokens", "reasoning_tokens"),
    )
    readonly_fields = ("shown_status", "shown_cost")

    @display(description=_("outcome"), ordering="status")
    def shown_status(self, row: LedgerEntry) -> str:
        return in_words(Outcome, row.status)

    @display(description=_("cost (USD)"), ordering="cost")
    def shown_cost(self, row: LedgerEntry) -> str:
        return format_usd(row.cost)
