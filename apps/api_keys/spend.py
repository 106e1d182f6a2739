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
from apps.usage.ledger import spent_since, written_ids
from apps.usage.types import UsageEvent

KEEP_SECONDS = 40 * 24 * 60 * 60
PUT_BACK = """
if redis.call('HSETNX', KEYS[1], 'settled', ARGV[1]) == 1 then
  for i = 3, #ARGV do
    redis.call('HSET', KEYS[1], 'counted:' .. ARGV[i], '1')
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


def rebuild_spend(caller: Caller, budget: str, now_ms: int) -> None:
    """Put the spend of the caller's month back, unless somebody was faster."""
    start = month_start(caller.tenant_time_zone, now_ms)
    # Journals before books: an event on its way from one to the other is seen twice, never missed.
    journaled = {event.event_id: event for event in _journaled(caller, start)}
    with tenant_scope(caller.tenant_id):
        written = written_ids(list(journaled))
        spent = spent_since(caller.key_id, start)
    unwritten = [event for id_, event in journaled.items() if id_ not in written]
    spent += sum(event.cost for event in unwritten)
    _put_back(budget, spent, [event.event_id.hex for event in unwritten])


def month_start(time_zone: str, now_ms: int) -> dt.datetime:
    """Return the first moment of the month in a time zone."""
    local = dt.datetime.fromtimestamp(now_ms / 1000, ZoneInfo(time_zone))
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _put_back(budget: str, spent: int, counted: list[str]) -> None:
    """Set the spend once, and which journaled requests are in it: settling them charges nothing."""
    script = control_redis().register_script(PUT_BACK)
    script(keys=[budget], args=[spent, KEEP_SECONDS, *counted])


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
