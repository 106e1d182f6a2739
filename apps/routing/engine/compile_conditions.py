"""Compiles condition trees (plain JSON) into tests, refusing what could not be evaluated."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from apps.routing.engine.conditions import (
    MAX_DEPTH,
    TEST_OF_KIND,
    Question,
    Teller,
    group_test,
    question_of,
)
from apps.routing.engine.fields import Field, field_named, reader_of
from apps.routing.engine.operators import PERCENT, minute_of
from apps.routing.engine.types import Clause, Finding, Group, Scalar, Test

MOST_CLAUSES = 200
MOST_VALUES = 500
LONGEST_SHOWN = 80
RENAMED_CHOICES: Mapping[Any, str] = {"documents": "files"}
type Calendars = Mapping[str, tuple[str, ...]]


class ConditionFault(ValueError):
    """A condition that cannot be compiled. `path` leads to it, such as `all.0.value`."""

    def __init__(self, code: str, path: str, word: str = "") -> None:
        super().__init__(f"{path}: {code} {word}".strip())
        self.code = code
        self.path = path
        self.word = word


class Compiled(NamedTuple):
    """A tree as people wrote it, and its test."""

    tree: Group
    test: Test


def compile_condition(
    tree: Any, *, calendars: Calendars | None = None, rule_id: str = "", rule_name: str = ""
) -> Compiled:
    """Return the tree, checked; an empty one holds for every request. Raises ConditionFault.

    `calendars` are the dates behind the names of holiday calendars (None: any name will do, for a
    look at the form alone). The rule is named where a trace tells that it did not match; its id
    makes the shares of one rule independent of another's.
    """
    is_empty = isinstance(tree, Mapping) and not tree
    compiler = _Compiler(calendars, rule_id, rule_name)
    return compiler.group({"all": []} if is_empty else tree, "", 1)


class _Compiler:
    """Walks one tree."""

    def __init__(self, calendars: Calendars | None, rule_id: str, rule_name: str) -> None:
        self._calendars = calendars
        self._rule_id = rule_id
        self._teller = Teller(rule_id, rule_name)
        self._unmet = Finding(False, self._teller.step("condition_unmet"))
        self._clauses = 0

    def group(self, tree: Any, path: str, depth: int) -> Compiled:
        if not isinstance(tree, Mapping) or len(tree) != 1:
            raise ConditionFault("group_shape", path)
        kind, members = next(iter(tree.items()))
        if kind not in TEST_OF_KIND:
            raise ConditionFault("group_kind", path, str(kind))
        if depth > MAX_DEPTH:
            raise ConditionFault("too_deep", path, str(MAX_DEPTH))
        if not isinstance(members, list | tuple):
            raise ConditionFault("group_shape", path)
        here = f"{path}.{kind}" if path else kind
        compiled = [self._member(m, f"{here}.{i}", depth) for i, m in enumerate(members)]
        group = Group(kind, tuple(item for item, _ in compiled))
        asked = [question for _, question in compiled]
        return Compiled(group, group_test(kind, asked, self._unmet))

    def _member(self, record: Any, path: str, depth: int) -> tuple[Clause | Group, Question | Test]:
        if isinstance(record, Mapping) and "field" in record:
            return self._clause(record, path)
        return self.group(record, path, depth + 1)

    def _clause(self, record: Mapping[str, Any], path: str) -> tuple[Clause, Question]:
        self._clauses += 1
        if self._clauses > MOST_CLAUSES:
            raise ConditionFault("too_many_clauses", path, str(MOST_CLAUSES))
        name, operator = str(record["field"]), str(record.get("operator", ""))
        field = field_named(name)
        if field is None:
            raise ConditionFault("unknown_field", f"{path}.field", name)
        if operator not in field.operators:
            raise ConditionFault("unknown_operator", f"{path}.operator", operator)
        value = _value(record.get("value"), f"{path}.value")
        if field.choices:
            value = _renamed(value)
        _CHECKS[field.kind](field, operator, value, f"{path}.value")
        clause = Clause(name, operator, value, shown_value(value))
        expected = self._expected(field, value, f"{path}.value")
        matches = field.operators[operator](expected)
        reader = reader_of(name, self._rule_id)
        return clause, question_of(clause, reader, matches, self._teller)

    def _expected(self, field: Field, value: Any, path: str) -> Any:
        if field.kind == "share":
            return float(value), self._rule_id
        if field.kind != "calendar" or self._calendars is None:
            return value
        dates: list[str] = []
        for name in _listed(value):
            if name not in self._calendars:
                raise ConditionFault("unknown_calendar", path, str(name))
            dates.extend(self._calendars[name])
        return tuple(dates)


def shown_value(value: Any) -> Scalar:
    """Return a value as a trace tells it: one scalar, cut to what a person reads."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))[:LONGEST_SHOWN]
    return value[:LONGEST_SHOWN] if isinstance(value, str) else value


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _value(value: Any, path: str) -> Any:
    values = value if isinstance(value, list | tuple) else (value,)
    if not values or not all(_is_scalar(item) for item in values):
        raise ConditionFault("value_shape", path)
    if len(values) > MOST_VALUES:
        raise ConditionFault("too_many_values", path, str(MOST_VALUES))
    return tuple(values) if isinstance(value, list | tuple) else value


