"""Who may be called now: rests, probation, probes, panic, and the reasons with their numbers.

Waits are in `test_readiness_waits.py`.
"""

from typing import Any

import pytest

from apps.routing.engine.filters import Candidate
from apps.routing.engine.readiness import Gatekeeper
from apps.routing.engine.types import Effects, TraceStep
from tests.engine.gatekeeping import OWES, PROBED, RESTS, SLOW_LONG_AGO, Found, check
from tests.engine.records import NOW, make_deployment, make_facts, make_health


def test_nothing__known_or_asked__is_fine() -> None:
    assert check() == Found("ab", "ab", None, False, [])
    assert check(names="") == Found("", "", None, False, [])


# --- left out whatever comes ---------------------------------------------------------------------


@pytest.mark.parametrize(("until", "rests"), [(NOW - 1, False), (NOW, False), (NOW + 5, True)])
def test_credential__refused__leaves_out_what_it_opens(until: int, rests: bool) -> None:
    health = make_health(credentials_down={"k1": until})
    found = check(health, "a", deployment={"credential": "k1"})
    left_out = Found("", "", None, False, [("credential_refused", "a", {"wait_ms": 5})])
    assert found == (left_out if rests else Found("a", "a", None, False, []))
    assert check(health, "a", deployment={"credential": "k2"}).ready == "a"


@pytest.mark.parametrize(
    ("left", "tried", "is_spent"),
    [(0.99, ("x",), True), (1.0, ("x",), False), (0.0, (), False)],
)
def test_retry_budget__spent__leaves_out_for_requests_that_failed_already(
    left: float, tried: tuple[str, ...], is_spent: bool
) -> None:
    health = make_health(retries={"acme-ai": (left, NOW)})
    found = check(health, "a", tried_deployments=tried)
    step = ("retry_budget_spent", "a", {"provider": "acme-ai"})
    assert (found.ready, found.steps) == (("", [step]) if is_spent else ("a", []))
    assert check(health, "a", tried_deployments=tried, now_ms=NOW + 400).ready == "a"


@pytest.mark.parametrize(
    ("ttft_ms", "seen_ms", "cap_ms", "is_slow"),
    [
        (901.2, NOW, 900, True),
        (900.0, NOW, 900, False),
        (901.2, NOW, None, False),
        # Nothing was ever heard of it: the guess is no reason.
        (901.2, 0, 900, False),
        (901.2, NOW, 0, True),
    ],
)
def test_latency_cap__of_a_rule__leaves_out_what_is_known_to_be_slower(
    ttft_ms: float, seen_ms: int, cap_ms: int | None, is_slow: bool
) -> None:
    health = make_health(a={"ttft_ms": ttft_ms, "seen_ms": seen_ms})
    found = check(health, "a", effects=Effects(latency_cap_ms=cap_ms))
    step = ("too_slow", "a", {"expected_ms": 901, "cap_ms": cap_ms})
    assert (found.ready, found.steps) == (("", [step]) if is_slow else ("a", []))


# --- rests, probation and probes -----------------------------------------------------------------


def test_ejected__until_its_time__rests() -> None:
    found = check(make_health(a={"ejected_until_ms": NOW + 1, "failures": 3}))
    step = ("ejected", "a", {"wait_ms": 1, "failures": 3})
    assert found == Found("b", "b", None, False, [step])


def test_ejected__when_its_time_is_over__owes_proof() -> None:
    found = check(make_health(a={"ejected_until_ms": NOW, "failures": 3}))
    assert found == Found("ab", "b", None, False, [("on_probation", "a", {"owed": 3})])


@pytest.mark.parametrize(
    ("draw", "tried", "is_probe"),
    [
        (0.0, (), False),
        (0.79, (), False),
        (0.8, (), True),
        (0.99, (), True),
        # Whoever has failed once already is not sent to try somebody out.
        (0.99, ("x",), False),
    ],
)
@pytest.mark.parametrize(("state", "owed"), [(OWES, 2), (SLOW_LONG_AGO, 1)])
def test_proof__owed__is_asked_of_a_few_requests(
    draw: float, tried: tuple[str, ...], is_probe: bool, state: dict[str, Any], owed: int
) -> None:
    found = check(make_health(a=state), draw=draw, tried_deployments=tried)
    expected = Found("ab", "ab", None, True, [])
    if not is_probe:
        expected = Found("ab", "b", None, False, [("on_probation", "a", {"owed": owed})])
    assert found == expected


