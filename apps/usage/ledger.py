"""Writes of the books: events become rows, each exactly once, however often they come."""

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from apps.usage.models import HealthSnapshot, LedgerEntry, RequestLog
from apps.usage.types import AttemptRecord, UsageEvent


def write_events(events: Sequence[UsageEvent]) -> None:
    """Insert the rows of the events that are not in the books yet; runs under `all_tenants`."""
    ensure_partitions(_moment(event.at_ms).date() for event in events)
    requests = [_request_row(event) for event in events]
    entries = [_ledger_row(event, attempt) for event in events for attempt in event.attempts]
    RequestLog.objects.bulk_create(requests, ignore_conflicts=True)
    LedgerEntry.objects.bulk_create(entries, ignore_conflicts=True)
    HealthSnapshot.objects.bulk_create(_told_health(events), ignore_conflicts=True)


def ensure_partitions(days: Iterable[dt.date]) -> None:
    """Make the partitions of these days, unless they exist."""
    with connection.cursor() as cursor:
        for day in sorted(set(days)):
            cursor.execute("SELECT usage_ensure_partition(%s)", [day])


def written_ids(ids: Sequence[UUID]) -> set[UUID]:
    """Return which requests are in the books; runs in a scope that sees them."""
    rows = RequestLog.objects.filter(id__in=ids)
    return set(rows.values_list("id", flat=True))


def spent_since(key_id: UUID, start: dt.datetime) -> int:
    """Return what a key has spent from a moment on, in micro-dollars."""
    # Partitions are days in UTC, whatever the zone of the moment.
    first_day = start.astimezone(dt.UTC).date()
    rows = LedgerEntry.objects.filter(key_id=key_id, at__gte=start, day__gte=first_day)
    total = rows.aggregate(total=Sum("cost"))["total"]
    return int(total or 0)


def _moment(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)


def _request_row(event: UsageEvent) -> RequestLog:
    at = _moment(event.at_ms)
    row = RequestLog(
        id=event.event_id,
        day=at.date(),
        at=at,
        input_tokens=sum(a.input_tokens for a in event.attempts),
        output_tokens=sum(a.output_tokens for a in event.attempts),
        cost=event.cost,
        is_estimated=any(a.is_estimated for a in event.attempts),
        tags=list(event.tags),
        attempts=[_attempt_summary(attempt) for attempt in event.attempts],
    )
    for name in REQUEST_FIELDS:
        setattr(row, name, getattr(event, name))
    for name in OWNER_FIELDS:
        setattr(row, name, getattr(event, name))
    return row


def _ledger_row(event: UsageEvent, attempt: AttemptRecord) -> LedgerEntry:
    at = _moment(event.at_ms)
    row = LedgerEntry(
        day=at.date(), at=at, request_id=event.event_id, rule_id=event.rule_id, rule=event.rule
    )
    for name in OWNER_FIELDS:
        setattr(row, name, getattr(event, name))
    for name in ATTEMPT_FIELDS:
        setattr(row, name, getattr(attempt, name))
    return row


def _told_health(events: Iterable[UsageEvent]) -> list[HealthSnapshot]:
    """Return the states of health that these events tell; other processes may tell the same."""
    return [
        HealthSnapshot(id=event.facts["health"], at=_moment(event.at_ms), body=event.health)
        for event in events
        if event.health and "health" in event.facts
    ]


def _attempt_summary(attempt: AttemptRecord) -> dict[str, object]:
    return {name: getattr(attempt, name) for name in SUMMARY_FIELDS}


OWNER_FIELDS = ("tenant_id", "project_id", "project", "key_id", "key")
REQUEST_FIELDS = (
    *("model", "provider", "rule_id", "rule", "door", "requested_model", "conversation_id"),
    *("prompt_template", "status", "error_code", "http_status", "cache", "is_streamed"),
    *("ttft_ms", "total_ms", "platform_version", "tenant_version", "trace"),
    "facts",
)
ATTEMPT_FIELDS = (
    *("id", "model", "provider", "deployment_id", "deployment", "status", "cost"),
    *("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens"),
    *("reasoning_tokens", "is_estimated"),
)
SUMMARY_FIELDS = (
    *("deployment", "model", "provider", "status", "error_code", "http_status", "cost"),
    *("input_tokens", "output_tokens", "is_estimated", "ttft_ms", "total_ms"),
)
