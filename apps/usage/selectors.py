"""Reads of the books: totals and groups. Money is summed from the ledger."""

from dataclasses import dataclass, fields
from typing import Any

from django.db.models import Aggregate, Count, FloatField, Q, QuerySet, Sum

from apps.usage.filters import LABELS, UsageFilter
from apps.usage.models import LedgerEntry, RequestLog

DIMENSIONS = {**LABELS, "day": "day"}
MOST_CHOICES = 200


class Percentile95(Aggregate):
    """The value that 95 of 100 rows do not pass."""

    function = "PERCENTILE_DISC"
    template = "%(function)s(0.95) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()
    name = "Percentile95"


@dataclass(frozen=True, slots=True)
class Measures:
    """What a group of requests amounts to. Cost is micro-dollars, latency milliseconds."""

    requests: int = 0
    errors: int = 0
    cost: int = 0
    p95_ms: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def cache_percent(self) -> float:
        return round(100 * self.cache_hits / self.requests, 1) if self.requests else 0.0

    @property
    def error_percent(self) -> float:
        return round(100 * self.errors / self.requests, 1) if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """One value of a dimension with its measures."""

    label: str
    measures: Measures


COUNTS: dict[str, Any] = {
    "requests": Count("id"),
    "errors": Count("id", filter=~Q(status="ok")),
    "p95_ms": Percentile95("total_ms"),
    "cache_hits": Count("id", filter=Q(cache="hit")),
}
SUMS: dict[str, Any] = {
    "cost": Sum("cost"),
    "input_tokens": Sum("input_tokens"),
    "output_tokens": Sum("output_tokens"),
}


def totals(wanted: UsageFilter) -> Measures:
    """Return the measures of everything in the filter."""
    counts = _requests(wanted).aggregate(**COUNTS)
    sums = _ledger(wanted).aggregate(**SUMS)
    return _measures({**counts, **sums})


def grouped(wanted: UsageFilter, dimension: str) -> list[Group]:
    """Return the measures per value of a dimension: days in order, others by cost."""
    column = DIMENSIONS[dimension]
    found: dict[Any, dict[str, Any]] = {}
    for rows, measures in ((_requests(wanted), COUNTS), (_ledger(wanted), SUMS)):
        for row in rows.order_by().values(column).annotate(**measures):
            found.setdefault(row.pop(column), {}).update(row)
    if dimension == "day":
        return [Group(str(day), _measures(found.get(day, {}))) for day in wanted.days()]
    groups = [Group(label or "", _measures(values)) for label, values in found.items()]
    return sorted(groups, key=lambda group: (-group.measures.cost, group.label))


def choices(wanted: UsageFilter, dimension: str) -> list[str]:
    """Return the values of a dimension in the days of the filter, for a drop-down."""
    days = UsageFilter(wanted.start, wanted.end)
    column = DIMENSIONS[dimension]
    values = _requests(days).order_by(column).values_list(column, flat=True).distinct()
    return [str(value) for value in values[:MOST_CHOICES] if value]


def _requests(wanted: UsageFilter) -> QuerySet[RequestLog]:
    rows: QuerySet[RequestLog] = RequestLog.objects.filter(wanted.condition)
    return rows


def _ledger(wanted: UsageFilter) -> QuerySet[LedgerEntry]:
    rows: QuerySet[LedgerEntry] = LedgerEntry.objects.filter(wanted.condition)
    return rows


def _measures(values: dict[str, Any]) -> Measures:
    return Measures(**{item.name: round(values.get(item.name) or 0) for item in fields(Measures)})
