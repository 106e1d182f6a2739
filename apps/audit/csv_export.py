"""Admin lists as CSV that a spreadsheet cannot be tricked into running."""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import strip_tags
from django.utils.text import capfirst

ROWS_PER_FETCH = 1_000
# A cell that starts with one of these is a formula to a spreadsheet.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
SELECTION_COLUMN = "action_checkbox"


class _Line:
    """A file whose `write` hands the line back, which is all that a csv writer needs."""

    def write(self, line: str) -> str:
        return line


def csv_response(
    model_admin: Any, request: HttpRequest, rows: models.QuerySet[Any]
) -> StreamingHttpResponse:
    """Return the list's columns of the rows, streamed."""
    columns = [name for name in model_admin.get_list_display(request) if name != SELECTION_COLUMN]
    response = StreamingHttpResponse(
        _lines(model_admin, columns, rows), content_type="text/csv; charset=utf-8"
    )
    name = model_admin.model._meta.model_name
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def safe_cell(value: Any) -> str:
    """Return text for a cell; text that a spreadsheet would take for a formula gets a quote."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _lines(model_admin: Any, columns: list[Any], rows: models.QuerySet[Any]) -> Iterator[str]:
    writer = csv.writer(_Line())
    model = model_admin.model
    titles = [capfirst(str(label_for_field(column, model, model_admin))) for column in columns]
    # The byte order mark is what makes Excel read UTF-8.
    yield "\ufeff" + writer.writerow([safe_cell(title) for title in titles])
    for row in rows.iterator(chunk_size=ROWS_PER_FETCH):
        yield writer.writerow([safe_cell(_value(model_admin, column, row)) for column in columns])


def _value(model_admin: Any, column: Any, row: models.Model) -> Any:
    try:
        field, _, value = lookup_field(column, row, model_admin)
    except ObjectDoesNotExist:
        return ""
    if field is None:
        # Columns that are methods return text for a page.
        return strip_tags(str(value)).strip() if isinstance(value, str) else value
    if field.choices:
        return getattr(row, f"get_{field.name}_display")()
    return value