def _renamed(value: Any) -> Any:
    """Return today's names of choices, for rules that were published under the old ones."""
    if isinstance(value, tuple):
        return tuple(RENAMED_CHOICES.get(item, item) for item in value)
    return RENAMED_CHOICES.get(value, value)


def _is_scalar(value: Any) -> bool:
    """Tell whether it can be compared; an empty text would be contained in everything."""
    return isinstance(value, str | int | float) and value != ""


type _Check = Callable[[Field, str, Any, str], None]


def _check_texts(field: Field, _operator: str, value: Any, path: str) -> None:
    for item in _listed(value):
        if not isinstance(item, str):
            raise ConditionFault("not_a_text", path, str(item))
        if field.choices and item.casefold() not in field.choices:
            raise ConditionFault("unknown_choice", path, item)


def _count(operator: str, value: Any, path: str) -> tuple[Any, ...]:
    """Return the values; a range has two, anything else is compared with one."""
    is_range = "between" in operator
    wanted = 2 if is_range else 1
    if isinstance(value, tuple) != is_range or len(_listed(value)) != wanted:
        raise ConditionFault("value_count", path, str(wanted))
    return _listed(value)


def _check_numbers(_field: Field, operator: str, value: Any, path: str) -> None:
    numbers = _count(operator, value, path)
    if not all(_is_number(number) for number in numbers):
        raise ConditionFault("not_a_number", path)
    if list(numbers) != sorted(numbers):
        raise ConditionFault("range_order", path)


def _is_number(value: Any) -> bool:
    is_numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return is_numeric and -math.inf < value < math.inf


def _check_times(_field: Field, operator: str, value: Any, path: str) -> None:
    for item in _count(operator, value, path):
        try:
            minute_of(str(item))
        except ValueError as error:
            raise ConditionFault("not_a_time", path, str(item)) from error


def _check_dates(_field: Field, operator: str, value: Any, path: str) -> None:
    dates = _listed(value) if operator in ("is", "is_not") else _count(operator, value, path)
    for item in dates:
        if not _is_date(item):
            raise ConditionFault("not_a_date", path, str(item))
    if operator == "between" and list(dates) != sorted(dates):
        raise ConditionFault("range_order", path)


def _is_date(value: Any) -> bool:
    """Tell whether it is a day of the calendar, written as 2026-12-31."""
    text = str(value)
    parts = text.split("-")
    is_form = [len(part) for part in parts] == [4, 2, 2] and text.isascii()
    if not (is_form and all(part.isdecimal() for part in parts)):
        return False
    year, month, day = map(int, parts)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return year > 0 and 1 <= month <= 12 and 1 <= day <= days[month - 1]


def _check_flag(_field: Field, _operator: str, value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise ConditionFault("not_a_flag", path)


def _check_share(_field: Field, _operator: str, value: Any, path: str) -> None:
    if not _is_number(value) or not 0 < value <= PERCENT:
        raise ConditionFault("not_a_percentage", path)


_CHECKS: Mapping[str, _Check] = {
    "text": _check_texts,
    "choice": _check_texts,
    "set": _check_texts,
    "number": _check_numbers,
    "time": _check_times,
    "date": _check_dates,
    "calendar": _check_texts,
    "message": _check_texts,
    "flag": _check_flag,
    "share": _check_share,
}
