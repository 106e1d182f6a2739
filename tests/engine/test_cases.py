"""The cases of `cases/*.json` (see `cases.py`), and what they must cover together."""

from collections import defaultdict

import pytest

from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.fields import FIELDS, HEADER, METADATA, field_named
from apps.routing.engine.operators import OPERATORS_BY_KIND
from apps.routing.engine.sentences import SENTENCES
from apps.routing.engine.types import Clause, Rule
from tests.engine.cases import CASES, Case, codes_in, snapshot_of, wrong_in

# Codes that only a kept trace has.
NOT_DECIDED = frozenset({"steps_not_told", "fields_dropped"})
FIELDS_WITH_NAMES = frozenset({METADATA, HEADER})


def rules_of_cases() -> list[Rule]:
    return [rule for case in CASES for rule in snapshot_of(case).rules]


def field_group(clause: Clause) -> str:
    """Return the field, or what all fields of its family have in common."""
    return next((p for p in FIELDS_WITH_NAMES if clause.field.startswith(p)), clause.field)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']}: {case['name']}")
def test_case__decided__comes_out_as_written(case: Case) -> None:
    assert wrong_in(case) == {}


def test_cases__of_operators__try_each_of_every_kind_with_and_without_a_match() -> None:
    tried = defaultdict(set)
    for case in CASES:
        if case["file"] != "operators":
            continue
        for clause in clauses_of(snapshot_of(case).rules[0].condition):
            field = field_named(clause.field)
            assert field is not None
            tried[field.kind, clause.operator].add(bool(case["expected"]["rule"]))
    wanted = {(kind, name) for kind, table in OPERATORS_BY_KIND.items() for name in table}
    assert set(tried) == wanted
    assert {place for place, seen in tried.items() if seen != {True, False}} == set()


def test_cases__together__read_every_field() -> None:
    used = {
        field_group(clause) for rule in rules_of_cases() for clause in clauses_of(rule.condition)
    }
    assert used == {*FIELDS, *FIELDS_WITH_NAMES}


def test_cases__together__expect_every_reason() -> None:
    assert set().union(*map(codes_in, CASES)) == set(SENTENCES) - NOT_DECIDED


def test_cases__together__use_every_strategy_unit_affinity_and_scope() -> None:
    rules = rules_of_cases()
    assert {rule.choice.strategy for rule in rules} == {
        "priority", "weighted", "adaptive", "cheapest",
    }  # fmt: skip
    assert {rule.choice.unit for rule in rules} == {"request", "conversation", "user"}
    assert {rule.choice.affinity for rule in rules} == {"", "conversation", "prefix"}
    assert {rule.scope for rule in rules} == {"key", "project", "tenant", "global"}
    assert any(rule.choice.arms for rule in rules)


def test_cases__of_one_file__have_names_of_their_own() -> None:
    names = [(case["file"], case["name"]) for case in CASES]
    assert len(names) == len(set(names))
