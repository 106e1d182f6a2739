"""The local journal: every settlement is appended here before Redis hears of it.

One segment file per process at a time, locked while its process lives; a segment whose lock is free
was left by a process that is gone, and whoever finds it takes it over. What is written survives the
death of the process (not of the machine: nothing is forced to the disk).
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from apps.core.clock import monotonic_seconds
from apps.core.ids import new_id

SEGMENT_SECONDS = 30.0
SEGMENT_BYTES = 8 * 1024 * 1024
SUFFIX = ".journal"


class Journal:
    """Appends lines to this process's segment; a new one begins after a while."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._opened_at = 0.0
        self._lock = threading.Lock()

    def append(self, line: bytes) -> None:
        """Write one line (no newline inside); raises OSError when the disk refuses."""
        with self._lock:
            file = self._segment()
            file.write(line + b"\n")
            file.flush()

    def rotate(self) -> None:
        """Close the segment when it is old, so that it can be checked and deleted."""
        with self._lock:
            if self._file is not None and self._is_full(self._file):
                self._close(self._file)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._close(self._file)

    def _segment(self) -> IO[bytes]:
        if self._file is not None and self._is_full(self._file):
            self._close(self._file)
        if self._file is None:
            self._file = self._open()
        return self._file

    def _open(self) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{new_id().hex}-{os.getpid()}{SUFFIX}"
        # Locked before it has its name: nobody may find it free and take it for abandoned.
        nameless = path.with_suffix(".new")
        file = nameless.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        nameless.rename(path)
        self._opened_at = monotonic_seconds()
        return file

    def _is_full(self, file: IO[bytes]) -> bool:
        is_old = monotonic_seconds() - self._opened_at > SEGMENT_SECONDS
        return is_old or file.tell() > SEGMENT_BYTES

    def _close(self, file: IO[bytes]) -> None:
        file.close()
        self._file = None


class Segment:
    """A closed or abandoned segment, held by us until the block ends."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file

    def lines(self) -> list[bytes]:
        """Return the whole lines; a torn last one was never answered for."""
        self._file.seek(0)
        return [line[:-1] for line in self._file if line.endswith(b"\n")]

    def delete(self) -> None:
        self._path.unlink(missing_ok=True)


@contextmanager
def _taken(path: Path) -> Iterator[Segment | None]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield Segment(path, file)


def take_segments(folder: Path) -> Iterator[Segment]:
    """Yield every segment that no living process writes to, one at a time."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with _taken(path) as segment:
            if segment is not None:
                yield segment


def read_all(folder: Path) -> Iterator[bytes]:
    """Yield the lines of every segment on this machine, written to or not."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        yield from (line for line in data.split(b"\n")[:-1] if line)


_journals: dict[int, Journal] = {}


def process_journal() -> Journal:
    """Return the journal of this process; a forked child opens its own."""
    journal = _journals.get(os.getpid())
    if journal is None:
        _journals.clear()
        journal = _journals[os.getpid()] = Journal(settings.JOURNAL_DIR)
    return journal
