"""The filters of prompt templates and the meter that bounds what a rendering produces. Pure.

Ours rather than minijinja's where the work grows with the value: one filter on a long text counts
as a single step of fuel.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import minijinja

MAX_OUTPUT_CHARS = 262_144
MAX_FILTERED_CHARS = 4_194_304


class LimitPassed(Exception):
    """The template produced or worked through more than one rendering may."""


class ListNeeded(Exception):
    """A filter that works on a list met something else."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.filter_name = name


class _Meter(threading.local):
    """What one rendering of this thread may still put out, and work through in filters."""

    output = 0
    work = 0

    def reset(self) -> None:
        self.output = MAX_OUTPUT_CHARS
        self.work = MAX_FILTERED_CHARS

    def charge_output(self, chars: int) -> None:
        self.output -= chars
        if self.output < 0:
            raise LimitPassed

    def charge_work(self, chars: int) -> None:
        self.work -= chars
        if self.work < 0:
            raise LimitPassed


meter = _Meter()


def count_output(value: Any) -> Any:
    """Meter each value that a template puts out (minijinja's finalizer)."""
    meter.charge_output(len(value if isinstance(value, str) else str(value)))
    return value


def install(environment: minijinja.Environment) -> None:
    """Put the metered filters in place of minijinja's own."""
    for name, change in _TEXT_FILTERS.items():
        environment.add_filter(name, _on_text(change))
    for name, arrange in _LIST_FILTERS.items():
        environment.add_filter(name, _on_list(name, arrange))
    environment.add_filter("join", _join)
    environment.add_filter("tojson", _to_json)


def _on_text(change: Callable[[str], str]) -> Callable[[Any], str]:
    def apply(value: Any) -> str:
        text = str(value)
        meter.charge_work(len(text))
        return change(text)

    return apply


def _on_list(name: str, arrange: Callable[[list[Any]], list[Any]]) -> Callable[[Any], list[Any]]:
    def apply(value: Any) -> list[Any]:
        meter.charge_work(len(str(_as_list(value, name))))
        return arrange(value)

    return apply


def _join(value: Any, separator: Any = "") -> str:
    text = str(separator).join(str(item) for item in _as_list(value, "join"))
    meter.charge_work(len(text))
    return text


def _to_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    meter.charge_work(len(text))
    return text


def _as_list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ListNeeded(name)
    return value


def _sorted(items: list[Any]) -> list[Any]:
    # Texts and numbers do not compare with each other: numbers come first.
    return sorted(items, key=lambda item: (isinstance(item, str), item))


_TEXT_FILTERS: dict[str, Callable[[str], str]] = {
    "capitalize": str.capitalize,
    "lower": str.lower,
    "title": str.title,
    "trim": str.strip,
    "upper": str.upper,
}
_LIST_FILTERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "reverse": lambda items: items[::-1],
    "sort": _sorted,
    "unique": lambda items: list(dict.fromkeys(items)),
}
