"""The writer: from the stream to the books, each event once, whatever is away."""

import threading
import time
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection

from apps.core.ids import new_id
from apps.core.scoping import all_tenants
from apps.usage import stream, writer
from apps.usage.codec import encode_event
from apps.usage.models import LedgerEntry, RequestLog
from apps.usage.stream import GROUP, REJECTED, STREAM, UsageStream
from apps.usage.types import UsageEvent
from apps.usage.writer import UsageWriter
from tests.factories.people import make_tenant
from tests.factories.process import postgres_gone
from tests.factories.usage import drain, make_attempt, make_event

pytestmark = pytest.mark.django_db(transaction=True)


def send(client: redis.Redis, *events: UsageEvent | bytes) -> None:
    for event in events:
        data = event if isinstance(event, bytes) else encode_event(event)
        client.xadd(STREAM, {"event": data})


def booked() -> list[int]:
    with all_tenants("tests"):
        costs = sorted(LedgerEntry.objects.values_list("cost", flat=True))
        assert sorted(RequestLog.objects.values_list("cost", flat=True)) == costs
        return costs


def test_events__on_the_stream__come_into_the_books_and_leave_it(
    redis_client: redis.Redis,
) -> None:
    tenant = make_tenant()
    send(redis_client, *(make_event(tenant, cost=cost) for cost in (1, 2, 3)))
    worker = UsageWriter()
    drain(worker)
    assert booked() == [1, 2, 3]
    assert redis_client.xlen(STREAM) == 0
    assert worker.run_once(10) == 0


def test_event__delivered_twice__is_booked_once(redis_client: redis.Redis) -> None:
    event = make_event(make_tenant(), cost=7)
    send(redis_client, event, event)
    drain(UsageWriter())
    send(redis_client, event)
    drain(UsageWriter())
    assert booked() == [7]


@pytest.mark.parametrize("bad", [b"", b"{}", b"\xff", b'{"at_ms": "x"}'])
def test_event__that_cannot_be_read__is_put_aside_with_its_reason(
    redis_client: redis.Redis, bad: bytes
) -> None:
    tenant = make_tenant()
    send(redis_client, make_event(tenant, cost=1), bad, make_event(tenant, cost=2))
    drain(UsageWriter())
    assert booked() == [1, 2]
    ((_id, fields),) = entries(redis_client, REJECTED)
    assert fields[b"event"] == bad
    assert fields[b"reason"]
    assert redis_client.xlen(STREAM) == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"tenant_id": new_id()},
        {"http_status": 99_999},
        {"key": "x" * 121},
        {"requested_model": "a\0b"},
        {"trace": [{"code": "a\0b"}]},
        {"facts": {"user": "a\0b"}},
        {"facts": {"health": "x" * 33}, "health": {"deployments": {}}},
        {"attempts": (make_attempt(deployment="x" * 200),)},
    ],
)
def test_event__that_the_books_refuse__does_not_hold_up_its_neighbours(
    redis_client: redis.Redis, fault: dict[str, Any]
) -> None:
    tenant = make_tenant()
    bad = make_event(**{"tenant_id": tenant.pk, **fault})
    send(redis_client, make_event(tenant, cost=1), bad, make_event(tenant, cost=2))
    drain(UsageWriter())
    assert booked() == [1, 2]
    assert redis_client.xlen(REJECTED) == 1
    assert redis_client.xlen(STREAM) == 0


def test_postgres__away_and_back__loses_nothing(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(writer, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(stream, "ABANDONED_MS", 1)
    tenant = make_tenant()
    worker = UsageWriter()
    thread = threading.Thread(target=run, args=(worker,))
    with postgres_gone():
        send(redis_client, *(make_event(tenant, cost=cost) for cost in (1, 2, 3)))
        thread.start()
        time.sleep(0.4)
        assert redis_client.xlen(STREAM) == 3
    wait_until_empty(redis_client)
    worker.stop()
    thread.join(10)
    assert booked() == [1, 2, 3]


def test_writer__that_reads_and_dies__is_followed_by_another(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(redis_client, make_event(make_tenant(), cost=5))
    dead = UsageStream(redis_client, "dead")
    dead.prepare()
    assert len(dead.read(10)) == 1
    drain(UsageWriter())
    assert booked() == []
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    drain(UsageWriter())
    assert booked() == [5]
    pending: Any = redis_client.xpending(STREAM, GROUP)
    assert pending["pending"] == 0


def test_writer__killed_between_books_and_confirmation__books_once(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    send(redis_client, make_event(make_tenant(), cost=5))
    with monkeypatch.context() as patch:
        patch.setattr(UsageStream, "confirm", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            drain(UsageWriter())
    assert booked() == [5]
    drain(UsageWriter())
    assert booked() == [5]
    assert redis_client.xlen(STREAM) == 0


def test_redis__emptied_under_the_writer__is_prepared_again(redis_client: redis.Redis) -> None:
    worker = UsageWriter()
    drain(worker)
    redis_client.flushdb()
    send(redis_client, make_event(make_tenant(), cost=9))
    drain(worker)
    assert booked() == [9]


def test_data_base__lost_in_the_middle__keeps_the_event_pending(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_events: object) -> None:
        raise OperationalError("gone")

    send(redis_client, make_event(make_tenant(), cost=9))
    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_events", fail)
        with pytest.raises(OperationalError):
            drain(UsageWriter())
    monkeypatch.setattr(stream, "ABANDONED_MS", 0)
    drain(UsageWriter())
    assert booked() == [9]
    assert redis_client.xlen(REJECTED) == 0


def run(worker: UsageWriter) -> None:
    worker.run()
    connection.close()


def entries(client: redis.Redis, name: str) -> list[Any]:
    found: Any = client.xrange(name)
    return list(found)


def wait_until_empty(client: redis.Redis) -> None:
    deadline = time.monotonic() + 10
    while client.xlen(STREAM) and time.monotonic() < deadline:
        time.sleep(0.02)
