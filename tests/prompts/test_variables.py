"""Typed variables: a wrong declaration is refused by its entry, a wrong value by its variable."""

from typing import Any

import pytest

from apps.core.errors import InvalidRequest
from apps.prompts.variables import (
    MAX_LIST_ITEMS,
    MAX_TEXT_CHARS,
    MAX_VARIABLES,
    Variable,
    bind,
    parse_variables,
)

NAME = Variable("name", "text", required=True)
COUNT = Variable("count", "number", required=False, default=3)
URGENT = Variable("urgent", "boolean", required=False)
ITEMS = Variable("items", "list", required=False)


def test_parse_variables__all_types__are_read_with_required_as_default() -> None:
    parsed = parse_variables(
        [
            {"name": "name", "type": "text"},
            {"name": "count", "type": "number", "required": False, "default": 3},
            {"name": "urgent", "type": "boolean", "required": False},
            {"name": "items", "type": "list", "required": False},
        ]
    )
    assert parsed == (NAME, COUNT, URGENT, ITEMS)


@pytest.mark.parametrize(
    ("record", "param"),
    [
        ("name", "variables.0"),
        ({"name": "Name"}, "variables.0.name"),
        ({"name": "9lives"}, "variables.0.name"),
        ({"name": "a" * 41}, "variables.0.name"),
        ({"name": "loop"}, "variables.0.name"),
        ({"name": ""}, "variables.0.name"),
        ({"type": "text"}, "variables.0.name"),
        ({"name": "x", "type": "date"}, "variables.0.type"),
        ({"name": "x", "required": "yes"}, "variables.0.required"),
        ({"name": "x", "required": True, "default": "a"}, "variables.0.default"),
        ({"name": "x", "type": "number", "required": False}, "variables.0.default"),
        ({"name": "x", "type": "number", "required": False, "default": "3"}, "variables.0.default"),
    ],
)
def test_parse_variables__malformed_entry__names_its_place(record: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_variables([record])
    assert refused.value.param == param


def test_parse_variables__same_name_twice__is_refused_at_the_second() -> None:
    with pytest.raises(InvalidRequest, match="declared twice") as refused:
        parse_variables([{"name": "x"}, {"name": "x"}])
    assert refused.value.param == "variables.1.name"


@pytest.mark.parametrize("records", ["x", None, {"name": "x"}])
def test_parse_variables__not_a_list__is_refused(records: Any) -> None:
    with pytest.raises(InvalidRequest):
        parse_variables(records)


def test_parse_variables__too_many__is_refused() -> None:
    records = [{"name": f"v{index}"} for index in range(MAX_VARIABLES + 1)]
    with pytest.raises(InvalidRequest, match=str(MAX_VARIABLES)):
        parse_variables(records)


def test_bind__values_left_out__take_their_defaults() -> None:
    bound = bind((NAME, COUNT, URGENT, ITEMS), {"name": "Ana"})
    assert bound == {"name": "Ana", "count": 3, "urgent": False, "items": []}


def test_bind__required_value_missing__names_the_variable_and_its_type() -> None:
    with pytest.raises(InvalidRequest, match="is required: give a text") as refused:
        bind((NAME,), {})
    assert refused.value.param == "variables.name"


def test_bind__null_for_a_required_value__counts_as_missing() -> None:
    with pytest.raises(InvalidRequest, match="is required"):
        bind((NAME,), {"name": None})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (NAME, 3, "must be a text, not a number"),
        (NAME, ["a"], "must be a text, not a list"),
        (NAME, {"a": 1}, "must be a text, not an object"),
        (NAME, "a" * (MAX_TEXT_CHARS + 1), "shorten it"),
        (NAME, "a\0b", "not text"),
        (NAME, "\ud800", "not text"),
        (COUNT, "3", "must be a number, not a text"),
        (COUNT, True, "must be a number, not a boolean"),
        (COUNT, float("nan"), "must be a number between"),
        (COUNT, float("inf"), "must be a number between"),
        pytest.param(COUNT, 10**5000, "must be a number between", id="5001 digits"),
        (URGENT, "true", "must be true or false, not a text"),
        (URGENT, 1, "must be true or false, not a number"),
        (ITEMS, "a,b", "must be a list, not a text"),
        (ITEMS, ["a"] * (MAX_LIST_ITEMS + 1), "at most 200"),
        (ITEMS, ["a", {"b": 1}], "item 1 must be a number, not an object"),
        (ITEMS, [["a"]], "item 0 must be a number, not a list"),
        (ITEMS, ["\ud800"], "item 0 holds"),
    ],
)
def test_bind__wrong_value__names_the_variable_and_the_fix(
    variable: Variable, value: Any, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message) as refused:
        bind((variable,), {variable.name: value})
    assert refused.value.param == f"variables.{variable.name}"


def test_bind__mixed_list__keeps_the_types_of_its_items() -> None:
    assert bind((ITEMS,), {"items": ["a", 1, 2.5, True]})["items"] == ["a", 1, 2.5, True]


def test_bind__list_value__is_a_copy() -> None:
    given = ["a"]
    bound = bind((ITEMS,), {"items": given})
    given.append("b")
    assert bound["items"] == ["a"]


def test_bind__default_list__is_not_shared_between_requests() -> None:
    first = bind((ITEMS,), {})["items"]
    assert isinstance(first, list)
    first.append("leak")
    assert bind((ITEMS,), {})["items"] == []


def test_bind__undeclared_value__names_it_and_lists_the_declared() -> None:
    with pytest.raises(InvalidRequest, match="it declares: count, name") as refused:
        bind((NAME, COUNT), {"name": "a", "nmae": "b"})
    assert refused.value.param == "variables.nmae"


def test_bind__undeclared_value_of_another_template__may_be_ignored() -> None:
    assert bind((COUNT,), {"other": "b"}, ignore_unknown=True) == {"count": 3}


def test_bind__all_values_together_too_long__is_refused() -> None:
    more = Variable("more", "text", required=True)
    with pytest.raises(InvalidRequest, match="together"):
        bind((NAME, more), {"name": "a" * 90_000, "more": "b" * 90_000})
