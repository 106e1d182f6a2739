"""Hashes that logs and rules rely on: the same in every version and on every machine."""

from collections import Counter

import pytest

from apps.routing.engine.hashing import fraction, mix, pattern_id, spread, unit_interval

SPREAD_OF_TODAY = ["f6d85c40f97beeae", "fbca97a0c1f1bce2", "f8cd0304578b59a1", "f98f4c72e6fb6b4d"]


def test_spread__never_changes_between_versions() -> None:
    # A stored seed must replay to the same order: these figures are a promise.
    assert [f"{spread('seed', name):016x}" for name in ("d1", "d2", "é", "")] == SPREAD_OF_TODAY


def test_pattern_id__never_changes_between_versions() -> None:
    ids = [pattern_id("contains", "refund"), pattern_id("matches", r"order \d+")]
    assert ids == ["950805507d5c39c4", "1a4d3d8137e4cbe1"]


def test_pattern_id__of_a_text__has_no_case_and_that_of_a_pattern_has() -> None:
    assert pattern_id("contains", "STRASSE") == pattern_id("contains", "straße")
    assert pattern_id("matches", "A") != pattern_id("matches", "a")
    assert pattern_id("matches", "a") != pattern_id("contains", "a")


def test_spread__half_of_a_surrogate_pair__is_hashed_too() -> None:
    assert spread("\ud800") != spread("\udc00")


@pytest.mark.parametrize(
    ("value", "share"), [(0, 0.0), (1 << 63, 0.5), ((1 << 64) - 1, 1 - 2**-53)]
)
def test_unit_interval__of_the_borders__stays_below_one(value: int, share: float) -> None:
    assert unit_interval(value) == share


def test_mix__of_neighbours__parts_them() -> None:
    ones = [(mix(number) ^ mix(number + 1)).bit_count() for number in range(1, 1_000)]
    assert 30 < sum(ones) / len(ones) < 34
    assert mix(0) == 0


def test_fraction__of_many_names__fills_the_interval_evenly() -> None:
    tenths = Counter(int(fraction("salt", f"name-{number}") * 10) for number in range(10_000))
    assert set(tenths) == set(range(10))
    assert all(900 < count < 1_100 for count in tenths.values())
