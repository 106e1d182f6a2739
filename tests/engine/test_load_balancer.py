"""The balancer: the fastest and least busy first, equals spread evenly."""

from collections import Counter
from typing import Any

import pytest

from apps.routing.engine.load_balancer import order, spread
from apps.routing.engine.types import Health
from tests.engine.records import make_deployment, make_health

SEEDS = 3_000
SPREAD_OF_TODAY = [17787068162433085102, 18143480765519871202, 17927989008815315361]


def ids(health: Health, seed: str = "s", names: str = "abc") -> list[str]:
    return [item.id for item in order([make_deployment(name) for name in names], health, seed)]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"a": {"ttft_ms": 900}, "b": {"ttft_ms": 100}, "c": {"ttft_ms": 400}}, "bca"),
        # The same speed: fewer calls in flight first.
        ({"a": {"in_flight": 2}, "b": {"in_flight": 0}, "c": {"in_flight": 1}}, "bca"),
        # Slow and idle against fast and busy: 9 steps x 1, 3 steps x 5, 1 step x 4.
        (
            {
                "a": {"ttft_ms": 410},
                "b": {"ttft_ms": 110, "in_flight": 4},
                "c": {"ttft_ms": 10, "in_flight": 3},
            },
            "cab",
        ),
        # Never seen: as fast as the fastest, so it is tried before the slow ones.
        ({"a": {"ttft_ms": 900}, "b": {"ttft_ms": 100, "in_flight": 1}}, "cba"),
    ],
)
def test_order__expected_answer_time__is_shortest_first(
    states: dict[str, Any], expected: str
) -> None:
    assert "".join(ids(make_health(**states))) == expected


def test_order__times_that_differ_by_luck__do_not_herd() -> None:
    health = make_health(a={"ttft_ms": 101}, b={"ttft_ms": 149}, c={"ttft_ms": 120})
    first = Counter(ids(health, str(seed))[0] for seed in range(300))
    assert set(first) == {"a", "b", "c"}


@pytest.mark.parametrize("count", [2, 3, 5])
def test_order__equals__share_the_first_place_evenly_over_seeds(count: int) -> None:
    names = "abcde"[:count]
    first = Counter(ids(Health(), f"seed-{number}", names)[0] for number in range(SEEDS))
    fair = SEEDS / count
    assert all(abs(first[name] - fair) < fair * 0.15 for name in names), first


def test_order__equals__share_the_second_place_too() -> None:
    second = Counter(ids(Health(), f"{number:032x}")[1] for number in range(SEEDS))
    assert all(abs(second[name] - SEEDS / 3) < SEEDS / 3 * 0.15 for name in "abc"), second


def test_order__same_seed__is_the_same_whatever_came_in() -> None:
    assert ids(Health(), "s", "abc") == ids(Health(), "s", "cab")


def test_order__one_or_none__is_returned() -> None:
    assert ids(Health(), names="a") == ["a"]
    assert ids(Health(), names="") == []


def test_spread__never_changes_between_versions() -> None:
    # A stored seed must replay to the same order: these figures are a promise.
    assert [spread("seed", name) for name in ("d1", "d2", "é")] == SPREAD_OF_TODAY
