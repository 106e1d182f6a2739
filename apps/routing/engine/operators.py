"""Operators of rule conditions: one small matcher each, in a table by kind of fact.

A matcher gets what was seen and what the rule expects. Adding an operator: one function, one
row, one case in `tests/engine/cases/`.
"""

from collections.abc import Callable, Collection

from apps.routing.engine.types import ClauseValue, Scalar

type Seen = str | int | tuple[str, ...]
type Matcher = Callable[[Seen, ClauseValue], bool]


def _same(value: Scalar) -> str:
    return str(value).casefold()


def _listed(expected: ClauseValue) -> Collection[str]:
    values = expected if isinstance(expected, tuple) else (expected,)
    return frozenset(_same(value) for value in values)


def _words(seen: Seen) -> frozenset[str]:
    values = seen if isinstance(seen, tuple) else (seen,)
    return frozenset(_same(value) for value in values)


def _number(value: Seen | ClauseValue) -> int | float:
    # Compared as they are: a conversion could overflow, and rounds above 2**53.
    if not isinstance(value, int | float):
        raise TypeError("a single number is needed")
    return value


def _bounds(expected: ClauseValue) -> tuple[int | float, int | float]:
    if not isinstance(expected, tuple) or len(expected) != 2:
        raise TypeError("two numbers are needed")
    return _number(expected[0]), _number(expected[1])


def is_one_of(seen: Seen, expected: ClauseValue) -> bool:
    return not _words(seen).isdisjoint(_listed(expected))


def is_none_of(seen: Seen, expected: ClauseValue) -> bool:
    return not is_one_of(seen, expected)


def has_all_of(seen: Seen, expected: ClauseValue) -> bool:
    return _words(seen).issuperset(_listed(expected))


def starts_with(seen: Seen, expected: ClauseValue) -> bool:
    return _same(str(seen)).startswith(tuple(_listed(expected)))


def contains(seen: Seen, expected: ClauseValue) -> bool:
    text = _same(str(seen))
    return any(part in text for part in _listed(expected))


def is_at_most(seen: Seen, expected: ClauseValue) -> bool:
    return _number(seen) <= _number(expected)


def is_less_than(seen: Seen, expected: ClauseValue) -> bool:
    return _number(seen) < _number(expected)


def is_at_least(seen: Seen, expected: ClauseValue) -> bool:
    return _number(seen) >= _number(expected)


def is_more_than(seen: Seen, expected: ClauseValue) -> bool:
    return _number(seen) > _number(expected)


def is_between(seen: Seen, expected: ClauseValue) -> bool:
    """Both bounds belong to the range."""
    lower, upper = _bounds(expected)
    return lower <= _number(seen) <= upper


TEXT_OPERATORS: dict[str, Matcher] = {
    "is": is_one_of,
    "is_not": is_none_of,
    "starts_with": starts_with,
    "contains": contains,
}
SET_OPERATORS: dict[str, Matcher] = {
    "has": is_one_of,
    "has_not": is_none_of,
    "has_all": has_all_of,
}
NUMBER_OPERATORS: dict[str, Matcher] = {
    "at_most": is_at_most,
    "less_than": is_less_than,
    "at_least": is_at_least,
    "more_than": is_more_than,
    "between": is_between,
}
