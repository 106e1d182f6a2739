"""Remembers what a run has started, so that `make down` or the next run can end it."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from router_project.local.console import Refusal, say

STOP_SECONDS = 30.0
POLL_SECONDS = 0.1
PROCESSES = Path("/proc")
# Counted from behind the name, as proc(5) numbers them from 3.
STATE_FIELD = 0
START_FIELD = 19


@dataclass(frozen=True, slots=True)
class Started:
    """A process, told apart from a later one with the same number by when it started."""

    pid: int
    name: str
    started: str


class RunFile:
    """`var/run.json`, held by one run of this checkout at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "run.json"
        self._lock_path = folder / "run.lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the checkout; raises Refusal when another run holds it."""
        with self._lock_path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Refusal("This checkout is already running: `make down` ends it.") from error
            try:
                yield
            finally:
                self._path.unlink(missing_ok=True)

    def remember(self, pid: int, name: str) -> None:
        """Add a process to the list."""
        entries = [*self._read(), Started(pid, name, start_of(pid))]
        rows = [[entry.pid, entry.name, entry.started] for entry in entries]
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(rows), encoding="utf-8")
        partial.rename(self._path)

    def end_leftovers(self) -> int:
        """Kill the groups of a run that was itself killed; returns how many were left."""
        left = [entry for entry in self._read() if _is_running(entry)]
        for entry in reversed(left):
            self._end(entry, signal.SIGTERM if entry.name != "postgres" else signal.SIGINT)
        self._path.unlink(missing_ok=True)
        return len(left)

    def end_run(self) -> bool:
        """Ask the running supervisor to end, wait for it, then clean up; False if none ran."""
        supervisor = next((e for e in self._read() if e.name == "supervisor"), None)
        if supervisor is not None and _is_running(supervisor):
            os.kill(supervisor.pid, signal.SIGTERM)
            if _waited_for(supervisor):
                return True
            say("the run did not end in time: killed")
            os.kill(supervisor.pid, signal.SIGKILL)
        return self.end_leftovers() > 0

    def _end(self, entry: Started, number: signal.Signals) -> None:
        _send(entry, number)
        if not _waited_for(entry):
            _send(entry, signal.SIGKILL)

    def _read(self) -> list[Started]:
        if not self._path.exists():
            return []
        rows = json.loads(self._path.read_text(encoding="utf-8"))
        return [Started(int(pid), str(name), str(started)) for pid, name, started in rows]


def start_of(pid: int) -> str:
    """Return when a process started, empty when it is gone or waits to be buried."""
    if (PROCESSES / "self" / "stat").exists():
        return _start_on_linux(pid)
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 - the system's own ps
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    state, _, started = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _start_on_linux(pid: int) -> str:
    try:
        text = (PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The program's name stands in brackets and may hold anything, so the fields count from its end.
    fields = text.rpartition(")")[2].split()
    return "" if fields[STATE_FIELD] == "Z" else fields[START_FIELD]


def _send(entry: Started, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(entry.pid, number)


def _is_running(entry: Started) -> bool:
    return bool(entry.started) and start_of(entry.pid) == entry.started


def _waited_for(entry: Started) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if not _is_running(entry):
            return True
        time.sleep(POLL_SECONDS)
    return False
