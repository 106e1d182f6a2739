"""Who rests or is on probation is called all the same when everybody else takes much longer."""

from typing import Any

import pytest

from apps.routing.engine.types import Choice, TraceStep
from tests.engine.balancing import answered, ids, rank
from tests.engine.records import NOW, make_health

# With 250 tokens of 2 ms each it takes 1.0 s, with its failures 1.5625 s.
RESTS = answered(500, 2, error_rate=0.2, ejected_until_ms=NOW + 900, probation=3)
OWES = answered(500, 2, error_rate=0.2, probation=2, in_flight=1)
PROBING = "seed-6"


def slow(seconds: float, **fields: Any) -> dict[str, Any]:
    """Return one that usually takes 1.0 s, and so many of late."""
    return answered(500, 2, **{"ttft_ms": seconds * 1_000 - 500, **fields})


@pytest.mark.parametrize("state", [RESTS, OWES])
@pytest.mark.parametrize(("seconds", "order"), [(1.0, "b"), (1.56, "b"), (1.57, "ab"), (9.0, "ab")])
def test_one_that_rests__quicker_with_its_failures_than_all_others__is_called(
    state: dict[str, Any], seconds: float, order: str
) -> None:
    assert ids(rank(make_health(a=state, b=slow(seconds)))) == order


def test_one_that_rests__no_quicker_than_the_others__is_not_called() -> None:
    assert ids(rank(make_health(a=slow(4.0, probation=2, in_flight=0), b=slow(4.0)))) == "b"


@pytest.mark.parametrize(("seconds", "order"), [(1.5, "b"), (1.501, "ab")])
def test_one_that_rests__while_others_are_about_as_quick_as_usual__is_not_missed(
    seconds: float, order: str
) -> None:
    forgiven = {**RESTS, "error_rate": 0.0}
    assert ids(rank(make_health(a=forgiven, b=slow(seconds)))) == order
    # One of the others is enough.
    assert ids(rank(make_health(a=forgiven, b=slow(seconds), c=slow(1.0)), "abc"))[0] == "c"
    as_usual = make_health(a=forgiven, b=answered(4_500, 2))
    assert ids(rank(as_usual)) == "b"


def test_one_that_rests__beside_one_never_called__waits_until_that_one_disappoints() -> None:
    assert ids(rank(make_health(a=RESTS, b={}))) == "b"
    hanging = {"waiting": {"c1": NOW - 4_000}, "in_flight": 1}
    assert ids(rank(make_health(a=RESTS, b=hanging))) == "ab"


def test_one_that_rests__called_or_not__is_told_of_once() -> None:
    steps: list[TraceStep] = []
    rank(make_health(a=RESTS, b=slow(4.0), c={**RESTS, "failures": 9}), "abc", steps=steps)
    assert [(step.code, step.subject) for step in steps] == [
        ("called_back", "a"), ("ejected", "c"), ("scored", "b"), ("scored", "a"),
    ]  # fmt: skip
    told = next(step for step in steps if step.code == "called_back")
    assert (told.layer, told.verdict) == ("deployment", "kept")
    assert told.numbers == {"seconds": pytest.approx(1.5625), "others": pytest.approx(4.0)}


def test_one_that_rests__is_nothing_to_the_cheapest_strategy() -> None:
    health = make_health(a=RESTS, b=slow(9.0))
    assert ids(rank(health, choice=Choice(strategy="cheapest"))) == "b"


def test_one_that_rests__when_a_request_may_probe__leaves_that_to_who_owes_proof() -> None:
    health = make_health(a=RESTS, b=slow(9.0), c={**OWES, "in_flight": 0})
    steps: list[TraceStep] = []
    assert ids(rank(health, "abc", seed=PROBING, steps=steps)) == "cb"
    assert ("ejected", "a") in [(step.code, step.subject) for step in steps]


@pytest.mark.parametrize(
    ("wait_ms", "age_ms", "order"),
    [
        (500, 0, ""),
        (700, 0, "a"),
        # Who waited in vain already has to expect as much again.
        (10, 500, ""),
        (10, 600, "a"),
    ],
)
def test_one_that_rests__quicker_than_the_others_with_their_wait__is_called(
    wait_ms: int, age_ms: int, order: str
) -> None:
    blocked = answered(500, 2, retry_after_ms=NOW + wait_ms)
    found = rank(make_health(a=RESTS, b=blocked), arrived_ms=NOW - age_ms)
    assert (ids(found), found.wait_ms) == (order, None if order else wait_ms)


def test_one_that_rests__and_has_to_wait_itself__is_not_called() -> None:
    health = make_health(a={**RESTS, "retry_after_ms": NOW + 5_000}, b=slow(9.0))
    assert ids(rank(health)) == "b"


def test_one_that_rests__once_called__is_where_a_silent_first_one_is_left_for() -> None:
    assert rank(make_health(a=RESTS, b=slow(1.2))).patience_ms is None
    assert rank(make_health(a={**RESTS, "error_rate": 0.0}, b=slow(2.0))).patience_ms == 2_500


def test_one_that_rests__beside_one_as_slow_as_it_always_is__is_not_missed() -> None:
    health = make_health(a=RESTS, b=answered(4_500, 2), c=slow(9.0))
    assert ids(rank(health, "abc")) == "bc"


def test_one_that_rests__while_all_others_wait__is_compared_with_their_pace() -> None:
    # One never called is taken for as quick as the other one, 0.35 s, though both have to wait.
    states = {"b": {"retry_after_ms": NOW + 2_000}, "c": answered(100, 1)}
    states["c"]["retry_after_ms"] = NOW + 9_000
    assert ids(rank(make_health(a=RESTS, **states), "abc")) == "a"
