"""When to wait for a better one, and when to hang up on the one that was called."""

from typing import Any

import pytest

from apps.routing.engine.types import Choice, Effects, Health
from tests.engine.balancing import BY_TIME, answered, ids, rank
from tests.engine.records import NOW, make_health

# With 250 tokens of 2 ms each these take 1.0 s, 5.0 s.
QUICK = answered(500, 2)
SLOW = answered(4_500, 2)


def blocked(state: dict[str, Any], wait_ms: int, **fields: Any) -> dict[str, Any]:
    return {**state, "retry_after_ms": NOW + wait_ms, **fields}


# --- waiting for a better one --------------------------------------------------------------------


def test_rank__of_nobody_ready__tells_when_to_ask_again() -> None:
    found = rank(make_health(a=blocked(QUICK, 700), b=blocked(SLOW, 300)))
    assert found == ([], 300, None)
    assert rank(names="") == ([], None, None)


@pytest.mark.parametrize(
    ("wait_ms", "waits"), [(1, True), (400, True), (1_000, True), (1_001, False), (9_000, False)]
)
def test_better_one__free_in_a_moment__is_waited_for(wait_ms: int, waits: bool) -> None:
    found = rank(make_health(a=blocked(QUICK, wait_ms), b=SLOW))
    assert (ids(found), found.wait_ms) == (("", wait_ms) if waits else ("b", None))


@pytest.mark.parametrize(
    ("ready", "waits"),
    [
        # The other one takes 0.4 + 1.0 s; half as long again is 2.1 s.
        (answered(1_500, 2), False),
        (answered(1_599, 2), False),
        (answered(1_601, 2), True),
        (answered(900, 2, error_rate=0.4), True),
        (answered(900, 2, in_flight=25), True),
        (answered(900, 2), False),
    ],
)
def test_better_one__that_is_hardly_better__is_not_waited_for(
    ready: dict[str, Any], waits: bool
) -> None:
    found = rank(make_health(a=blocked(QUICK, 400), b=ready))
    assert (ids(found), found.wait_ms) == (("", 400) if waits else ("b", None))


@pytest.mark.parametrize(
    ("wait_ms", "ready", "waits"),
    [
        (500, answered(1_750, 2), False),
        (500, answered(1_751, 2), True),
        (1_000, answered(2_499.5, 2), False),
        (1_000, answered(2_500.5, 2), True),
    ],
)
def test_better_one__with_its_wait__must_be_quicker_by_more_than_half(
    wait_ms: int, ready: dict[str, Any], waits: bool
) -> None:
    found = rank(make_health(a=blocked(QUICK, wait_ms), b=ready))
    assert found.wait_ms == (wait_ms if waits else None)


def test_better_one__that_is_ready_but_dear__is_no_reason_to_wait() -> None:
    health = make_health(a=blocked(SLOW, 400), b=SLOW, c=QUICK)
    dear = {"c": {"input_price": 10**9, "output_price": 10**9}}
    assert ids(rank(health, "abc", choice=Choice(price_weight=100), deployments=dear)) == "bc"


@pytest.mark.parametrize(
    "state",
    [
        blocked(QUICK, 400, probation=1),
        blocked(QUICK, 400, in_flight=90),
        blocked(QUICK, 400, error_rate=0.6),
        blocked(QUICK, 400, ejected_until_ms=NOW + 1),
        blocked(answered(4_000, 2), 400),
    ],
)
def test_better_one__that_promises_nothing__is_not_waited_for(state: dict[str, Any]) -> None:
    assert ids(rank(make_health(a=state, b=SLOW))) == "b"


def test_better_one__of_several__is_the_one_that_answers_first_with_its_wait() -> None:
    health = make_health(a=blocked(answered(900, 2), 100), b=blocked(QUICK, 300), c=SLOW)
    assert rank(health, "abc").wait_ms == 300
    health = make_health(a=blocked(answered(600, 2), 100), b=blocked(QUICK, 300), c=SLOW)
    assert rank(health, "abc").wait_ms == 100


