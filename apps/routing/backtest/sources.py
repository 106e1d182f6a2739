"""What the fields of conditions see in columns: one value per distinct word, read by the engine."""

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from apps.routing.backtest.columns import DAY, MINUTE, TAG, Columns
from apps.routing.engine.compile_conditions import Calendars
from apps.routing.engine.fields import HEADER, METADATA, Field, field_named
from apps.routing.engine.operators import Matcher
from apps.routing.engine.types import Clause, LocalTime


class Source(NamedTuple):
    """Where a field's values are: the column, and a value as facts that the field can read."""

    column: str
    facts_of: Callable[[Any], Any]


def _attribute(name: str) -> Source:
    return Source(name, lambda word: SimpleNamespace(**{name: word}))


def _entry(column: str, attribute: str, key: str) -> Source:
    def facts_of(word: str | None) -> Any:
        return SimpleNamespace(**{attribute: {} if word is None else {key: word}})

    return Source(column, facts_of)


def _on_day(day: tuple[str, int] | None) -> Any:
    return SimpleNamespace(local_time=day and LocalTime(day[0], 0, day[1]))


def _at_minute(minute: int | None) -> Any:
    return SimpleNamespace(local_time=None if minute is None else LocalTime("", minute, 0))


def _with_tags(word: tuple[tuple[str, ...], tuple[str, ...]]) -> Any:
    return SimpleNamespace(tags=word[0], key_tags=word[1])


# A field that is not here is an attribute of the facts with its own name.
SOURCES: Mapping[str, Source] = {
    "api_key": _attribute("key_id"),
    "key_tag": _attribute("key_tags"),
    "tag": Source(TAG, _with_tags),
    "in_conversation": _attribute("conversation"),
    "time_of_day": Source(MINUTE, _at_minute),
    "weekday": Source(DAY, _on_day),
    "date": Source(DAY, _on_day),
    "holiday": Source(DAY, _on_day),
    "provider_down": _attribute("providers_down"),
    "provider_degraded": _attribute("providers_degraded"),
    "share_of_conversations": _attribute("conversation"),
    "share_of_users": _attribute("user"),
}


def source_of(field: str) -> Source:
    """Return where a field's values are."""
    if field.startswith(METADATA):
        return _entry(field, "metadata", field.removeprefix(METADATA))
    if field.startswith(HEADER):
        return _entry(field.lower(), "headers", field.removeprefix(HEADER).lower())
    return SOURCES.get(field) or _attribute(field)


class Reader:
    """Reads fields in columns; `calendars` are those that the rules were compiled with."""

    def __init__(self, columns: Columns, calendars: Calendars) -> None:
        self.columns = columns
        self._calendars = calendars
        self._seen: dict[str, list[Any]] = {}

    def seen(self, name: str) -> list[Any]:
        """Return what a field sees in each word of its column; None where it sees nothing."""
        if name not in self._seen:
            column = self.columns.words.get(source_of(name).column)
            self._seen[name] = self.read(name, column.vocabulary if column else [None])
        return self._seen[name]

    def read(self, name: str, words: Iterable[Any]) -> list[Any]:
        """Return what a field sees in these words."""
        facts_of, read = source_of(name).facts_of, named_field(name).read
        return [read(facts_of(word)) for word in words]

    def matcher(self, clause: Clause) -> Matcher:
        """Return the engine's own operator of a clause."""
        field = named_field(clause.field)
        value: Any = clause.value
        if field.kind == "calendar":
            names = value if isinstance(value, tuple) else (value,)
            value = tuple(date for name in names for date in self._calendars[name])
        return field.operators[clause.operator](value)


def named_field(name: str) -> Field:
    """Return a field that a compiled clause names; raises KeyError."""
    field = field_named(name)
    if field is None:
        raise KeyError(name)
    return field
