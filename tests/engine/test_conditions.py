"""Trees of conditions: all, any, none, nesting, and facts that a request does not have."""

from itertools import permutations
from typing import Any

import pytest

from apps.routing.engine.compile import compile_condition
from apps.routing.engine.conditions import FIELDS, clauses_of, evaluate
from apps.routing.engine.types import RequestFacts
from tests.engine.records import make_facts

TRUE = {"field": "tag", "operator": "has", "value": "vip"}
FALSE = {"field": "tag", "operator": "has", "value": "bulk"}
UNKNOWN = {"field": "max_output_tokens", "operator": "at_most", "value": 100}
FACTS = make_facts(tags=("vip",), max_output_tokens=None)


def holds(tree: dict[str, Any], facts: RequestFacts = FACTS) -> bool:
    return evaluate(compile_condition(tree), facts).holds


def is_undecidable(tree: dict[str, Any]) -> bool:
    return evaluate(compile_condition(tree), FACTS).is_undecidable


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({}, True),
        ({"all": []}, True),
        ({"any": []}, False),
        ({"none": []}, True),
        ({"all": [TRUE, TRUE]}, True),
        ({"all": [TRUE, FALSE]}, False),
        ({"any": [FALSE, TRUE]}, True),
        ({"any": [FALSE, FALSE]}, False),
        ({"none": [FALSE, FALSE]}, True),
        ({"none": [FALSE, TRUE]}, False),
        ({"all": [TRUE, {"any": [FALSE, {"none": [FALSE]}]}]}, True),
        ({"all": [TRUE, {"any": [FALSE, {"none": [TRUE]}]}]}, False),
        ({"none": [{"none": [TRUE]}]}, True),
    ],
)
def test_evaluate__decided_facts__follows_the_tree(tree: dict[str, Any], expected: bool) -> None:
    assert holds(tree) is expected
    assert not is_undecidable(tree)


@pytest.mark.parametrize(
    ("tree", "expected", "undecidable"),
    [
        ({"all": [UNKNOWN]}, False, True),
        ({"any": [UNKNOWN]}, False, True),
        ({"none": [UNKNOWN]}, False, True),
        ({"all": [TRUE, UNKNOWN]}, False, True),
        ({"all": [FALSE, UNKNOWN]}, False, False),
        ({"any": [TRUE, UNKNOWN]}, True, False),
        ({"any": [FALSE, UNKNOWN]}, False, True),
        ({"none": [TRUE, UNKNOWN]}, False, False),
        ({"none": [FALSE, UNKNOWN]}, False, True),
    ],
)
def test_evaluate__absent_fact__is_undecidable_unless_another_clause_decides(
    tree: dict[str, Any], expected: bool, undecidable: bool
) -> None:
    (kind, members) = next(iter(tree.items()))
    for order in permutations(members):
        reordered = {kind: list(order)}
        assert (holds(reordered), is_undecidable(reordered)) == (expected, undecidable), order


@pytest.mark.parametrize("outer", ["all", "any", "none"])
@pytest.mark.parametrize("inner", ["all", "any", "none"])
def test_evaluate__absent_fact_in_a_nested_group__does_not_depend_on_the_order(
    outer: str, inner: str
) -> None:
    for members in permutations([TRUE, FALSE, UNKNOWN], 2):
        straight = {outer: [{inner: list(members)}]}
        turned = {outer: [{inner: list(reversed(members))}]}
        assert holds(straight) is holds(turned)
        assert is_undecidable(straight) is is_undecidable(turned)


def test_evaluate__failed_clause__is_told_with_what_was_seen() -> None:
    verdict = evaluate(compile_condition({"all": [TRUE, {"any": [FALSE]}]}), FACTS)
    assert verdict.clause is not None
    assert (verdict.clause.value, verdict.seen) == ("bulk", ("vip",))


def test_evaluate__tags_of_request_and_key__are_read_together() -> None:
    facts = make_facts(tags=("a",), key_tags=("b",))
    tree = {"all": [{"field": "tag", "operator": "has_all", "value": ["a", "b"]}]}
    assert holds(tree, facts)


def test_evaluate__limit_named_by_the_caller__is_decided() -> None:
    assert holds({"all": [UNKNOWN]}, make_facts(max_output_tokens=100))


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_field__of_the_table__reads_its_fact(name: str) -> None:
    facts = make_facts(
        requested_model="m",
        prompt_template="t",
        tags=("x",),
        needs=("tools",),
        max_output_tokens=9,
    )
    seen = {
        "requested_model": "m",
        "tenant": "acme",
        "project": "support",
        "api_key": "key-1",
        "door": "chat",
        "prompt_template": "t",
        "tag": ("x",),
        "needs": ("tools",),
        "prompt_tokens": 1_000,
        "max_output_tokens": 9,
    }
    assert FIELDS[name].read(facts) == seen[name]


def test_prompt_tokens__with_a_rules_own_prompt__are_what_the_caller_sent() -> None:
    assert FIELDS["prompt_tokens"].read(make_facts(prompt_tokens=10, added_tokens=90)) == 10


def test_clauses_of__nested_tree__yields_every_clause() -> None:
    tree = compile_condition({"all": [TRUE, {"none": [FALSE, {"any": [UNKNOWN]}]}]})
    assert [clause.value for clause in clauses_of(tree)] == ["vip", "bulk", 100]
