"""Columns straight from the log's records, without an object per request in between."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.routing.backtest.columns import DEFAULTS, MAPPINGS, PATTERN, SEED, Columns, columns_of
from apps.routing.engine.types import LocalTime
from apps.routing.logged_facts import ALWAYS, COLUMNS, FOUND, LOOKED_FOR, USUAL

type Record = Mapping[str, Any]


def columns_of_records(
    records: Sequence[Record],
    columns: Mapping[str, Iterable[str]],
    seeds: Iterable[str] | None = None,
) -> Columns:
    """Return what `logged_facts.facts_record` wrote, as columns.

    `columns` has those of the log itself, by the names in `logged_facts.COLUMNS`. Raises KeyError
    for a request of before facts were logged.
    """
    values: dict[str, Any] = {name: columns[name] for name in COLUMNS}
    values |= {name: [record[name] for record in records] for name in ALWAYS}
    logged = {name for record in records for name in record}
    for name in (DEFAULTS.keys() & logged | USUAL.keys()) - values.keys():
        usual = USUAL[name] if name in USUAL else DEFAULTS[name]
        values[name] = [record.get(name, usual) for record in records]
    if "local_time" in logged:
        moments = (record.get("local_time") for record in records)
        values["local_time"] = [None if at is None else LocalTime(*at) for at in moments]
    for attribute in MAPPINGS.keys() & logged - {FOUND}:
        values |= _entries([record.get(attribute, {}) for record in records], MAPPINGS[attribute])
    values |= _entries(list(map(_patterns, records)), PATTERN)
    if seeds is not None:
        values[SEED] = seeds
    return columns_of(len(records), values)


def _entries(mappings: Sequence[Record], prefix: str) -> dict[str, list[Any]]:
    """Return a column per key that occurs in any of the mappings."""
    keys = dict.fromkeys(key for mapping in mappings for key in mapping)
    return {prefix + key: [mapping.get(key) for mapping in mappings] for key in keys}


def _patterns(record: Record) -> dict[str, bool]:
    found = frozenset(record.get(FOUND, ()))
    return {id_: id_ in found for id_ in record.get(LOOKED_FOR, ())}
