"""Each operator alone: made of what a rule expects, asked with what was seen."""

from typing import Any

import pytest

from apps.routing.engine.fields import FIELDS
from apps.routing.engine.hashing import fraction, pattern_id
from apps.routing.engine.operators import OPERATORS_BY_KIND, minute_of
from apps.routing.engine.sentences import WORDS

FOUND, OTHER = pattern_id("contains", "refund"), pattern_id("contains", "invoice")
FORM = pattern_id("matches", r"order \d+")
# Where the unit "u" of the salt "s" lies.
PLACE = 100 * fraction("s", "u")

# kind, operator, what the rule expects, what was seen, what it says
CASES: list[tuple[str, str, Any, Any, bool | None]] = [
    ("text", "is", "GPT-5", "gpt-5", True),
    ("text", "is", "gpt-5", "gpt-5-mini", False),
    ("text", "is", ("a", "b"), "b", True),
    ("text", "is", ("a", "b"), "c", False),
    ("text", "is", "STRASSE", "straße", True),
    ("text", "is_not", "gpt-5", "GPT-5", False),
    ("text", "is_not", ("a", "b"), "b", False),
    ("text", "is_not", ("a", "b"), "c", True),
    ("text", "starts_with", ("o", "gpt"), "GPT-5", True),
    ("text", "starts_with", "gpt", "my-gpt", False),
    ("text", "ends_with", ("o", "-Mini"), "gpt-5-mini", True),
    ("text", "ends_with", "gpt", "gpt-5", False),
    ("text", "contains", ("x-", "MINI"), "gpt-5-mini-2", True),
    ("text", "contains", ("mini", "nano"), "gpt-5", False),
    ("choice", "is", "chat", "chat", True),
    ("choice", "is", "chat", "messages", False),
    ("choice", "is_not", "chat", "messages", True),
    ("choice", "is_not", "chat", "chat", False),
    ("set", "has", "vip", ("beta", "VIP"), True),
    ("set", "has", ("vip", "gold"), ("gold",), True),
    ("set", "has", "vip", ("vips",), False),
    ("set", "has", "vip", (), False),
    ("set", "has_not", "vip", (), True),
    ("set", "has_not", ("vip", "gold"), ("Gold",), False),
    ("set", "has_all", ("tools", "vision"), ("VISION", "tools", "audio"), True),
    ("set", "has_all", ("tools", "vision"), ("tools",), False),
    ("number", "at_most", 10, 10, True),
    ("number", "at_most", 10, 11, False),
    ("number", "less_than", 10, 9, True),
    ("number", "less_than", 10, 10, False),
    ("number", "at_least", 10, 10, True),
    ("number", "at_least", 10, 9, False),
    ("number", "more_than", 10, 11, True),
    ("number", "more_than", 10, 10, False),
    ("number", "between", (5, 10), 5, True),
    ("number", "between", (5, 10), 10, True),
    ("number", "between", (5, 10), 4, False),
    ("number", "between", (5, 10), 11, False),
    # Neither wraps nor overflows.
    ("number", "less_than", 10**400, 1, True),
    ("number", "more_than", 2**53, 2**53 + 1, True),
    ("time", "between", ("09:00", "17:30"), 540, True),
    ("time", "between", ("09:00", "17:30"), 1049, True),
    ("time", "between", ("09:00", "17:30"), 539, False),
    ("time", "between", ("09:00", "17:30"), 1050, False),
    ("time", "between", ("22:00", "06:00"), 1320, True),
    ("time", "between", ("22:00", "06:00"), 359, True),
    ("time", "between", ("22:00", "06:00"), 360, False),
    ("time", "between", ("22:00", "06:00"), 1319, False),
    ("time", "between", ("09:00", "09:00"), 540, False),
    ("time", "between", ("09:00", "09:00"), 0, False),
    ("time", "not_between", ("09:00", "17:30"), 539, True),
    ("time", "not_between", ("09:00", "17:30"), 540, False),
    ("date", "is", ("2026-12-24", "2026-12-31"), "2026-12-31", True),
    ("date", "is", "2026-12-24", "2026-12-31", False),
    ("date", "is_not", "2026-12-24", "2026-12-31", True),
    ("date", "is_not", "2026-12-24", "2026-12-24", False),
    ("date", "from", "2026-12-24", "2026-12-24", True),
    ("date", "from", "2026-12-24", "2026-12-23", False),
    ("date", "until", "2026-12-24", "2026-12-24", True),
    ("date", "until", "2026-12-24", "2026-12-25", False),
    ("date", "between", ("2026-12-24", "2026-12-26"), "2026-12-26", True),
    ("date", "between", ("2026-12-24", "2026-12-26"), "2026-12-27", False),
    ("calendar", "is_in", ("2026-12-25", "2026-01-01"), "2026-01-01", True),
    ("calendar", "is_in", ("2026-12-25",), "2026-01-01", False),
    # A calendar without a date.
    ("calendar", "is_in", (), "2026-01-01", False),
    ("calendar", "is_not_in", ("2026-12-25",), "2026-01-01", True),
    ("calendar", "is_not_in", ("2026-12-25",), "2026-12-25", False),
    ("message", "contains", ("invoice", "Refund"), {FOUND: True, OTHER: False}, True),
    ("message", "contains", ("invoice", "refund"), {FOUND: True}, True),
    ("message", "contains", ("invoice", "refund"), {FOUND: False}, None),
    ("message", "contains", ("invoice", "refund"), {FOUND: False, OTHER: False}, False),
    ("message", "contains", "refund", {}, None),
    ("message", "matches", r"order \d+", {FORM: True}, True),
    ("message", "matches", r"order \d+", {FORM: False}, False),
    # Patterns have case.
    ("message", "matches", r"ORDER \d+", {FORM: True}, None),
    ("flag", "is", True, True, True),
    ("flag", "is", True, False, False),
    ("flag", "is", False, False, True),
    ("share", "within_first", (PLACE + 1e-9, "s"), "u", True),
    ("share", "within_first", (PLACE, "s"), "u", False),
    ("share", "within_first", (100.0, "s"), "u", True),
]


