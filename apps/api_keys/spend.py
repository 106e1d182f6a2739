"""What a key has spent this month, rebuilt from ledger and journals when Redis has lost it."""

import datetime as dt
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings

from apps.api_keys.types import Caller
from apps.core.redis import control_redis
from apps.core.scoping import tenant_scope
from apps.usage.codec import MalformedEvent, decode_event
from apps.usage.journal import read_all
from apps.usage.ledger import spent_since
from apps.usage.models import RequestLog
from apps.usage.types import UsageEvent

KEEP_SECONDS = 40 * 24 * 60 * 60


def rebuild_spend(caller: Caller, budget: str, now_ms: int) -> None:
    """Put the spend of the caller's month back, unless somebody was faster."""
    start = month_start(caller.tenant_time_zone, now_ms)
    with tenant_scope(caller.tenant_id):
        spent = spent_since(caller.key_id, start) + _unwritten(caller, start)
    with control_redis().pipeline(transaction=True) as pipe:
        pipe.hsetnx(budget, "settled", spent)
        pipe.expire(budget, KEEP_SECONDS)
        pipe.execute()


def month_start(time_zone: str, now_ms: int) -> dt.datetime:
    """Return the first moment of the month in a time zone."""
    local = dt.datetime.fromtimestamp(now_ms / 1000, ZoneInfo(time_zone))
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _unwritten(caller: Caller, start: dt.datetime) -> int:
    """Sum what the journals of this machine hold and the books do not yet."""
    events = {event.event_id: event for event in _journaled(caller, start)}
    written = set(RequestLog.objects.filter(id__in=list(events)).values_list("id", flat=True))
    return sum(event.cost for id_, event in events.items() if id_ not in written)


def _journaled(caller: Caller, start: dt.datetime) -> list[UsageEvent]:
    found = []
    for line in read_all(settings.JOURNAL_DIR):
        try:
            event = decode_event(orjson.loads(line)["event"].encode())
        except (MalformedEvent, ValueError, KeyError):
            continue
        if event.key_id == caller.key_id and event.at_ms >= start.timestamp() * 1000:
            found.append(event)
    return found
