"""Between the form's plain fields and the tree: nothing is lost on the way there and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.routing.engine.compile import compile_condition
from apps.routing.rule_form_fields import PlainConditions, to_plain, to_tree
from tests.factories.routing import clause

texts = st.lists(st.text(min_size=1), max_size=3).map(tuple)
numbers = st.none() | st.integers(0, 10**9)
plain_conditions = st.builds(
    PlainConditions,
    requested_models=texts,
    projects=texts,
    tenants=texts,
    tags=texts,
    needs=texts,
    fewest_prompt_tokens=numbers,
    most_prompt_tokens=numbers,
)


@given(plain_conditions)
def test_plain__to_a_tree_and_back__is_the_same(plain: PlainConditions) -> None:
    tree = to_tree(plain)
    compile_condition(tree)
    assert to_plain(tree) == plain


def test_tree__of_an_empty_form__matches_everything() -> None:
    assert to_tree(PlainConditions()) == {}


def test_tree__of_every_field__is_written_as_the_engine_reads_it() -> None:
    plain = PlainConditions(
        requested_models=("m",),
        projects=("p",),
        tenants=("t",),
        tags=("a", "b"),
        needs=("tools",),
        fewest_prompt_tokens=0,
        most_prompt_tokens=9,
    )
    assert to_tree(plain) == {
        "all": [
            clause("requested_model", "is", ["m"]),
            clause("project", "is", ["p"]),
            clause("tenant", "is", ["t"]),
            clause("tag", "has", ["a", "b"]),
            clause("needs", "has_all", ["tools"]),
            clause("prompt_tokens", "at_least", 0),
            clause("prompt_tokens", "at_most", 9),
        ]
    }


@pytest.mark.parametrize(
    "tree",
    [
        {"any": [clause("tag", "has", "x")]},
        {"none": []},
        {"all": [{"any": [clause("tag", "has", "x")]}]},
        {"all": [clause("tag", "has_not", "x")]},
        {"all": [clause("tag", "has", "x"), clause("tag", "has", "y")]},
        {"all": [clause("prompt_tokens", "between", [1, 2])]},
        {"all": [clause("prompt_tokens", "at_least", 1.5)]},
        {"all": [clause("door", "is", "chat")]},
    ],
)
def test_tree__that_the_form_cannot_show__is_left_alone(tree: dict[str, Any]) -> None:
    compile_condition(tree)
    assert to_plain(tree) is None


def test_tree__single_value__is_shown_as_a_list() -> None:
    assert to_plain({"all": [clause("tag", "has", "vip")]}) == PlainConditions(tags=("vip",))
