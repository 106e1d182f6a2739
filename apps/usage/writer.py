"""The usage writer: moves events from the stream to the books, in batches, each exactly once."""

import os
import socket
import threading

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.db.utils import DataError, IntegrityError
from redis.exceptions import RedisError

from apps.core.redis import control_redis
from apps.core.scoping import all_tenants
from apps.usage.codec import MalformedEvent, decode_event
from apps.usage.ledger import write_events
from apps.usage.stream import Entry, UsageStream
from apps.usage.types import UsageEvent

BLOCK_MS = 500
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class UsageWriter:
    """Runs until told to stop; waits out an absent Redis or Postgres, losing nothing."""

    def __init__(self) -> None:
        consumer = f"{socket.gethostname()}:{os.getpid()}"
        self._stream = UsageStream(control_redis(), consumer)
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Write until stopped."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            try:
                self.run_once(BLOCK_MS)
                pause = FIRST_PAUSE_SECONDS
            except (RedisError, OperationalError, InterfaceError) as error:
                log.warning("usage.writer_waits", error=str(error), seconds=pause)
                connection.close()
                self._stopped.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def run_once(self, block_ms: int) -> int:
        """Write what is there; returns how many events were taken off the stream."""
        entries = self._stream.read(block_ms)
        if entries:
            self._write(entries)
        return len(entries)

    def _write(self, entries: list[Entry]) -> None:
        events, bad = _decoded(entries)
        for entry, reason in bad:
            self._reject(entry, reason)
        good = [entry for entry, _event in events]
        if not good:
            return
        try:
            with all_tenants("usage writer"):
                write_events([event for _entry, event in events])
        except (IntegrityError, DataError) as error:
            if len(good) == 1:
                self._reject(good[0], str(error))
                return
            # One bad event must not hold up its neighbours.
            for entry in good:
                self._write([entry])
            return
        self._stream.confirm(good)

    def _reject(self, entry: Entry, reason: str) -> None:
        log.error("usage.event_rejected", reason=reason, entry=entry.id.decode())
        self._stream.reject(entry, reason)


def _decoded(
    entries: list[Entry],
) -> tuple[list[tuple[Entry, UsageEvent]], list[tuple[Entry, str]]]:
    good: list[tuple[Entry, UsageEvent]] = []
    bad: list[tuple[Entry, str]] = []
    for entry in entries:
        try:
            good.append((entry, decode_event(entry.data)))
        except MalformedEvent as error:
            bad.append((entry, str(error)))
    return good, bad
