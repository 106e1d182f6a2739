"""Columns from the log's records are those of the facts that were logged."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.backtest.facts import facts_at
from apps.routing.backtest.logged import columns_of_records
from apps.routing.engine.types import RequestFacts
from apps.routing.logged_facts import COLUMNS, facts_from, facts_record
from tests.engine.records import make_facts
from tests.routing.backtest.random_rules import random_facts


def logged(facts: list[RequestFacts]) -> tuple[list[Any], dict[str, list[str]]]:
    """Return what the log holds of these requests, after a journey through JSON."""
    records = [json.loads(json.dumps(facts_record(item))) for item in facts]
    return records, {name: [getattr(item, name) for item in facts] for name in COLUMNS}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_columns__of_the_records_of_any_requests__hold_the_logged_facts(seed: int) -> None:
    rng = Random(seed)
    facts = [random_facts(rng, number) for number in range(5)]
    records, columns = logged(facts)
    found = columns_of_records(records, columns)
    assert [facts_at(found, row) for row in range(5)] == [
        facts_from(record, {name: columns[name][row] for name in COLUMNS})
        for row, record in enumerate(records)
    ]


def test_columns__of_records_with_nothing_unusual__hold_what_is_usual() -> None:
    facts = [make_facts(max_output_tokens=None), make_facts(max_output_tokens=None)]
    found = columns_of_records(*logged(facts), seeds=["a", "b"])
    assert [facts_at(found, row) for row in range(2)] == facts
    assert [found.seeds.text(row) for row in range(2)] == ["a", "b"]


def test_columns__of_a_request_from_before_facts_were_logged__are_refused() -> None:
    records, columns = logged([make_facts()])
    del records[0]["now_ms"]
    with pytest.raises(KeyError, match="now_ms"):
        columns_of_records(records, columns)
