"""What the books say of one answer."""

from uuid import UUID

from apps.core.scoping import all_tenants
from apps.usage.models import LedgerEntry, RequestLog
from apps.usage.writer import UsageWriter
from tests.doors.raw_http import Raw
from tests.factories.usage import drain

PREFIX = "req_"


def request_id_of(raw: Raw) -> UUID:
    """Return the id of a request, in whichever header the dialect has it."""
    headers = raw.headers
    shown = headers.get("x-request-id") or headers["request-id"]
    return UUID(shown.removeprefix(PREFIX))


def booked(raw: Raw) -> tuple[RequestLog, list[LedgerEntry]]:
    """Write what is on its way to the books; return the request's row with what it cost."""
    drain(UsageWriter())
    request_id = request_id_of(raw)
    with all_tenants("tests"):
        row = RequestLog.objects.get(id=request_id)
        return row, list(LedgerEntry.objects.filter(request_id=request_id))
