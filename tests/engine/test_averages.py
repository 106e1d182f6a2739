"""Averages of answer times: bad surprises at once, good news slowly, the usual slower still."""

import math

import pytest

from apps.routing.engine.averages import learned, usual

AFTER_8_S = math.exp(-0.8)
AFTER_10_S = math.exp(-1)
# What a second is of the times for which the usual remembers.
QUICKER = 1 - math.exp(-1 / 20)
SLOWER = 1 - math.exp(-1 / 600)


@pytest.mark.parametrize(
    ("sample", "age_ms", "expected"),
    [
        # A bad surprise counts at once, and more after a silence.
        (200.0, 0, 0.6 * 100 + 0.4 * 200),
        (150.1, 0, 0.6 * 100 + 0.4 * 150.1),
        (200.0, 5_000, 0.6 * 100 + 0.4 * 200),
        (200.0, 10_000, AFTER_10_S * 100 + (1 - AFTER_10_S) * 200),
        # Half as slow again is no surprise: it counts by the time that went by.
        (150.0, 0, 100.0),
        (150.0, 1_000, math.exp(-0.1) * 100 + (1 - math.exp(-0.1)) * 150),
        # Good news moves it by a fifth at the most, until the average is an old one.
        (50.0, 0, 100.0),
        (50.0, 1_000, math.exp(-0.1) * 100 + (1 - math.exp(-0.1)) * 50),
        (50.0, 5_000, 90.0),
        (50.0, 7_999, 90.0),
        (50.0, 8_000, AFTER_8_S * 100 + (1 - AFTER_8_S) * 50),
        (50.0, 10**9, 50.0),
        # Events may come in any order.
        (50.0, -5_000, 100.0),
        (200.0, -5_000, 140.0),
    ],
)
def test_learned__one_more_sample__counts_by_how_bad_and_how_late_it_is(
    sample: float, age_ms: float, expected: float
) -> None:
    assert learned(100.0, sample, age_ms) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("known", "sample", "age_ms", "expected"),
    [
        (0.0, 300.0, 0, 300.0),
        (100.0, 100.0, 1_000, 100.0),
        (100.0, 50.0, 1_000, 100 - QUICKER * 50),
        (100.0, 150.0, 1_000, 100 + SLOWER * 50),
        (100.0, 200.0, 1_000, 100 + SLOWER * 100),
        # More than twice as slow as usual counts as twice.
        (100.0, 90_000.0, 1_000, 100 + SLOWER * 100),
        # Calls that come at once tell it once; events may come in any order.
        (100.0, 50.0, 0, 100.0),
        (100.0, 50.0, -5_000, 100.0),
        # After a long silence it is one call all the same.
        (100.0, 50.0, 10_000, 100 - (1 - math.exp(-0.5)) * 50),
        (100.0, 50.0, 10**9, 100 - (1 - math.exp(-0.5)) * 50),
    ],
)
def test_usual__one_more_sample__counts_by_the_time_since_the_last(
    known: float, sample: float, age_ms: float, expected: float
) -> None:
    assert usual(known, sample, age_ms) == pytest.approx(expected)


@pytest.mark.parametrize("calls_per_second", [1, 50])
def test_usual__during_an_incident_of_100_s__stays_near_what_it_was_however_many_calls_it_meets(
    calls_per_second: int,
) -> None:
    late = usually = 100.0
    for _ in range(100 * calls_per_second):
        late = learned(late, 20_000.0, 1_000 / calls_per_second)
        usually = usual(usually, 20_000.0, 1_000 / calls_per_second)
    assert late > 15_000
    assert usually < 125
