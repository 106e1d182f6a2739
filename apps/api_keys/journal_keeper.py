"""Keeps the journals: what the books hold is deleted, what Redis never heard of is settled again.

Runs in a thread of every process that settles, away from the requests.
"""

import threading
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from redis.exceptions import RedisError

from apps.api_keys.limits import Settlement, decode_settlement, settle_from_journal
from apps.core.clock import unix_ms
from apps.core.ids import unix_milliseconds
from apps.core.scoping import all_tenants
from apps.usage.journal import Segment, process_journal, take_segments
from apps.usage.ledger import written_ids

PERIOD_SECONDS = 10.0
# Younger events are probably on the stream, about to be written.
SETTLE_AGAIN_MS = 60_000

log = structlog.get_logger(__name__)


class JournalKeeper:
    """Tends the segments of this machine until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def tend(self) -> None:
        """Look at every closed segment once; raises when Redis or the data base is away."""
        process_journal().rotate()
        for segment in take_segments(self._folder):
            self._tend_segment(segment)

    def _tend_segment(self, segment: Segment) -> None:
        settlements = _settlements(segment)
        with all_tenants("journal keeper"):
            written = written_ids([item.request_id for item in settlements])
        missing = [item for item in settlements if item.request_id not in written]
        if not missing:
            segment.delete()
            return
        for settlement in missing:
            if _age_ms(settlement.request_id) > SETTLE_AGAIN_MS:
                settle_from_journal(settlement)

    def _run(self) -> None:
        while not self._stopped.wait(PERIOD_SECONDS):
            try:
                self.tend()
            except (RedisError, DatabaseError, InterfaceError, OSError) as error:
                log.warning("journal.keeper_waits", error=str(error))
            finally:
                connection.close()


def start_keeper() -> JournalKeeper:
    """Start the keeper of this process."""
    keeper = JournalKeeper(settings.JOURNAL_DIR)
    keeper.start()
    return keeper


def _settlements(segment: Segment) -> list[Settlement]:
    found = []
    for line in segment.lines():
        try:
            found.append(decode_settlement(line))
        except (ValueError, KeyError, TypeError):
            log.exception("journal.line_unreadable", length=len(line))
    return found


def _age_ms(request_id: UUID) -> int:
    return unix_ms() - unix_milliseconds(request_id)
