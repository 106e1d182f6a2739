"""The books: each event once, append-only, by day; the writer loses nothing and stumbles over nothing."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.core.redis import control_redis
from apps.core.scoping import all_tenants
from apps.usage import stream
from apps.usage.codec import MalformedEvent, decode_event, encode_event
from apps.usage.models import LedgerEntry, RequestLog
from apps.usage.stream import FIELD, REJECTED, STREAM, UsageStream
from apps.usage.types import UsageEvent
from apps.usage.writer import UsageWriter
from tests.factories.people import make_tenant
from tests.factories.usage import make_attempt, make_event, write


def push(client: redis.Redis, data: bytes) -> None:
    client.xadd(STREAM, {FIELD: data})


def counted() -> tuple[int, int]:
    """Return how many requests and ledger entries there are."""
    with all_tenants("tests"):
        return RequestLog.objects.count(), LedgerEntry.objects.count()


def run_writer() -> None:
    writer = UsageWriter()
    writer._stream.prepare()
    while writer.run_once(10):
        pass


@given(
    st.text(max_size=40),
    st.integers(0, 2**60),
    st.lists(st.text(max_size=20), max_size=4),
    st.booleans(),
)
def test_event__encoded_and_decoded__is_the_same(
    label: str, cost: int, tags: list[str], is_streamed: bool
) -> None:
    event = make_event(rule=label, cost=cost, tags=tuple(tags), is_streamed=is_streamed)
    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"event_id": "x"}'])
def test_bytes__that_are_no_event__are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode_event(data)


@pytest.mark.django_db
def test_events__written_twice__are_in_the_books_once() -> None:
    tenant = make_tenant()
    events = [make_event(tenant), make_event(tenant, attempts=(make_attempt(), make_attempt()))]
    write(*events)
    write(*events, make_event(tenant))
    assert counted() == (3, 4)


@pytest.mark.django_db
def test_event__of_any_day__has_a_partition() -> None:
    tenant = make_tenant()
    old = dt.datetime(2025, 2, 28, 23, 59, tzinfo=dt.UTC)
    write(make_event(tenant, at_ms=round(old.timestamp() * 1000)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('usage_partitions.usage_ledgerentry_20250228')::text")
        assert cursor.fetchone() == ("usage_partitions.usage_ledgerentry_20250228",)


@pytest.mark.django_db
@pytest.mark.parametrize("act", [{"cost": 0}, None])
def test_ledger__changed_or_deleted__refuses(act: dict[str, Any] | None) -> None:
    write(make_event(make_tenant()))
    with all_tenants("tests"):
        rows = LedgerEntry.objects.all()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rows.update(**act) if act else rows._raw_delete(using="default")
    assert counted() == (1, 1)


@pytest.mark.django_db
def test_partitions__asked_past_the_parent__are_closed_to_the_serving_role() -> None:
    write(make_event(make_tenant()))
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM usage_partitions.usage_ledgerentry_20250228")


@pytest.mark.django_db(transaction=True)
def test_writer__moves_the_stream_into_the_books(redis_client: redis.Redis) -> None:
    tenant = make_tenant()
    for _ in range(3):
        push(redis_client, encode_event(make_event(tenant)))
    run_writer()
    assert counted() == (3, 3)
    assert redis_client.xlen(STREAM) == 0


@pytest.mark.django_db(transaction=True)
def test_writer__malformed_and_impossible_events__are_put_aside_and_hold_nobody_up(
    redis_client: redis.Redis,
) -> None:
    tenant = make_tenant()
    push(redis_client, encode_event(make_event(tenant)))
    push(redis_client, b"{broken")
    push(redis_client, encode_event(make_event(tenant_id=UUID(int=1))))
    push(redis_client, encode_event(make_event(tenant)))
    run_writer()
    assert counted() == (2, 2)
    assert redis_client.xlen(REJECTED) == 2
    assert redis_client.xlen(STREAM) == 0


@pytest.mark.django_db(transaction=True)
def test_writer__events_of_a_dead_one__are_taken_over(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(redis_client, encode_event(make_event(make_tenant())))
    dead = UsageStream(control_redis(), "dead")
    dead.prepare()
    assert len(dead.read(10)) == 1
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    run_writer()
    assert counted() == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_writer__data_base_away_and_back__loses_nothing(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(redis_client, encode_event(make_event(make_tenant())))
    writer = UsageWriter()
    writer._stream.prepare()
    with monkeypatch.context() as broken:
        broken.setattr("apps.usage.writer.write_events", _away)
        with pytest.raises(DatabaseError):
            writer.run_once(10)
    assert redis_client.xlen(STREAM) == 1
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    run_writer()
    assert counted() == (1, 1)


def _away(_events: list[UsageEvent]) -> None:
    raise DatabaseError("the data base is away")


def test_replaced_event__is_another_one() -> None:
    event = make_event()
    assert replace(event, cost=event.cost + 1) != event