@pytest.mark.parametrize(("until", "code"), [(NOW, "on_probation"), (NOW + 1, "ejected")])
def test_proof__owed_after_a_rest__is_told_as_such_once_that_is_over(until: int, code: str) -> None:
    found = check(make_health(a={**OWES, "probation": 3, "ejected_until_ms": until}))
    assert [step[:2] for step in found.steps] == [(code, "a")]


@pytest.mark.parametrize(
    ("owed", "codes"), [(3, ["ejected"]), (2, ["on_probation"]), (1, ["on_probation"]), (0, [])]
)
def test_rest__after_an_answer__is_over_before_its_time(owed: int, codes: list[str]) -> None:
    found = check(make_health(a={"probation": owed, "ejected_until_ms": NOW + 900}))
    assert [step[:2] for step in found.steps] == [(code, "a") for code in codes]


@pytest.mark.parametrize("draw", [0.0, 0.9])
@pytest.mark.parametrize(("state", "owed"), [(OWES, 2), (SLOW_LONG_AGO, 1)])
def test_proof__with_a_call_under_way__is_awaited(
    draw: float, state: dict[str, Any], owed: int
) -> None:
    found = check(make_health(a={**state, "in_flight": 1}), draw=draw)
    assert found == Found("b", "b", None, False, [("on_probation", "a", {"owed": owed})])


@pytest.mark.parametrize("draw", [0.0, 0.9])
def test_proof__owed_by_all_or_none__makes_no_probe(draw: float) -> None:
    assert check(make_health(a=OWES, b=OWES), draw=draw) == Found("ab", "ab", None, False, [])
    busy = make_health(a={"in_flight": 9}, b={"in_flight": 1})
    assert check(busy, draw=draw) == Found("ab", "ab", None, False, [])


@pytest.mark.parametrize(
    ("changed", "owes"),
    [
        ({}, True),
        ({"ttft_ms": 250.0}, False),
        ({"seen_ms": NOW - 8_000}, False),
        ({"usual_ttft_ms": 0.0}, False),
        ({"usual_ttft_ms": 101.0}, False),
        ({"usual_ttft_ms": 0.2, "ttft_ms": 0.6}, True),
    ],
)
def test_proof__of_one_slow_at_its_last_call_long_ago__is_owed(
    changed: dict[str, Any], owes: bool
) -> None:
    found = check(make_health(a={**SLOW_LONG_AGO, **changed}))
    assert found.ready == ("b" if owes else "ab")


# --- panic ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "resting", "is_panic"),
    [
        ("a", "a", True),
        ("ab", "a", False),
        ("ab", "ab", True),
        ("abc", "a", False),
        ("abc", "ab", True),
        ("abcd", "ab", False),
        ("abcd", "abc", True),
    ],
)
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"ejected_until_ms": NOW + 1, "failures": 3}, "ejected"),
        (PROBED, "on_probation"),
    ],
)
def test_panic__more_than_half_of_a_group_left_out__keeps_them_all(
    names: str, resting: str, is_panic: bool, state: dict[str, Any], reason: str
) -> None:
    found = check(make_health(**dict.fromkeys(resting, state)), names)
    others = "".join(name for name in names if name not in resting)
    assert (found.sound, found.ready) == (names if is_panic else others, others or names)
    left_out = [(reason, name) for name in resting]
    panic = [("panic", ", ".join(names))]
    assert [step[:2] for step in found.steps] == (left_out if others else panic)


def test_panic__is_told_as_kept() -> None:
    candidate = Candidate(make_deployment("a"), 500)
    steps: list[TraceStep] = []
    Gatekeeper(make_facts(), make_health(a=RESTS), Effects(), 0.0).check([candidate], steps)
    numbers: dict[str, Any] = {"kept": 1, "of": 1}
    assert steps == [TraceStep("deployment", "panic", "a", "kept", numbers)]


def test_panic__one_that_owes_nothing_is_left__it_is_called_and_the_others_are_probed() -> None:
    health = make_health(a=RESTS, b=RESTS)
    found = check(health, "abc")
    assert (found.sound, found.ready, found.is_probe) == ("abc", "c", False)
    assert [code for code, _, _ in found.steps] == ["ejected", "ejected"]
    probe = check(health, "abc", draw=0.9)
    assert (probe.ready, probe.is_probe, len(probe.steps)) == ("abc", True, 1)
