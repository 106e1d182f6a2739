"""Between facts, one object per request, and columns."""

from collections.abc import Iterable, Sequence
from typing import Any

from apps.routing.backtest.columns import (
    DAY,
    DEFAULTS,
    HOLDS,
    MAPPINGS,
    MINUTE,
    REQUEST_ID,
    SEED,
    TAG,
    UNDECIDABLE,
    Columns,
    columns_of,
)
from apps.routing.engine.fields import HEADER, METADATA
from apps.routing.engine.types import LocalTime, RequestFacts


def columns_of_facts(facts: Sequence[RequestFacts], seeds: Iterable[str] | None = None) -> Columns:
    """Return the facts as columns."""
    names = [*DEFAULTS, REQUEST_ID, "local_time"]
    values: dict[str, Any] = {name: [getattr(item, name) for item in facts] for name in names}
    for attribute, prefix in MAPPINGS.items():
        mappings = [getattr(item, attribute) for item in facts]
        for key in dict.fromkeys(key for mapping in mappings for key in mapping):
            values[prefix + key] = [mapping.get(key) for mapping in mappings]
    if seeds is not None:
        values[SEED] = seeds
    return columns_of(len(facts), values)


def facts_at(columns: Columns, row: int) -> RequestFacts:
    """Return one row as the facts that the engine decides upon."""
    words = {
        name: column.vocabulary[column.codes[row]]
        for name, column in columns.words.items()
        if column.vocabulary[column.codes[row]] is not None
    }
    minute, day = words.pop(MINUTE, None), words.pop(DAY, None)
    del words[TAG]
    values: dict[str, Any] = {name: words.pop(name) for name in DEFAULTS.keys() & words.keys()}
    for name, (numbers, known) in columns.numbers.items():
        values[name] = None if known is not None and not known[row] else numbers[row].item()
    for attribute, prefix in (("metadata", METADATA), ("headers", HEADER)):
        found = {key: word for key, word in words.items() if key.startswith(prefix)}
        values[attribute] = {key.removeprefix(prefix): word for key, word in found.items()}
    verdicts = {key: int(column[row]) for key, column in columns.patterns.items()}
    values["patterns"] = {
        key: verdict == HOLDS for key, verdict in verdicts.items() if verdict != UNDECIDABLE
    }
    local_time = None if day is None else LocalTime(day[0], minute, day[1])
    return RequestFacts(**values, request_id=columns.request_ids.text(row), local_time=local_time)
