"""The Redis stream of usage events, read by a consumer group of writers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import ResponseError

STREAM = "router:usage"
REJECTED = "router:usage:rejected"
GROUP = "writers"
FIELD = b"event"
BATCH = 500
# An event that a dead writer had read is taken over after this.
ABANDONED_MS = 30_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One event on the stream."""

    id: bytes
    data: bytes


class UsageStream:
    """Reads and acknowledges, for one writer."""

    def __init__(self, client: redis.Redis, consumer: str) -> None:
        self._client = client
        self._consumer = consumer

    def prepare(self) -> None:
        """Create the group (again, when Redis was emptied)."""
        try:
            self._client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def read(self, block_ms: int) -> list[Entry]:
        """Return what dead writers left, else new entries, for which it waits `block_ms`."""
        try:
            return self._abandoned() or self._new(block_ms)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self.prepare()
            return []

    def confirm(self, entries: Sequence[Entry]) -> None:
        """The entries are in the books: take them off the stream."""
        ids = [entry.id for entry in entries]
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xack(STREAM, GROUP, *ids)
            pipe.xdel(STREAM, *ids)
            pipe.execute()

    def reject(self, entry: Entry, reason: str) -> None:
        """Put an entry that can never be written aside, for a person to look at."""
        self._client.xadd(REJECTED, {FIELD: entry.data, b"reason": reason.encode()})
        self.confirm([entry])

    def _abandoned(self) -> list[Entry]:
        reply: Any = self._client.xautoclaim(
            STREAM, GROUP, self._consumer, min_idle_time=ABANDONED_MS, count=BATCH
        )
        return _entries(reply[1])

    def _new(self, block_ms: int) -> list[Entry]:
        reply: Any = self._client.xreadgroup(
            GROUP, self._consumer, {STREAM: ">"}, count=BATCH, block=block_ms
        )
        return [entry for _name, items in reply or [] for entry in _entries(items)]


def _entries(items: list[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    return [Entry(id_, fields[FIELD]) for id_, fields in items if fields]
