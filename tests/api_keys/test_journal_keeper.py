"""Journals: what a process wrote down before it died is settled, and deleted once it is booked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from apps.api_keys import journal_keeper
from apps.api_keys.journal_keeper import JournalKeeper
from apps.api_keys.limits import Settlement, encode_settlement
from apps.core.scoping import all_tenants
from apps.usage.codec import encode_event
from apps.usage.journal import Journal, take_segments
from apps.usage.models import LedgerEntry, RequestLog
from apps.usage.stream import STREAM
from apps.usage.types import UsageEvent
from apps.usage.writer import UsageWriter
from tests.factories.people import make_tenant
from tests.factories.process import postgres_gone
from tests.factories.usage import drain, make_event, write

pytestmark = pytest.mark.django_db(transaction=True)

CHILD = """
import sys, time
from pathlib import Path
import django
django.setup()
from apps.usage.journal import Journal
journal = Journal(Path(sys.argv[1]))
for line in sys.stdin.buffer.read().splitlines():
    journal.append(line)
print("written", flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(settings: Any) -> Path:
    path: Path = settings.JOURNAL_DIR
    return path


@pytest.fixture
def keeper(folder: Path, monkeypatch: pytest.MonkeyPatch) -> JournalKeeper:
    # Every event is old enough to be settled again.
    monkeypatch.setattr(journal_keeper, "SETTLE_AGAIN_MS", -1)
    return JournalKeeper(folder)


def line_of(event: UsageEvent) -> bytes:
    budget = f"{event.tenant_id}:budget:{event.key_id}:202611"
    return encode_settlement(Settlement(event.event_id, budget, event.cost, encode_event(event)))


def leave(folder: Path, *lines: bytes) -> Path:
    """Leave a closed segment behind."""
    journal = Journal(folder)
    for line in lines:
        journal.append(line)
    journal.close()
    return max(folder.glob("*.journal"))


def rows() -> tuple[int, int]:
    with all_tenants("tests"):
        return RequestLog.objects.count(), LedgerEntry.objects.count()


def test_segment__whose_events_are_booked__is_deleted(keeper: JournalKeeper, folder: Path) -> None:
    event = make_event(make_tenant())
    path = leave(folder, line_of(event))
    write(event)
    keeper.tend()
    assert not path.exists()


def test_segment__that_redis_never_heard_of__is_settled_again_and_then_deleted(
    keeper: JournalKeeper, folder: Path, redis_client: redis.Redis
) -> None:
    events = [make_event(make_tenant()) for _ in range(3)]
    path = leave(folder, *(line_of(event) for event in events))
    keeper.tend()
    keeper.tend()
    assert path.exists()
    assert redis_client.xlen(STREAM) == 3
    drain(UsageWriter())
    keeper.tend()
    assert not path.exists()
    assert rows() == (3, 3)


def test_segment__of_young_events__is_left_for_the_writer(
    folder: Path, redis_client: redis.Redis
) -> None:
    path = leave(folder, line_of(make_event(make_tenant())))
    JournalKeeper(folder).tend()
    assert path.exists()
    assert redis_client.xlen(STREAM) == 0


def test_segment__with_a_torn_last_line__loses_nothing_before_it(
    keeper: JournalKeeper, folder: Path, redis_client: redis.Redis
) -> None:
    line = line_of(make_event(make_tenant()))
    path = leave(folder, line)
    path.write_bytes(path.read_bytes() + line[:40])
    keeper.tend()
    assert redis_client.xlen(STREAM) == 1


def test_segment__of_a_living_process__is_left_alone(keeper: JournalKeeper, folder: Path) -> None:
    journal = Journal(folder)
    event = make_event(make_tenant())
    journal.append(line_of(event))
    write(event)
    keeper.tend()
    assert len(list(folder.glob("*.journal"))) == 1
    journal.close()
    keeper.tend()
    assert list(folder.glob("*.journal")) == []


def test_segment__of_a_killed_process__is_taken_over_and_booked(
    keeper: JournalKeeper, folder: Path
) -> None:
    event = make_event(make_tenant(), cost=4_321)
    folder.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "router_project.settings.test"},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(line_of(event) + b"\n")
        child.stdin.close()
        assert child.stdout.readline() == b"written\n"
        keeper.tend()
        assert rows() == (0, 0)
        assert list(take_segments(folder)) == []
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    keeper.tend()
    drain(UsageWriter())
    with all_tenants("tests"):
        assert RequestLog.objects.get().cost == LedgerEntry.objects.get().cost == 4_321
    keeper.tend()
    assert list(folder.iterdir()) == []


def test_keeper__while_the_books_are_away__keeps_everything_and_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_keeper, "PERIOD_SECONDS", 0.02)
    event = make_event(make_tenant())
    path = leave(folder, line_of(event))
    write(event)
    keeper = JournalKeeper(folder)
    with postgres_gone():
        keeper.start()
        time.sleep(0.3)
        assert path.exists()
    deadline = time.monotonic() + 10
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    keeper.stop()
    keeper._thread.join(10)
    assert not path.exists()
