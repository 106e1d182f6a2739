"""What the dashboard shows: tiles, charts and tables of one filter."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.core.money import MICRO_USD_PER_USD
from apps.core.scoping import current_scope
from apps.usage.filters import UsageFilter
from apps.usage.selectors import Group, Measures, choices, grouped, totals

TABLE_ROWS = 12
# A chart has no room for the year of 2026-11-23.
MONTH_AT = len("2026-")
CHART_COLOUR = "#7c3aed"
ERROR_COLOUR = "#dc2626"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure."""

    label: str
    value: str
    detail: str = ""


def dashboard_context(wanted: UsageFilter) -> dict[str, Any]:
    """Return everything that the dashboard's template needs."""
    days = grouped(wanted, "day")
    measures = totals(wanted)
    return {
        "filter": wanted,
        "fields": [_field(wanted, name) for name in _dimensions()],
        "tiles": _tiles(measures),
        "is_empty": not measures.requests,
        "charts": _charts(days),
        "tables": [_table(wanted, name) for name in _dimensions()],
        "days": days,
        "query": _query(wanted),
    }


def dimension_label(name: str) -> str:
    """Return how a dimension is called on the page."""
    labels = {
        "tenant": _("Tenant"),
        "project": _("Project"),
        "key": _("API key"),
        "model": _("LLM model"),
        "rule": _("Rule"),
        "day": _("Day"),
    }
    return labels[name]


def _dimensions() -> Sequence[str]:
    names = ("tenant", "project", "key", "model", "rule")
    return names if current_scope().is_platform else names[1:]


def _field(wanted: UsageFilter, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": dimension_label(name),
        "value": wanted.labels.get(name, ""),
        "choices": choices(wanted, name),
    }


def _tiles(measures: Measures) -> list[Tile]:
    errors = number_format(measures.errors)
    hits = number_format(measures.cache_hits)
    return [
        Tile(_("Spend"), _usd(measures.cost)),
        Tile(_("Requests"), number_format(measures.requests)),
        Tile(
            _("Errors"),
            _percent(measures.error_percent),
            _("%(count)s requests") % {"count": errors},
        ),
        Tile(_("p95 latency"), _("%(ms)s ms") % {"ms": number_format(measures.p95_ms)}),
        Tile(
            _("From the cache"),
            _percent(measures.cache_percent),
            _("%(count)s requests") % {"count": hits},
        ),
    ]


def _charts(days: Sequence[Group]) -> list[dict[str, str]]:
    labels = [group.label[MONTH_AT:] for group in days]
    spend = [group.measures.cost / MICRO_USD_PER_USD for group in days]
    requests = [group.measures.requests for group in days]
    errors = [group.measures.errors for group in days]
    latency = [group.measures.p95_ms for group in days]
    return [
        _chart(_("Spend by day (USD)"), labels, {_("Spend"): (spend, CHART_COLOUR)}),
        _chart(
            _("Requests by day"),
            labels,
            {_("Requests"): (requests, CHART_COLOUR), _("Errors"): (errors, ERROR_COLOUR)},
        ),
        _chart(_("p95 latency by day (ms)"), labels, {_("p95 latency"): (latency, CHART_COLOUR)}),
    ]


def _chart(
    title: str, labels: Sequence[str], series: Mapping[str, tuple[Sequence[float], str]]
) -> dict[str, str]:
    datasets = [
        {"label": label, "data": list(values), "backgroundColor": colour, "borderColor": colour}
        for label, (values, colour) in series.items()
    ]
    return {"title": title, "data": json.dumps({"labels": list(labels), "datasets": datasets})}


def _table(wanted: UsageFilter, name: str) -> dict[str, Any]:
    groups = grouped(wanted, name)
    return {
        "name": name,
        "label": dimension_label(name),
        "rows": [_table_row(wanted, name, group) for group in groups[:TABLE_ROWS]],
        "more": max(len(groups) - TABLE_ROWS, 0),
        "csv": f"{_query(wanted)}&group_by={name}",
    }


def _table_row(wanted: UsageFilter, name: str, group: Group) -> dict[str, Any]:
    measures = group.measures
    narrowed = UsageFilter(wanted.start, wanted.end, {**wanted.labels, name: group.label})
    return {
        "label": group.label or "—",
        "query": _query(narrowed) if group.label else "",
        "spend": _usd(measures.cost),
        "requests": number_format(measures.requests),
        "errors": _percent(measures.error_percent),
        "p95": number_format(measures.p95_ms),
        "cache": _percent(measures.cache_percent),
    }


def _query(wanted: UsageFilter) -> str:
    days = {"from": wanted.start.isoformat(), "to": wanted.end.isoformat()}
    return urlencode({**days, **wanted.labels})


def _usd(micro_usd: int) -> str:
    return f"$ {number_format(micro_usd / MICRO_USD_PER_USD, decimal_pos=4)}"


def _percent(value: float) -> str:
    return f"{number_format(value, decimal_pos=1)} %"
