"""What the person at the terminal reads: numbered steps, and refusals in one line."""

import sys
import threading
from contextlib import suppress
from typing import TextIO

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
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """Print one line where errors go."""
    _write(sys.stderr, text)


def _write(output: TextIO, text: str) -> None:
    encoding = output.encoding or "utf-8"
    shown = text.encode(encoding, errors="replace").decode(encoding)
    # A terminal that was closed must not keep us from stopping what we have started.
    with _printing, suppress(OSError):
        output.write(f"{shown}\n")
        output.flush()
