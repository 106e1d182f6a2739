"""What a usage report looks at: a span of days, and the labels to narrow it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core.clock import utc_now
from apps.core.errors import InvalidRequest

DEFAULT_DAYS = 14
MOST_DAYS = 400
# Query parameter -> column. The tenant is a filter for platform staff only: others see one anyway.
LABELS = {
    "tenant": "tenant__slug",
    "project": "project",
    "key": "key",
    "model": "model",
    "rule": "rule",
}


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Days (both inclusive, UTC) and labels."""

    start: dt.date
    end: dt.date
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def condition(self) -> Q:
        """Rows of the days and labels, as a condition on either table of the books."""
        columns = {LABELS[name]: value for name, value in self.labels.items()}
        return Q(day__gte=self.start, day__lte=self.end, **columns)

    def days(self) -> list[dt.date]:
        count = (self.end - self.start).days + 1
        return [self.start + dt.timedelta(days=offset) for offset in range(count)]


def parse_filter(parameters: Mapping[str, Any]) -> UsageFilter:
    """Read `from`, `to` and the labels; raises InvalidRequest naming the parameter."""
    today = utc_now().date()
    end = _date(parameters, "to") or today
    start = _date(parameters, "from") or _days_before(end, DEFAULT_DAYS - 1)
    if start > end:
        raise InvalidRequest(_("“from” is later than “to”."), param="from")
    if (end - start).days >= MOST_DAYS:
        text = _("At most %(days)s days at a time.") % {"days": MOST_DAYS}
        raise InvalidRequest(text, param="from")
    labels = {name: str(parameters[name]) for name in LABELS if parameters.get(name)}
    return UsageFilter(start, end, labels)


def _days_before(day: dt.date, count: int) -> dt.date:
    return dt.date.fromordinal(max(day.toordinal() - count, 1))


def _date(parameters: Mapping[str, Any], name: str) -> dt.date | None:
    text = parameters.get(name)
    if not text:
        return None
    try:
        return dt.date.fromisoformat(str(text))
    except ValueError as error:
        told = _("A day is written as 2026-11-23, not %(text)s.") % {"text": text}
        raise InvalidRequest(told, param=name) from error
