"""Each operator alone: what it takes for a match."""

from typing import Any

import pytest

from apps.routing.engine import operators
from apps.routing.engine.conditions import FIELDS, OPERATORS_BY_KIND
from apps.routing.engine.explain import WORDS

# kind, operator, what the rule expects, what was seen, whether it holds
CASES: list[tuple[str, str, Any, Any, bool]] = [
    ("text", "is", "gpt-5", "gpt-5", True),
    ("text", "is", "GPT-5", "gpt-5", True),
    ("text", "is", "gpt-5", "gpt-5-mini", False),
    ("text", "is", ("a", "b"), "b", True),
    ("text", "is", ("a", "b"), "c", False),
    ("text", "is", "STRASSE", "straße", True),
    ("text", "is_not", "gpt-5", "gpt-5", False),
    ("text", "is_not", "gpt-5", "o3", True),
    ("text", "is_not", ("a", "b"), "b", False),
    ("text", "starts_with", "gpt", "GPT-5", True),
    ("text", "starts_with", "gpt", "my-gpt", False),
    ("text", "starts_with", ("o", "gpt"), "gpt-5", True),
    ("text", "contains", "mini", "gpt-5-MINI-2", True),
    ("text", "contains", "mini", "gpt-5", False),
    ("text", "contains", ("x", "nano"), "gpt-nano", True),
    ("set", "has", "vip", ("beta", "VIP"), True),
    ("set", "has", "vip", (), False),
    ("set", "has", ("vip", "gold"), ("gold",), True),
    ("set", "has", "vip", ("vips",), False),
    ("set", "has_not", "vip", (), True),
    ("set", "has_not", "vip", ("vip",), False),
    ("set", "has_not", ("vip", "gold"), ("gold",), False),
    ("set", "has_all", ("tools", "vision"), ("vision", "tools", "audio"), True),
    ("set", "has_all", ("tools", "vision"), ("tools",), False),
    ("set", "has_all", "tools", ("tools",), True),
    ("number", "at_most", 10, 10, True),
    ("number", "at_most", 10, 11, False),
    ("number", "less_than", 10, 9, True),
    ("number", "less_than", 10, 10, False),
    ("number", "at_least", 10, 10, True),
    ("number", "at_least", 10, 9, False),
    ("number", "more_than", 10, 11, True),
    ("number", "more_than", 10, 10, False),
    ("number", "more_than", 10.5, 10, False),
    ("number", "between", (5, 10), 5, True),
    ("number", "between", (5, 10), 10, True),
    ("number", "between", (5, 10), 4, False),
    ("number", "between", (5, 10), 11, False),
    # Neither wraps nor overflows.
    ("number", "less_than", 10**400, 1, True),
    ("number", "more_than", 2**53, 2**53 + 1, True),
]


@pytest.mark.parametrize(("kind", "operator", "expected", "seen", "holds"), CASES)
def test_operator__given_both_sides__decides(
    kind: str, operator: str, expected: Any, seen: Any, holds: bool
) -> None:
    assert OPERATORS_BY_KIND[kind][operator](seen, expected) is holds


def test_operators__of_the_tables__are_each_tried_both_ways() -> None:
    tried = {(kind, operator, holds) for kind, operator, _expected, _seen, holds in CASES}
    wanted = {
        (kind, operator, holds)
        for kind, table in OPERATORS_BY_KIND.items()
        for operator in table
        for holds in (True, False)
    }
    assert wanted - tried == set()


def test_words__of_fields_and_operators__are_known_in_both_languages() -> None:
    named = {*FIELDS, *(name for table in OPERATORS_BY_KIND.values() for name in table)}
    assert named - set(WORDS) == set()
    assert all(english and portuguese for english, portuguese in WORDS.values())


@pytest.mark.parametrize("expected", [(1, 2), "x"])
def test_at_most__not_one_number__is_refused(expected: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        operators.is_at_most(1, expected)


@pytest.mark.parametrize("expected", [1, (1,), (1, 2, 3)])
def test_between__not_two_numbers__is_refused(expected: Any) -> None:
    with pytest.raises(TypeError):
        operators.is_between(1, expected)
