"""Operators of rule conditions: one small function each, in a table by kind of fact.

An operator is made once, at publish, from the value that the rule expects; what it returns is
asked for each request. It says True, False, or None: it cannot tell. Adding one: a function, a
row, a case in `tests/engine/cases/`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apps.routing.engine.hashing import fraction, pattern_id
from apps.routing.engine.types import ClauseValue, Scalar

type Seen = Any
type Matcher = Callable[[Seen], bool | None]
type Operator = Callable[[ClauseValue], Matcher]

PERCENT = 100.0


def _same(value: Scalar) -> str:
    return str(value).casefold()


def _listed(expected: ClauseValue) -> tuple[str, ...]:
    values = expected if isinstance(expected, tuple) else (expected,)
    return tuple(dict.fromkeys(_same(value) for value in values))


def text_is(expected: ClauseValue) -> Matcher:
    wanted = frozenset(_listed(expected))
    return lambda seen: seen.casefold() in wanted


def text_is_not(expected: ClauseValue) -> Matcher:
    unwanted = frozenset(_listed(expected))
    return lambda seen: seen.casefold() not in unwanted


def text_starts_with(expected: ClauseValue) -> Matcher:
    starts = _listed(expected)
    return lambda seen: seen.casefold().startswith(starts)


def text_ends_with(expected: ClauseValue) -> Matcher:
    ends = _listed(expected)
    return lambda seen: seen.casefold().endswith(ends)


def text_contains(expected: ClauseValue) -> Matcher:
    parts = _listed(expected)

    def matches(seen: str) -> bool:
        text = seen.casefold()
        return any(part in text for part in parts)

    return matches


def set_has(expected: ClauseValue) -> Matcher:
    wanted = frozenset(_listed(expected))

    def matches(seen: Iterable[str]) -> bool:
        for item in seen:  # noqa: SIM110 - asked by most rules: `any` takes three times as long
            if item.casefold() in wanted:
                return True
        return False

    return matches


def set_has_not(expected: ClauseValue) -> Matcher:
    unwanted = frozenset(_listed(expected))
    return lambda seen: unwanted.isdisjoint(map(str.casefold, seen))


def set_has_all(expected: ClauseValue) -> Matcher:
    wanted = frozenset(_listed(expected))
    return lambda seen: wanted.issubset(map(str.casefold, seen))


def number_at_most(expected: Any) -> Matcher:
    return lambda seen: seen <= expected


def number_less_than(expected: Any) -> Matcher:
    return lambda seen: seen < expected


def number_at_least(expected: Any) -> Matcher:
    return lambda seen: seen >= expected


def number_more_than(expected: Any) -> Matcher:
    return lambda seen: seen > expected


def number_between(expected: Any) -> Matcher:
    """Both bounds belong to the range."""
    lower, upper = expected
    return lambda seen: lower <= seen <= upper


def minute_of(text: str) -> int:
    """Return the minute of the day of "HH:MM"; raises ValueError."""
    hours, colon, minutes = text.partition(":")
    digits = hours + minutes
    is_form = colon == ":" and len(hours) == 2 and len(minutes) == 2
    if not (is_form and digits.isascii() and digits.isdecimal()):
        raise ValueError(text)
    hour, minute = int(hours), int(minutes)
    # 24:00 ends a day.
    if not (hour < 24 and minute < 60) and (hour, minute) != (24, 0):
        raise ValueError(text)
    return hour * 60 + minute


def time_between(expected: Any) -> Matcher:
    """From the first minute up to, not including, the last; a range may pass midnight."""
    start, end = minute_of(expected[0]), minute_of(expected[1])
    if start <= end:
        return lambda seen: start <= seen < end
    return lambda seen: seen >= start or seen < end


def time_not_between(expected: Any) -> Matcher:
    within = time_between(expected)
    return lambda seen: not within(seen)


def date_from(expected: Any) -> Matcher:
    # Dates of ISO 8601 sort as texts.
    return lambda seen: seen >= expected


def date_until(expected: Any) -> Matcher:
    """The day itself belongs to it."""
    return lambda seen: seen <= expected


def message_has(operator: str) -> Operator:
    """Any of the texts was found; undecidable when one that was not looked for could have been."""

    def make(expected: ClauseValue) -> Matcher:
        texts = expected if isinstance(expected, tuple) else (expected,)
        ids = tuple(pattern_id(operator, str(text)) for text in texts)

        def matches(seen: Mapping[str, bool]) -> bool | None:
            found = [seen.get(id_) for id_ in ids]
            if True in found:
                return True
            return None if None in found else False

        return matches

    return make


def flag_is(expected: ClauseValue) -> Matcher:
    return lambda seen: seen is expected


def share_within(expected: Any) -> Matcher:
    """Whether a unit belongs to the first so many percent; `expected` is (percent, salt)."""
    percent, salt = expected
    limit = percent / PERCENT
    return lambda seen: fraction(salt, seen) < limit


type Table = Mapping[str, Operator]

TEXT_OPERATORS: Table = {
    "is": text_is,
    "is_not": text_is_not,
    "starts_with": text_starts_with,
    "ends_with": text_ends_with,
    "contains": text_contains,
}
OPERATORS_BY_KIND: Mapping[str, Table] = {
    "text": TEXT_OPERATORS,
    "choice": {"is": text_is, "is_not": text_is_not},
    "set": {"has": set_has, "has_not": set_has_not, "has_all": set_has_all},
    "number": {
        "at_most": number_at_most,
        "less_than": number_less_than,
        "at_least": number_at_least,
        "more_than": number_more_than,
        "between": number_between,
    },
    "time": {"between": time_between, "not_between": time_not_between},
    "date": {
        "is": text_is,
        "is_not": text_is_not,
        "from": date_from,
        "until": date_until,
        "between": number_between,
    },
    # The names of calendars are replaced by their dates when the rule is compiled.
    "calendar": {"is_in": text_is, "is_not_in": text_is_not},
    "message": {"contains": message_has("contains"), "matches": message_has("matches")},
    "flag": {"is": flag_is},
    "share": {"within_first": share_within},
}
