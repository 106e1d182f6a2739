"""A usage report as CSV."""

import csv
import io
from collections.abc import Iterable

from django.http import HttpResponse

from apps.core.money import format_usd
from apps.usage.selectors import Group

COLUMNS = (
    *("requests", "errors", "error_percent", "cost_micro_usd", "cost_usd", "p95_ms"),
    *("cache_hits", "cache_percent", "input_tokens", "output_tokens"),
)
# Spreadsheets run cells that begin like this as formulas.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def report_csv(groups: Iterable[Group], dimension: str) -> HttpResponse:
    """Return the groups as a file to download."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([dimension, *COLUMNS])
    for group in groups:
        writer.writerow([_safe(group.label), *_row(group)])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="usage-by-{dimension}.csv"'
    return response


def _row(group: Group) -> list[object]:
    measures = group.measures
    return [
        measures.requests,
        measures.errors,
        measures.error_percent,
        measures.cost,
        format_usd(measures.cost),
        measures.p95_ms,
        measures.cache_hits,
        measures.cache_percent,
        measures.input_tokens,
        measures.output_tokens,
    ]


def _safe(label: str) -> str:
    return f"'{label}" if label.startswith(FORMULA_STARTS) else label
