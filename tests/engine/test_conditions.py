"""Trees of conditions: all, any, none, nesting, and facts that a request does not have."""

from itertools import permutations
from typing import Any

import pytest

from apps.routing.engine.compile_conditions import compile_condition
from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.types import Finding, RequestFacts
from tests.engine.records import make_facts

TRUE = {"field": "tag", "operator": "has", "value": "vip"}
FALSE = {"field": "tag", "operator": "has", "value": "bulk"}
UNKNOWN = {"field": "max_output_tokens", "operator": "at_most", "value": 100}
UNSOUGHT = {"field": "message_text", "operator": "contains", "value": "refund"}
FACTS = make_facts(tags=("vip",), max_output_tokens=None)


def find(tree: dict[str, Any], facts: RequestFacts = FACTS) -> Finding:
    return compile_condition(tree).test(facts)


def verdict(tree: dict[str, Any]) -> tuple[bool, bool]:
    found = find(tree)
    return found.holds, found.is_undecidable


def deciding(tree: dict[str, Any]) -> Any:
    """Return the value of the clause that decided, None without one."""
    step = find(tree).step
    return step.numbers.get("expected") if step else None


def code_of(found: Finding) -> str:
    assert found.step is not None
    return found.step.code


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
        ({"none": [{"all": [TRUE]}]}, False),
    ],
)
def test_tree__decided_facts__is_followed(tree: dict[str, Any], expected: bool) -> None:
    assert verdict(tree) == (expected, False)


@pytest.mark.parametrize("unknown", [UNKNOWN, UNSOUGHT])
@pytest.mark.parametrize(
    ("kind", "others", "expected", "undecidable"),
    [
        ("all", [], False, True),
        ("any", [], False, True),
        ("none", [], False, True),
        ("all", [TRUE], False, True),
        ("all", [FALSE], False, False),
        ("any", [TRUE], True, False),
        ("any", [FALSE], False, True),
        ("none", [TRUE], False, False),
        ("none", [FALSE], False, True),
        ("all", [TRUE, FALSE], False, False),
        ("any", [FALSE, FALSE], False, True),
    ],
)
def test_tree__absent_fact__is_undecidable_unless_another_clause_decides(
    unknown: dict[str, Any], kind: str, others: list[Any], expected: bool, undecidable: bool
) -> None:
    for order in permutations([*others, unknown]):
        assert verdict({kind: list(order)}) == (expected, undecidable), order
        alone = [{"any": [member]} for member in order]
        assert verdict({kind: alone}) == (expected, undecidable), order


@pytest.mark.parametrize("outer", ["all", "any", "none"])
@pytest.mark.parametrize("inner", ["all", "any", "none"])
def test_tree__absent_fact_in_a_nested_group__does_not_depend_on_the_order(
    outer: str, inner: str
) -> None:
    for members in permutations([TRUE, FALSE, UNKNOWN], 2):
        turned = list(reversed(members))
        assert verdict({outer: [{inner: list(members)}]}) == verdict({outer: [{inner: turned}]})


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        # The first that fails decides, whatever was undecidable before it.
        ({"all": [TRUE, UNKNOWN, FALSE, {**FALSE, "value": "later"}]}, "bulk"),
        ({"all": [UNKNOWN, UNSOUGHT]}, 100),
        ({"all": [UNSOUGHT, UNKNOWN]}, "refund"),
        ({"all": [TRUE, TRUE]}, None),
        # The first that holds, else the first undecidable, else the last.
        ({"any": [FALSE, TRUE, {**TRUE, "value": ["vip", "x"]}]}, "vip"),
        ({"any": [UNKNOWN, UNSOUGHT]}, 100),
        ({"any": [FALSE, UNKNOWN, FALSE]}, 100),
        ({"any": [{**FALSE, "value": "x"}, FALSE]}, "bulk"),
        ({"any": []}, None),
        # What is forbidden, or could not be ruled out.
        ({"none": [FALSE, TRUE]}, "vip"),
        ({"none": [FALSE, UNKNOWN]}, 100),
        ({"none": [FALSE]}, None),
        ({"none": [{"all": []}]}, None),
    ],
)
def test_finding__of_a_tree__names_the_clause_that_decided(
    tree: dict[str, Any], value: Any
) -> None:
    assert deciding(tree) == value


def test_finding__of_a_failed_clause__tells_what_was_seen() -> None:
    found = find({"all": [TRUE, {"any": [FALSE]}]})
    assert found.show is not None
    assert (found.show(FACTS), code_of(found)) == ("vip", "condition_failed")


def test_finding__of_a_forbidden_clause__says_so_with_what_was_seen() -> None:
    found = find({"none": [TRUE]})
    assert found.show is not None
    assert (found.show(FACTS), found.is_undecidable) == ("vip", False)
    assert code_of(found) == "condition_forbids"


def test_finding__of_an_absent_fact__has_nothing_to_show() -> None:
    found = find({"all": [UNKNOWN]})
    assert (found.show, found.is_undecidable, code_of(found)) == (None, True, "fact_missing")


def test_clause__fact_that_is_nought_or_empty__is_known() -> None:
    facts = make_facts(max_output_tokens=0, metadata={"plan": ""})
    assert find({"all": [UNKNOWN]}, facts).holds
    empty = {"field": "metadata.plan", "operator": "is_not", "value": "gold"}
    assert find({"all": [empty]}, facts).holds


def test_clauses_of__nested_tree__yields_every_clause_in_order() -> None:
    tree = compile_condition({"all": [TRUE, {"none": [FALSE, {"any": [UNKNOWN]}]}]}).tree
    assert [clause.value for clause in clauses_of(tree)] == ["vip", "bulk", 100]
