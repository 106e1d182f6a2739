"""Every field and operator over columns says what the engine says of each request."""

from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.backtest.columns import FAILS, HOLDS, UNDECIDABLE
from apps.routing.backtest.conditions import TreeMaker
from apps.routing.backtest.facts import columns_of_facts
from apps.routing.backtest.rows import Rows, TagBook
from apps.routing.backtest.sources import Reader, named_field
from apps.routing.engine.compile_conditions import compile_condition
from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.fields import FIELDS
from apps.routing.engine.types import Finding, RequestFacts
from tests.engine.records import Records, make_facts
from tests.routing.backtest.random_rules import (
    CALENDARS,
    NAMES,
    random_clause,
    random_facts,
    random_tree,
)

SALT = "rule-1"
EVERY_OPERATOR = [
    (name, operator) for name in NAMES for operator in sorted(named_field(name).operators)
]


def column_verdicts(tree: Records, facts: list[RequestFacts]) -> tuple[list[int], Counter[Any]]:
    """Return the verdict per request, and the clauses to blame for what cannot be decided."""
    compiled = compile_condition(tree, calendars=CALENDARS, rule_id=SALT)
    columns = columns_of_facts(facts)
    made = TreeMaker(Reader(columns, CALENDARS), SALT).tree(compiled.tree)
    rows = Rows.of(columns, TagBook(columns), 0, len(facts))
    verdicts, counts = made.verdicts(rows), Counter[int]()
    made.blame(rows.take(np.flatnonzero(verdicts == UNDECIDABLE)), counts)
    blamed = Counter[Any]()
    for number, clause in enumerate(clauses_of(compiled.tree)):
        blamed[clause.field, clause.operator, clause.shown] += counts[number]
    return verdicts.tolist(), +blamed


def engine_verdicts(tree: Records, facts: list[RequestFacts]) -> tuple[list[int], Counter[Any]]:
    compiled = compile_condition(tree, calendars=CALENDARS, rule_id=SALT)
    findings = [compiled.test(item) for item in facts]
    steps = [item.step for item in findings if item.is_undecidable]
    words = ("field", "operator", "expected")
    blamed = Counter[Any](tuple(step.numbers[word] for word in words) for step in steps if step)
    return [_verdict(item) for item in findings], blamed


def _verdict(finding: Finding) -> int:
    if finding.is_undecidable:
        return UNDECIDABLE
    return HOLDS if finding.holds else FAILS


def test_fields__that_are_tested_here__are_all_there_are() -> None:
    assert {name for name, _ in EVERY_OPERATOR} >= FIELDS.keys()
    assert {name.partition(".")[0] for name in NAMES if "." in name} == {"metadata", "header"}


def test_field__that_nobody_knows__is_no_source() -> None:
    with pytest.raises(KeyError, match="nobody"):
        named_field("nobody")


@pytest.mark.parametrize(("name", "operator"), EVERY_OPERATOR)
def test_clause__of_each_field_and_operator__says_what_the_engine_says(
    name: str, operator: str
) -> None:
    rng = Random(f"{name} {operator}")
    facts = [random_facts(rng, number) for number in range(40)]
    seen = set()
    for _ in range(40):
        tree = {"all": [random_clause(rng, name, operator)]}
        found = column_verdicts(tree, facts)
        assert found == engine_verdicts(tree, facts), tree
        seen.update(found[0])
    # Both answers were there to be confused.
    assert {FAILS, HOLDS} <= seen


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 10**9))
def test_tree__of_any_shape__says_what_the_engine_says(rng: Random, seed: int) -> None:
    facts = [random_facts(Random(seed), number) for number in range(20)]
    tree = random_tree(rng)
    assert column_verdicts(tree, facts) == engine_verdicts(tree, facts)


@pytest.mark.parametrize(
    ("tree", "verdict"),
    [({"all": []}, HOLDS), ({"any": []}, FAILS), ({"none": []}, HOLDS), ({}, HOLDS)],
)
def test_group__without_members__says_what_the_engine_says(tree: Records, verdict: int) -> None:
    facts = [make_facts()]
    assert column_verdicts(tree, facts) == engine_verdicts(tree, facts) == ([verdict], Counter())


@pytest.mark.parametrize(
    ("name", "operator"),
    [("metadata.plan", "is"), ("header.x-team", "is_not"), ("message_text", "contains")],
)
def test_clause__on_a_fact_that_was_never_logged__cannot_be_decided(
    name: str, operator: str
) -> None:
    tree = {"all": [{"field": name, "operator": operator, "value": "gold"}]}
    facts = [make_facts(), make_facts()]
    unsure = ([UNDECIDABLE] * 2, Counter({(name, operator, "gold"): 2}))
    assert column_verdicts(tree, facts) == engine_verdicts(tree, facts) == unsure


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=8), st.text())
def test_share__of_any_texts__is_drawn_as_in_the_engine(users: list[str], salt: str) -> None:
    facts = [make_facts(user=user, request_id=user) for user in users]
    for name in ("share_of_users", "share_of_requests"):
        tree = {"all": [{"field": name, "operator": "within_first", "value": 40}]}
        assert column_verdicts(tree, facts) == engine_verdicts(tree, facts)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-(2**53) + 1, 2**53 - 1) | st.none(), min_size=1),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_number__of_any_size__is_compared_as_in_the_engine(
    seen: list[int | None], bound: float
) -> None:
    facts = [make_facts(max_output_tokens=value) for value in seen]
    for operator in ("at_most", "less_than", "at_least", "more_than"):
        tree = {"all": [{"field": "max_output_tokens", "operator": operator, "value": bound}]}
        assert column_verdicts(tree, facts) == engine_verdicts(tree, facts)


def test_number__against_a_bound_that_no_column_can_hold__is_compared_as_in_the_engine() -> None:
    facts = [make_facts(temperature=0.7, prompt_tokens=2**53 - 1), make_facts(temperature=1)]
    for name in ("temperature", "prompt_tokens"):
        for bound in (10**400, -(10**400)):
            tree = {"any": [{"field": name, "operator": "at_most", "value": bound}]}
            assert column_verdicts(tree, facts) == engine_verdicts(tree, facts)
