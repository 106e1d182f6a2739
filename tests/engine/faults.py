"""Conditions that must be refused, each with the code and the place of its fault."""

from typing import Any

from apps.routing.engine.compile_conditions import MOST_CLAUSES, MOST_VALUES

CLAUSE = {"field": "tag", "operator": "has", "value": "vip"}


def only(field: str, operator: Any, value: Any) -> dict[str, Any]:
    """Return a tree of one clause."""
    return {"all": [{"field": field, "operator": operator, "value": value}]}


def tokens(operator: Any, value: Any) -> dict[str, Any]:
    return only("prompt_tokens", operator, value)


def tag(value: Any) -> dict[str, Any]:
    return only("tag", "has", value)


def nested(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the tree one level further down, beside a clause that is right."""
    return {"all": [CLAUSE, tree]}


VALUE = "all.0.value"
# code, path, tree
FAULTS: list[tuple[str, str, Any]] = [
    ("group_shape", "", []),
    ("group_shape", "", ""),
    ("group_shape", "", 0),
    ("group_shape", "", None),
    ("group_shape", "", [CLAUSE]),
    ("group_shape", "", CLAUSE),
    ("group_shape", "", {"all": [], "any": []}),
    ("group_shape", "", {"all": CLAUSE}),
    ("group_shape", "", {"all": "x"}),
    ("group_shape", "all.0", {"all": ["x"]}),
    ("group_shape", "all.0", {"all": [{}]}),
    ("group_shape", "all.1.any.0", {"all": [CLAUSE, {"any": [None]}]}),
    ("group_kind", "", {"some": []}),
    ("group_kind", "all.0", {"all": [{"not": []}]}),
    ("too_deep", "all.0.any.0.none.0", {"all": [{"any": [{"none": [{"all": []}]}]}]}),
    ("too_many_clauses", f"all.{MOST_CLAUSES}", {"all": [CLAUSE] * (MOST_CLAUSES + 1)}),
    ("too_many_clauses", "all.1.any.199", nested({"any": [CLAUSE] * MOST_CLAUSES})),
    ("unknown_field", "all.0.field", only("mood", "is", "x")),
    ("unknown_field", "all.0.field", only("metadata.", "is", "x")),
    ("unknown_field", "all.0.field", only("header.", "is", "x")),
    ("unknown_field", "all.1.any.0.field", nested({"any": [{"field": ["tag"]}]})),
    ("unknown_operator", "all.0.operator", only("tag", "at_most", "x")),
    ("unknown_operator", "all.0.operator", {"all": [{"field": "tag", "value": "x"}]}),
    ("unknown_operator", "all.0.operator", tokens("is", 5)),
    ("unknown_operator", "all.0.operator", only("door", "contains", "x")),
    ("value_shape", VALUE, {"all": [{"field": "tag", "operator": "has"}]}),
    ("value_shape", VALUE, tag("")),
    ("value_shape", VALUE, tag(None)),
    ("value_shape", VALUE, tag([])),
    ("value_shape", VALUE, tag([None])),
    ("value_shape", VALUE, tag(["x", ""])),
    ("value_shape", VALUE, tag({"a": 1})),
    ("value_shape", VALUE, tag([["x"]])),
    ("too_many_values", VALUE, tag([str(number) for number in range(MOST_VALUES + 1)])),
    ("not_a_text", VALUE, tag(5)),
    ("not_a_text", VALUE, tag(["x", True])),
    ("not_a_text", VALUE, only("user", "is", 1.5)),
    ("not_a_text", VALUE, only("message_text", "contains", 5)),
    ("not_a_text", VALUE, only("holiday", "is_in", 5)),
    ("unknown_choice", VALUE, only("weekday", "is", "someday")),
    ("unknown_choice", VALUE, only("needs", "has", ["tools", "telepathy"])),
    ("value_count", VALUE, tokens("at_most", [1])),
    ("value_count", VALUE, tokens("between", 1)),
    ("value_count", VALUE, tokens("between", [1])),
    ("value_count", VALUE, tokens("between", [1, 2, 3])),
    ("value_count", VALUE, only("time_of_day", "not_between", "09:00")),
    ("value_count", VALUE, only("date", "from", ["2026-01-01"])),
    ("not_a_number", VALUE, tokens("at_most", "many")),
    ("not_a_number", VALUE, tokens("at_most", True)),
    ("not_a_number", VALUE, tokens("between", [1, "2"])),
    ("not_a_number", VALUE, tokens("at_most", float("nan"))),
    ("not_a_number", VALUE, tokens("at_most", float("inf"))),
    ("not_a_number", VALUE, tokens("at_least", float("-inf"))),
    ("range_order", VALUE, tokens("between", [2, 1])),
    ("range_order", VALUE, only("date", "between", ["2026-12-31", "2026-01-01"])),
    ("not_a_time", VALUE, only("time_of_day", "between", ["9:00", "10:00"])),
    ("not_a_time", VALUE, only("time_of_day", "between", ["09:00", "24:01"])),
    ("not_a_time", VALUE, only("time_of_day", "between", [9, 10])),
    ("not_a_date", VALUE, only("date", "is", "2026-2-28")),
    ("not_a_date", VALUE, only("date", "is_not", ["2026-02-28", "2026-02-29"])),
    ("not_a_date", VALUE, only("date", "from", 2026)),
    ("not_a_date", VALUE, only("date", "between", ["2026-01-01", "soon"])),
    ("not_a_flag", VALUE, only("in_conversation", "is", 1)),
    ("not_a_flag", VALUE, only("in_conversation", "is", "true")),
    ("not_a_percentage", VALUE, only("share_of_users", "within_first", 0)),
    ("not_a_percentage", VALUE, only("share_of_users", "within_first", 100.1)),
    ("not_a_percentage", VALUE, only("share_of_users", "within_first", "10")),
    ("not_a_percentage", VALUE, only("share_of_users", "within_first", [10])),
]
# What only shows when the calendars are at hand.
CALENDAR_FAULT = only("holiday", "is_in", ["br", "moon"])
FAULT_CODES = frozenset({"unknown_calendar", *(code for code, _path, _tree in FAULTS)})
