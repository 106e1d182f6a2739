"""The books: each event once, whatever happens; nothing is ever changed."""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.clock import utc_now
from apps.core.ids import new_id
from apps.core.scoping import all_tenants, tenant_scope
from apps.usage.ledger import ensure_partitions, spent_since, written_ids
from apps.usage.models import HealthSnapshot, LedgerEntry, RequestLog
from apps.usage.tasks import DAYS_AHEAD, prepare_partitions
from tests.factories.people import make_tenant
from tests.factories.usage import make_attempt, make_event, write

pytestmark = pytest.mark.django_db


def count() -> tuple[int, int]:
    with all_tenants("tests"):
        return RequestLog.objects.count(), LedgerEntry.objects.count()


def partitions(day: dt.date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relname LIKE %s", [f"usage_%{day:_%Y%m%d}"]
        )
        (number,) = cursor.fetchone()
        return int(number)


def test_events__written_again_and_again__are_one_row_each() -> None:
    event = make_event(make_tenant(), attempts=(make_attempt(), make_attempt()))
    other = make_event(make_tenant())
    write(event, event)
    write(other, event)
    write(event)
    assert count() == (2, 3)


def test_event__written__is_told_in_full() -> None:
    attempts = (
        make_attempt(cost=5, input_tokens=3, output_tokens=4, status="error", error_code="cut"),
        make_attempt(cost=7, input_tokens=1, output_tokens=2, is_estimated=True),
    )
    event = make_event(make_tenant(), attempts=attempts, trace=[{"code": "rule_matched"}])
    write(event)
    with all_tenants("tests"):
        row = RequestLog.objects.get()
        entries = list(LedgerEntry.objects.order_by("cost"))
    assert (row.cost, row.input_tokens, row.output_tokens, row.is_estimated) == (12, 4, 6, True)
    assert (row.tags, row.trace) == (["faq"], [{"code": "rule_matched"}])
    assert [item["error_code"] for item in row.attempts] == ["cut", ""]
    assert [entry.cost for entry in entries] == [5, 7]
    assert {entry.request_id for entry in entries} == {event.event_id}
    assert row.day == entries[0].day == row.at.astimezone(dt.UTC).date()


def test_facts__of_an_event__are_kept_with_the_health_that_they_name() -> None:
    facts = {"tenant": "acme", "language": "pt", "health": "h1"}
    health = {"deployments": {"d1": {"in_flight": 1}}}
    told = make_event(make_tenant(), facts=facts, health=health)
    later = make_event(make_tenant(), facts=facts, at_ms=told.at_ms + 1)
    again = make_event(make_tenant(), facts=facts, health=health, at_ms=told.at_ms + 2)
    write(told, later)
    write(again, told)
    with all_tenants("tests"):
        assert RequestLog.objects.get(id=later.event_id).facts == facts
        snapshot = HealthSnapshot.objects.get()
    assert (snapshot.id, snapshot.body) == ("h1", health)
    assert round(snapshot.at.timestamp() * 1000) == told.at_ms


def test_row__of_a_process_of_the_version_before__has_empty_facts() -> None:
    write(make_event(make_tenant()))
    with all_tenants("tests"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_default, is_nullable FROM information_schema.columns"
            " WHERE table_name = 'usage_requestlog' AND column_name = 'facts'"
        )
        assert cursor.fetchone() == ("'{}'::jsonb", "NO")


def test_event__of_a_day_without_partitions__makes_them() -> None:
    day = dt.date(2031, 5, 6)
    assert partitions(day) == 0
    at_ms = round(dt.datetime(2031, 5, 6, 23, 59, 59, tzinfo=dt.UTC).timestamp() * 1000)
    write(make_event(make_tenant(), at_ms=at_ms))
    assert partitions(day) >= 2
    with all_tenants("tests"):
        assert RequestLog.objects.get().day == day


def test_partitions__made_twice__are_made_once() -> None:
    with all_tenants("tests"):
        ensure_partitions([dt.date(2031, 5, 7)] * 2)
        ensure_partitions([dt.date(2031, 5, 7)])
    assert partitions(dt.date(2031, 5, 7)) >= 2


def test_scheduled_task__makes_the_coming_days() -> None:
    prepare_partitions()
    today = utc_now().date()
    assert all(partitions(today + dt.timedelta(days=ahead)) for ahead in range(DAYS_AHEAD))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE usage_ledgerentry SET cost = 0", "DELETE FROM usage_ledgerentry"],
)
def test_ledger__changed_by_sql__refuses(statement: str) -> None:
    write(make_event(make_tenant()))
    with all_tenants("tests"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
        assert LedgerEntry.objects.get().cost == 1_000


def test_partition__asked_directly_by_the_serving_role__is_closed() -> None:
    day = utc_now().date()
    write(make_event(make_tenant()))
    with tenant_scope(make_tenant().pk):
        table = f"usage_partitions.usage_ledgerentry_{day:%Y%m%d}"
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute("SELECT 1 FROM " + table)  # noqa: S608 - a day is no input


def test_rows__of_another_tenant__are_out_of_sight() -> None:
    mine, theirs = make_tenant(), make_tenant()
    write(make_event(mine), make_event(theirs), make_event(theirs))
    with tenant_scope(mine.pk):
        assert (RequestLog.objects.count(), LedgerEntry.objects.count()) == (1, 1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM usage_ledgerentry")
            assert cursor.fetchone() == (1,)


def test_written__of_some_ids__are_those_in_the_books() -> None:
    event = make_event(make_tenant())
    write(event)
    with all_tenants("tests"):
        assert written_ids([event.event_id, new_id()]) == {event.event_id}


def test_spend__since_a_moment_in_another_zone__counts_from_that_moment() -> None:
    tenant, key_id = make_tenant(), new_id()
    zone = dt.timezone(dt.timedelta(hours=9))
    start = dt.datetime(2026, 11, 1, tzinfo=zone)
    start_ms = round(start.timestamp() * 1000)
    own: dict[str, Any] = {"key_id": key_id}
    write(
        make_event(tenant, at_ms=start_ms - 1, cost=1, **own),
        make_event(tenant, at_ms=start_ms, cost=20, **own),
        make_event(tenant, at_ms=start_ms + 86_400_000, cost=300, **own),
        make_event(tenant, at_ms=start_ms + 1, cost=4_000),
    )
    with tenant_scope(tenant.pk):
        assert spent_since(key_id, start) == 320
