"""Facts as the log keeps them: what comes back decides as what went in."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.routing.engine.types import LocalTime, RequestFacts
from apps.routing.logged_facts import COLUMNS, facts_from, facts_record
from tests.engine.records import make_facts

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
PAIRS = st.dictionaries(TEXT, TEXT, max_size=3)
COUNT = st.integers(0, 2**53)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
CLOCK = st.builds(LocalTime, st.dates().map(str), st.integers(0, 1_439), st.integers(0, 6))
KINDS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: COUNT,
    int | None: st.none() | COUNT,
    float | None: st.none() | NUMBER,
    bool: st.booleans(),
    tuple[str, ...]: TEXTS,
    tuple[str, ...] | None: st.none() | TEXTS,
    LocalTime | None: st.none() | CLOCK,
}


def strategy_of(name: str, kind: Any) -> st.SearchStrategy[Any]:
    if name == "patterns":
        return st.dictionaries(TEXT, st.booleans(), max_size=4)
    return PAIRS if name in ("metadata", "headers") else KINDS[kind]


ANY_FACTS = st.builds(
    RequestFacts, **{item.name: strategy_of(item.name, item.type) for item in fields(RequestFacts)}
)


def columns_of(facts: RequestFacts) -> dict[str, str]:
    return {name: getattr(facts, name) for name in COLUMNS}


@pytest.mark.parametrize(
    "travel",
    [lambda record: orjson.loads(orjson.dumps(record)), lambda r: json.loads(json.dumps(r))],
)
@given(facts=ANY_FACTS)
def test_facts__logged_and_read_back__are_the_same(
    travel: Callable[[Any], Any], facts: RequestFacts
) -> None:
    assert facts_from(travel(facts_record(facts)), columns_of(facts)) == facts


def test_record__of_an_ordinary_request__is_small() -> None:
    record = facts_record(make_facts())
    assert set(record) == {"tenant", "prompt_tokens", "now_ms", "max_output_tokens"}


def test_record__leaves_out_what_columns_hold() -> None:
    facts = make_facts(conversation="conv_1", requested_model="fast")
    assert set(facts_record(facts)).isdisjoint(COLUMNS)
    assert facts_from(facts_record(facts), columns_of(facts)).conversation == "conv_1"


def test_record__of_a_later_version__is_read_without_what_is_not_known_here() -> None:
    facts = make_facts(language="pt")
    record = {**facts_record(facts), "mood": "good", "seed": "1", "health": "2"}
    assert facts_from(record, columns_of(facts)) == facts


def test_record__that_lacks_a_fact__says_that_it_is_not_known() -> None:
    facts = make_facts(language="pt", budget_left_percent=5.0, patterns={"p": False})
    record = facts_record(facts)
    for name in ("language", "budget_left_percent", "looked_for"):
        del record[name]
    read = facts_from(record, columns_of(facts))
    assert read == replace(facts, language="", budget_left_percent=None, patterns={})


def test_record__of_before_facts_were_logged__is_refused() -> None:
    with pytest.raises(KeyError):
        facts_from({}, columns_of(make_facts()))
