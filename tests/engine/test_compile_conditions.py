"""Compilation of conditions: every fault is found with its place, borders are kept."""

import ast
from calendar import monthrange
from pathlib import Path
from typing import Any

import pytest

from apps.routing.engine import compile_conditions as compiler
from apps.routing.engine.compile_conditions import (
    LONGEST_SHOWN,
    MOST_CLAUSES,
    MOST_VALUES,
    ConditionFault,
    compile_condition,
    shown_value,
)
from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.types import Clause, Group
from tests.engine.faults import CALENDAR_FAULT, CLAUSE, FAULT_CODES, FAULTS, only, tag, tokens
from tests.engine.records import make_facts

CALENDARS = {"br": ("2026-09-07",), "us": ("2026-07-04",)}


@pytest.mark.parametrize(("code", "path", "tree"), FAULTS)
def test_condition__faulty__is_refused_with_its_place(code: str, path: str, tree: Any) -> None:
    with pytest.raises(ConditionFault) as caught:
        compile_condition(tree)
    assert (caught.value.code, caught.value.path) == (code, path)


def test_faults__of_the_source__are_each_tried() -> None:
    tree = ast.parse(Path(compiler.__file__).read_text(encoding="utf-8"))
    raised = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "ConditionFault"
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised == FAULT_CODES


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        (only("mood", "is", "x"), "all.0.field: unknown_field mood"),
        ({"some": []}, ": group_kind some"),
        ({"all": [{"any": [{"none": [{"all": []}]}]}]}, "all.0.any.0.none.0: too_deep 3"),
        (tokens("between", 1), "all.0.value: value_count 2"),
        (tokens("at_most", [1]), "all.0.value: value_count 1"),
        (tokens("at_most", "x"), "all.0.value: not_a_number"),
        (only("needs", "has", "telepathy"), "all.0.value: unknown_choice telepathy"),
        (only("date", "is", "soon"), "all.0.value: not_a_date soon"),
        (only("time_of_day", "between", ["00:00", "soon"]), "all.0.value: not_a_time soon"),
    ],
)
def test_fault__told__names_the_place_the_code_and_the_word(tree: Any, told: str) -> None:
    with pytest.raises(ConditionFault) as caught:
        compile_condition(tree)
    assert str(caught.value) == told


def test_calendar__that_nobody_has__is_refused_where_calendars_are_known() -> None:
    assert compile_condition(CALENDAR_FAULT).tree.members
    with pytest.raises(ConditionFault) as caught:
        compile_condition(CALENDAR_FAULT, calendars=CALENDARS)
    fault = caught.value
    assert (fault.code, fault.path, fault.word) == ("unknown_calendar", "all.0.value", "moon")


def test_calendar__by_name__is_shown_by_name_and_asked_by_its_dates() -> None:
    tree, test = compile_condition(only("holiday", "is_in", ["us", "br"]), calendars=CALENDARS)
    (clause,) = clauses_of(tree)
    assert (clause.value, clause.shown) == (("us", "br"), "us, br")
    assert test(make_facts(local_time=("2026-09-07", 0, 0))).holds
    assert not test(make_facts(local_time=("2026-09-08", 0, 1))).holds


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"all": []},
        {"all": [{"any": [{"none": [CLAUSE]}]}]},
        {"all": [CLAUSE] * MOST_CLAUSES},
        tag([str(number) for number in range(MOST_VALUES)]),
        tokens("between", [1, 1]),
        tokens("between", (1, 2)),
        tokens("at_most", -(10**400)),
        only("weekday", "is", "MON"),
        only("date", "between", ["2026-01-01", "2026-01-01"]),
        only("share_of_users", "within_first", 100),
        only("share_of_users", "within_first", 0.001),
        only("in_conversation", "is", False),
    ],
)
def test_condition__at_the_border__is_accepted(tree: Any) -> None:
    assert compile_condition(tree).tree.kind == "all"


def test_limits__of_a_condition__are_what_the_manual_says() -> None:
    assert (MOST_CLAUSES, MOST_VALUES, LONGEST_SHOWN) == (200, 500, 80)


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024])
@pytest.mark.parametrize("month", range(1, 13))
def test_date__last_of_each_month__is_accepted_and_the_next_refused(year: int, month: int) -> None:
    last = monthrange(year, month)[1]
    assert compile_condition(only("date", "is", f"{year}-{month:02}-{last}")).tree.members
    with pytest.raises(ConditionFault, match="not_a_date"):
        compile_condition(only("date", "is", f"{year}-{month:02}-{last + 1}"))


@pytest.mark.parametrize(
    "date", ["2026-01-31", "2026-12-01", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"]
)
def test_date__of_the_calendar__is_accepted(date: str) -> None:
    assert compile_condition(only("date", "is", date)).tree.members


@pytest.mark.parametrize(
    "date",
    [
        *("2026-01-32", "2026-04-31", "2026-13-01", "2026-00-10", "2026-10-00", "2026-02-29"),
        *("1900-02-29", "0000-01-01", "26-01-01", "2026-1-01", "2026/01/01", "2026-01-0x"),
        *("2026-01-01-01", "２０２６-01-01", "-026-01-01"),
    ],
)
def test_date__that_no_calendar_has__is_refused(date: str) -> None:
    with pytest.raises(ConditionFault, match="not_a_date"):
        compile_condition(only("date", "is", date))


def test_condition__empty__holds_for_every_request() -> None:
    tree, test = compile_condition({})
    assert tree == Group("all", ())
    assert test(make_facts()).holds


def test_condition__nested__becomes_an_immutable_tree() -> None:
    tree = compile_condition(
        {"all": [{"any": [{"none": [CLAUSE]}]}, tag(["a", "b"])["all"][0]]}
    ).tree
    inner = Group("none", (Clause("tag", "has", "vip", "vip"),))
    lists = Clause("tag", "has", ("a", "b"), "a, b")
    assert tree == Group("all", (Group("any", (inner,)), lists))
    assert hash(tree)


def test_share__of_two_rules__is_salted_by_each() -> None:
    tree = only("share_of_requests", "within_first", 40)
    facts = [make_facts(request_id=f"req_{number}") for number in range(200)]
    by_salt = [
        [compile_condition(tree, rule_id=salt).test(f).holds for f in facts] for salt in "ab"
    ]
    assert by_salt[0] != by_salt[1]
    assert all(60 < sum(seen) < 100 for seen in by_salt)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 81, "x" * LONGEST_SHOWN),
        (("ab", "cd"), "ab, cd"),
        (("x" * 50, "y" * 50), f"{'x' * 50}, {'y' * 28}"),
        ((1, 2.5), "1, 2.5"),
        (5, 5),
        (0.5, 0.5),
        (True, True),
    ],
)
def test_shown_value__of_a_clause__is_one_short_scalar(value: Any, shown: Any) -> None:
    assert shown_value(value) == shown
