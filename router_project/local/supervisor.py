"""Keeps a set of processes alive, and ends all of them together."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from router_project.local.console import Refusal, say
from router_project.local.places import CHECKOUT, Account

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.1
LAST_LINES = 15
# A program that dies this often within the window is not going to live.
DEATHS_ALLOWED = 3
DEATH_WINDOW_SECONDS = 60.0
RESTART_PAUSE_SECONDS = 1.0


class ProgramDied(Refusal):
    """A program ended that should have lived; the message holds its last lines."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to end it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    # A server that dies takes its state's consistency with it; it is never silently restarted.
    may_restart: bool = True
    is_quiet: bool = False


class Child:
    """One running program in its own process group, its output read line by line."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        self.deaths: deque[float] = deque(maxlen=DEATHS_ALLOWED)
        self.process = self._start()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def restart(self) -> None:
        self._kill_group(signal.SIGKILL)
        self._reader.join(timeout=1)
        self.process = self._start()

    def ask_to_stop(self) -> None:
        if self.is_alive:
            self.process.send_signal(self.program.stop_signal)

    def finish(self) -> None:
        """Wait until the output of a process that has ended is read."""
        self._reader.join(timeout=1)

    def kill(self) -> None:
        """End what is left of the group, also grandchildren whose parent is gone."""
        self._kill_group(signal.SIGKILL)
        self.process.wait()
        self._reader.join(timeout=1)

    def last_lines(self) -> str:
        return "\n".join(f"    {line}" for line in self.lines)

    def _start(self) -> "subprocess.Popen[str]":
        account = self.program.account
        process = subprocess.Popen(
            list(self.program.command),
            cwd="/" if account else CHECKOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if process.stdout is None:
            raise AssertionError("stdout is a pipe")
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()
        return process

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in output:
                text = line.rstrip()
                self.lines.append(text)
                if not self.program.is_quiet:
                    say(f"{self.program.name:<9}| {text}")

    def _kill_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


class Supervisor:
    """Starts programs in order, watches them, stops them in the opposite order."""

    def __init__(self, on_start: Callable[[int, str], None] | None = None) -> None:
        self.children: list[Child] = []
        self._on_start = on_start
        self._stop = threading.Event()

    def listen_to_signals(self) -> None:
        """Let Ctrl-C, `make down` and a closed terminal end the whole."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())

    def start(self, program: Program) -> Child:
        child = Child(program)
        self.children.append(child)
        self._announce(child)
        return child

    def wait_until(self, is_ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Wait for a condition; raises Refusal when a child dies, time runs out or we must stop."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise Refusal(f"{what} is not ready after {seconds:.0f} s.{self._recent_lines()}")
            self.pause()

    def pause(self) -> None:
        """Wait a moment; raises KeyboardInterrupt when asked to stop."""
        if self._stop.wait(POLL_SECONDS):
            raise KeyboardInterrupt

    def watch(self) -> None:
        """Return when asked to stop; raises ProgramDied when a program keeps dying."""
        while not self._stop.wait(POLL_SECONDS):
            self.check()

    def check(self) -> None:
        """Restart what died, or raise ProgramDied."""
        for child in self.children:
            if not child.is_alive:
                self._revive(child)

    def stop_all(self) -> None:
        """Ask every program to end, newest first; kill the groups that outlive the grace time."""
        # Servers were started first and must outlive those that write to them.
        for generation in (self._of(restartable=True), self._of(restartable=False)):
            for child in generation:
                child.ask_to_stop()
            deadline = time.monotonic() + GRACE_SECONDS
            while any(child.is_alive for child in generation) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            for child in generation:
                if child.is_alive:
                    say(f"{child.program.name} did not end within {GRACE_SECONDS:.0f} s: killed")
                child.kill()

    def _of(self, *, restartable: bool) -> list[Child]:
        return [c for c in reversed(self.children) if c.program.may_restart is restartable]

    def _revive(self, child: Child) -> None:
        now = time.monotonic()
        child.deaths.append(now)
        died_often = len(child.deaths) == DEATHS_ALLOWED
        status = child.process.returncode
        if not child.program.may_restart or (
            died_often and now - child.deaths[0] < DEATH_WINDOW_SECONDS
        ):
            raise ProgramDied(
                f"{child.program.name} ended with status {status}. Its last lines:\n"
                f"{child.last_lines()}"
            )
        say(f"{child.program.name} ended with status {status}: started again")
        self._stop.wait(RESTART_PAUSE_SECONDS)
        child.restart()
        self._announce(child)

    def _announce(self, child: Child) -> None:
        if self._on_start is not None:
            self._on_start(child.process.pid, child.program.name)

    def _recent_lines(self) -> str:
        lines = self.children[-1].last_lines() if self.children else ""
        return f" Last lines:\n{lines}" if lines else ""
