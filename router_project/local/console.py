"""What the person at the terminal reads: numbered steps, and refusals in one line."""

import sys
import threading

_printing = threading.Lock()


class Refusal(Exception):
    """A fault that is told in one line, with the remedy in it."""


class Steps:
    """Prints `[3/7] what happens now` as the work goes on."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def begin(self, text: str) -> None:
        self._done += 1
        say(f"[{self._done}/{self._total}] {text}")


def say(text: str) -> None:
    """Print one line; lines of several threads never mix."""
    with _printing:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def complain(text: str) -> None:
    with _printing:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
