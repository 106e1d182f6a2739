"""The facts of a request as the log keeps them, and back: what replays and back-tests decide on.

A record leaves out what a column of the log holds already and what has its usual value. Texts that
rules looked for are kept as their ids, never as what the caller wrote.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from apps.routing.engine.types import LocalTime, RequestFacts

# Facts that the log holds in columns of their own.
COLUMNS = ("request_id", "project", "key_id", "door", "requested_model", "conversation")
ALWAYS = ("tenant", "prompt_tokens", "now_ms")
# What most requests have, of facts that have no default.
USUAL: Mapping[str, Any] = {
    "key_tags": (),
    "tags": (),
    "max_output_tokens": None,
    "needs": (),
    "allowed_models": (),
}
FOUND, LOOKED_FOR = "patterns", "looked_for"


def facts_record(facts: RequestFacts) -> dict[str, Any]:
    """Return the facts as plain JSON."""
    record = {name: getattr(facts, name) for name in ALWAYS}
    for name, usual in _USUAL.items():
        value = getattr(facts, name)
        if value != usual:
            record[name] = _plain(value)
    if facts.patterns:
        record[LOOKED_FOR] = list(facts.patterns)
        record[FOUND] = [id_ for id_, is_there in facts.patterns.items() if is_there]
    return record


def facts_from(record: Mapping[str, Any], columns: Mapping[str, str]) -> RequestFacts:
    """Return the facts of a logged request; `columns` has the names in COLUMNS.

    A fact that was not logged is not known: a clause that reads it cannot be decided. Raises
    KeyError for a request of before facts were logged.
    """
    found = frozenset(record.get(FOUND, ()))
    values: dict[str, Any] = {
        **USUAL,
        **{name: columns[name] for name in COLUMNS},
        **{name: record[name] for name in ALWAYS},
        **{name: _frozen(name, record[name]) for name in _USUAL if name in record},
        "patterns": {id_: id_ in found for id_ in record.get(LOOKED_FOR, ())},
    }
    return RequestFacts(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _frozen(name: str, value: Any) -> Any:
    if name == "local_time":
        return LocalTime(*value)
    return tuple(value) if isinstance(value, list) else value


def _usual(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return USUAL[field.name] if field.default is MISSING else field.default


_USUAL: Mapping[str, Any] = {
    field.name: _usual(field)
    for field in fields(RequestFacts)
    if field.name not in (*COLUMNS, *ALWAYS, "patterns")
}