@pytest.mark.parametrize(("kind", "operator", "expected", "seen", "verdict"), CASES)
def test_operator__given_both_sides__decides(
    kind: str, operator: str, expected: Any, seen: Any, verdict: bool | None
) -> None:
    assert OPERATORS_BY_KIND[kind][operator](expected)(seen) is verdict


def test_operators__of_the_tables__are_each_tried_both_ways() -> None:
    tried = {(kind, operator, verdict) for kind, operator, _expected, _seen, verdict in CASES}
    wanted = {
        (kind, operator, verdict)
        for kind, table in OPERATORS_BY_KIND.items()
        for operator in table
        for verdict in (True, False)
    }
    assert wanted - tried == set()


@pytest.mark.parametrize(
    ("text", "minute"),
    [("00:00", 0), ("00:01", 1), ("01:00", 60), ("09:59", 599), ("23:59", 1_439), ("24:00", 1_440)],
)
def test_minute_of__time_of_day__is_counted_from_midnight(text: str, minute: int) -> None:
    assert minute_of(text) == minute


@pytest.mark.parametrize(
    "text",
    [
        *("", "9:00", "09:0", "09:000", "009:00", "0900", "09-00", "24:01", "25:00", "10:60"),
        *("-1:00", "+1:00", " 1:00", "1 :00", "ab:cd", "09:00:00", "٠٩:٠٠", "1_:00"),
    ],
)
def test_minute_of__anything_else__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        minute_of(text)


def test_share__of_many_units__is_as_large_as_it_says() -> None:
    within = OPERATORS_BY_KIND["share"]["within_first"]((20.0, "s"))
    found = sum(bool(within(f"unit-{number}")) for number in range(5_000))
    assert 900 < found < 1_100


def test_share__that_grows__keeps_the_units_that_it_had() -> None:
    small, large = (OPERATORS_BY_KIND["share"]["within_first"]((p, "s")) for p in (10.0, 30.0))
    units = [f"unit-{number}" for number in range(500)]
    assert {u for u in units if small(u)} < {u for u in units if large(u)}


def test_words__of_fields_and_operators__are_known_in_both_languages() -> None:
    named = {*FIELDS, *(name for table in OPERATORS_BY_KIND.values() for name in table)}
    assert named - set(WORDS) == set()
    assert all(english and portuguese for english, portuguese in WORDS.values())
