"""What the books say of one answer."""

from typing import NamedTuple
from uuid import UUID

from apps.core.scoping import all_tenants
from apps.usage.models import LedgerEntry, RequestLog
from apps.usage.writer import UsageWriter
from tests.doors.raw_http import Raw
from tests.factories.usage import drain

PREFIX = "req_"


class Booked(NamedTuple):
    """A request's row, and a row for each attempt that was billed."""

    row: RequestLog
    entries: list[LedgerEntry]


def request_id_of(raw: Raw) -> UUID:
    """Return the id of a request, in whichever header the dialect has it."""
    headers = raw.headers
    shown = headers.get("x-request-id") or headers["request-id"]
    return UUID(shown.removeprefix(PREFIX))


def booked(raw: Raw) -> Booked:
    """Write what is on its way to the books; return the request's row with what it cost."""
    found = everything_booked()
    request_id = request_id_of(raw)
    return next(one for one in found if one.row.id == request_id)


def everything_booked() -> list[Booked]:
    """Write what is on its way to the books; return all requests, the newest first."""
    drain(UsageWriter())
    with all_tenants("tests"):
        entries = list(LedgerEntry.objects.all())
        return [
            Booked(row, [entry for entry in entries if entry.request_id == row.id])
            for row in RequestLog.objects.all()
        ]
