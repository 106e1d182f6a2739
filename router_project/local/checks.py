"""Runs a list of checks to the end, whatever fails, and tells the outcome in a table."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from router_project.local.console import say
from router_project.local.places import CHECKOUT

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Check:
    """One command of the sequence."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    # Statuses beside 0 that are no failure.
    accepted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended."""

    check: Check
    status: int
    seconds: float
    last_line: str

    @property
    def is_good(self) -> bool:
        return self.status == 0 or self.status in self.check.accepted


def run_checks(checks: Sequence[Check], environment: Mapping[str, str]) -> int:
    """Run all, print the table, return the status of the whole."""
    outcomes: list[Outcome] = []
    for number, check in enumerate(checks, start=1):
        say(f"\n[{number}/{len(checks)}] {check.name}: {_shown(check.command)}")
        outcome = _run(check, {**environment, **check.environment})
        outcomes.append(outcome)
        if outcome.status == -signal.SIGINT:
            return INTERRUPTED
    _tell(outcomes)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def _run(check: Check, environment: Mapping[str, str]) -> Outcome:
    begin = time.monotonic()
    last_line = ""
    with subprocess.Popen(
        list(check.command),
        cwd=CHECKOUT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            text = line.rstrip()
            say(text)
            last_line = text or last_line
    return Outcome(check, process.returncode, time.monotonic() - begin, last_line)


def _shown(command: Sequence[str]) -> str:
    words = [os.path.relpath(word, CHECKOUT) if word.startswith("/") else word for word in command]
    text = " ".join(words)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _tell(outcomes: Sequence[Outcome]) -> None:
    width = max(len(outcome.check.name) for outcome in outcomes)
    say("\nSummary")
    for outcome in outcomes:
        verdict = "ok" if outcome.is_good else "FAILED"
        say(
            f"  {outcome.check.name:<{width}}  {verdict:<6}  {outcome.seconds:6.1f} s"
            f"  {outcome.last_line.strip('= ')[:90]}"
        )
    failed = [outcome.check.name for outcome in outcomes if not outcome.is_good]
    say(f"\n{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}" if failed else "\nall ok")