@pytest.mark.parametrize(("age_ms", "waits"), [(0, True), (3_000, True), (3_001, False)])
def test_better_one__for_an_old_request__is_not_waited_for(age_ms: int, waits: bool) -> None:
    health = make_health(a=blocked(QUICK, 400), b=answered(9_500, 2))
    found = rank(health, arrived_ms=NOW - age_ms)
    assert (ids(found), found.wait_ms) == (("", 400) if waits else ("b", None))


@pytest.mark.parametrize(("age_ms", "waits"), [(400, True), (2_333, True), (2_334, False)])
def test_better_one__waited_for_in_vain__is_expected_to_take_as_long_again(
    age_ms: int, waits: bool
) -> None:
    # The other one takes 5.0 s, that is half as long again as 2.333 + 1.0 s.
    health = make_health(a=blocked(QUICK, 400), b=SLOW)
    found = rank(health, arrived_ms=NOW - age_ms)
    assert (ids(found), found.wait_ms) == (("", 400) if waits else ("b", None))


def test_better_one__in_time__is_nothing_to_the_cheapest_strategy() -> None:
    health = make_health(a=blocked(QUICK, 400), b=SLOW)
    assert ids(rank(health, choice=Choice(strategy="cheapest"))) == "b"


def test_better_one__compared_by_time__leaves_the_price_out() -> None:
    health = make_health(a=blocked(QUICK, 400), b=SLOW)
    dear = {"a": {"input_price": 10**9, "output_price": 10**9}}
    assert rank(health, choice=Choice(price_weight=100), deployments=dear).wait_ms == 400


# --- patience ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "patience_ms"),
    [
        (answered(100), answered(400), 2_500),
        (answered(500), answered(900), 2_500),
        (answered(510), answered(900), 2_550),
        (answered(800.3), answered(900), 4_002),
        (answered(3_100), answered(4_000), 15_000),
        # What is usual of the first one counts when it is quicker than usual of late.
        (answered(900, ttft_ms=600.0), answered(900), 4_500),
        # What is slow of late gets no longer for that: the quickest counts.
        (answered(700, ttft_ms=800.0), answered(900), 4_000),
        ({}, {}, 2_500),
    ],
)
def test_patience__with_the_first_one__is_five_times_what_is_quick_or_usual(
    first: dict[str, Any], second: dict[str, Any], patience_ms: int
) -> None:
    found = rank(make_health(a=first, b=second))
    assert ids(found)[0] == "a" or not first
    assert found.patience_ms == patience_ms


def test_patience__beside_a_quicker_one_that_is_blocked__is_by_the_quickest() -> None:
    health = make_health(a=answered(800), b=answered(900), c=blocked(answered(700), 9_000))
    assert rank(health, "ab").patience_ms == 4_000
    unusual = make_health(
        a=answered(100, ttft_ms=2_000.0, seen_ms=NOW),
        b=answered(100, ttft_ms=2_100.0),
        c=blocked(answered(100, ttft_ms=700.0), 9_000),
    )
    assert rank(unusual, "ab").patience_ms == 10_000
    assert rank(unusual, "abc").patience_ms == 3_500


@pytest.mark.parametrize(
    ("names", "tried", "is_patient"),
    [
        ("ab", (), False),
        ("ab", ("x",), False),
        # The last call, and the only one that can be called, get all the time there is.
        ("ab", ("x", "y"), True),
        ("ab", ("x", "y", "z"), True),
        ("a", (), True),
    ],
)
@pytest.mark.parametrize("wanted", [None, 700, 60_000])
def test_patience__with_the_last_one__has_no_end_but_that_of_the_rule(
    names: str, tried: tuple[str, ...], is_patient: bool, wanted: int | None
) -> None:
    effects = Effects(first_token_timeout_ms=wanted)
    found = rank(Health(), names, choice=BY_TIME, effects=effects, tried_deployments=tried)
    assert found.patience_ms == (wanted if is_patient or wanted is not None else 2_500)


def test_patience__with_one_while_the_other_is_blocked__is_that_of_two() -> None:
    health = make_health(a=SLOW, b=blocked(answered(600), 9_000))
    found = rank(health)
    assert (ids(found), found.patience_ms) == ("a", 15_000)
