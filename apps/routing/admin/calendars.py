"""Holiday calendars in the admin: a country's days, with some added and some taken out."""

from datetime import date
from typing import Any, override

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.admin import AuditedModelAdmin
from apps.audit.admin.fields import CommaList
from apps.audit.forms import TenantModelForm
from apps.core.clock import utc_now
from apps.routing.admin.publish_links import DraftChangesMixin
from apps.routing.calendars import place_faults
from apps.routing.models import HolidayCalendar
from apps.routing.snapshot import calendar_dates


class DaysField(CommaList):
    """Days with commas between them, as 2026-12-31."""

    @override
    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value

    @override
    def clean(self, value: Any) -> Any:
        return [_day(text) for text in super().clean(value)]

    @override
    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != (data or "").strip())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValidationError(
            _("“%(text)s” is not a date; write it as 2026-12-31."), params={"text": text}
        ) from error


class HolidayCalendarForm(TenantModelForm):
    """Checks the codes of country and state; takes days as texts."""

    extra_dates = DaysField(
        label=_("Days to add"), required=False, help_text=_("As 2026-12-31, with commas.")
    )
    removed_dates = DaysField(
        label=_("Days to take out"), required=False, help_text=_("As 2026-12-31, with commas.")
    )

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean_subdivision(self) -> str:
        return str(self.cleaned_data["subdivision"]).upper()

    @override
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        faults = place_faults(cleaned.get("country", ""), cleaned.get("subdivision", ""))
        for field, message in faults.items():
            self.add_error(field, forms.ValidationError(message))
        return cleaned


@admin.register(HolidayCalendar)
class HolidayCalendarAdmin(DraftChangesMixin, AuditedModelAdmin):
    """Days that rules call holidays."""

    form = HolidayCalendarForm
    list_display = ("name", "country", "subdivision", "next_day")
    list_filter = ("country",)
    search_fields = ("name", "country", "subdivision")
    list_select_related = ("tenant",)
    fields = ("name", "country", "subdivision", "extra_dates", "removed_dates", "days")
    readonly_fields = ("days",)
    empty_list_text = _(
        "A holiday calendar gives rules the days of a country or state, with days of your own."
    )

    @display(description=_("Next day"))
    def next_day(self, calendar: HolidayCalendar) -> str:
        today = utc_now().date()
        days = (day for day in _days(calendar) if day >= today)
        found = next(days, None)
        return date_format(found) if found else "-"

    @display(description=_("Days, as a publish would write them"))
    def days(self, calendar: HolidayCalendar) -> str:
        shown = "" if calendar._state.adding else ", ".join(map(date_format, _days(calendar)))
        return shown or "-"


def _days(calendar: HolidayCalendar) -> list[date]:
    return [date.fromisoformat(day) for day in calendar_dates(calendar, utc_now().date())]
