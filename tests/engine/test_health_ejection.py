"""Who rests after failures, for how long, what prolongs it and what is forgiven."""

from dataclasses import asdict
from functools import reduce
from typing import Any

import pytest

from apps.routing.engine.health import observe, rests
from apps.routing.engine.health_merge import merge
from apps.routing.engine.types import DeploymentHealth, Health, HealthEvent
from tests.engine.records import NOW, make_health

STEP_MS = 5_000


def event(kind: Any, at_ms: int = NOW, **numbers: Any) -> HealthEvent:
    return HealthEvent("d1", kind, at_ms, **numbers)


def after(*events: HealthEvent, **state: Any) -> DeploymentHealth:
    return reduce(observe, events, make_health(d1=state)).deployments["d1"]


def is_ejected(state: DeploymentHealth) -> bool:
    return state.ejected_until_ms > NOW


# --- what ejects ---------------------------------------------------------------------------------


def test_errors__three_in_a_row__eject_and_put_on_probation() -> None:
    errors = [event("error", NOW + number) for number in range(3)]
    assert not is_ejected(after(*errors[:2]))
    state = after(*errors)
    assert state.ejected_until_ms == NOW + 2 + STEP_MS
    assert (state.ejections, state.probation, state.failures) == (1, 3, 3)


@pytest.mark.parametrize("between", ["ok", "rate_limited", "rejected", "credential", "cancelled"])
def test_errors__with_something_between__are_forgiven_by_an_answer_only(between: Any) -> None:
    errors = [event("error")] * 2
    state = after(*errors, event(between), event("error"))
    assert is_ejected(state) is (between != "ok")
    assert state.failures == (1 if between == "ok" else 3)


def test_errors__of_a_burst_of_calls__are_in_a_row_only_until_the_first_token_of_another() -> None:
    """Failures come within moments: those who answer would else be heard of too late."""
    errors = [event("error", elapsed_ms=400.0)] * 2
    state = after(*errors, event("first_token", ttft_ms=900.0), event("error", elapsed_ms=950.0))
    assert (state.failures, is_ejected(state)) == (1, False)


def test_answer__with_its_first_token_seen_apart__counts_once() -> None:
    seen = after(event("first_token", ttft_ms=300.0), probation=3, error_rate=0.1)
    assert seen.probation == 2
    assert seen.error_rate == pytest.approx(0.095)
    streamed = event("ok", elapsed_ms=900.0, ttft_ms=300.0)
    ended = reduce(observe, [streamed], Health({"d1": seen})).deployments["d1"]
    assert (ended.probation, ended.error_rate) == (2, seen.error_rate)
    assert after(event("ok", elapsed_ms=900.0), probation=3).probation == 2


def test_answers__that_break_off_after_their_first_token__eject_by_their_rate() -> None:
    broken = [event("first_token", ttft_ms=300.0), event("error", elapsed_ms=400.0)]
    assert not is_ejected(after(*broken * 3))
    assert is_ejected(after(*broken * 4))


@pytest.mark.parametrize(("began_ms", "is_news"), [(-1, False), (0, True)])
def test_failure__of_a_call_from_before_the_ejection__counts_in_the_rate_only(
    began_ms: int, is_news: bool
) -> None:
    """So it is with answers: a burst of calls must not look worse than its failures."""
    known = {"ejected_until_ms": NOW + STEP_MS, "ejections": 1, "probation": 3, "failures": 3}
    state = after(event("error", NOW + began_ms + 700, elapsed_ms=700.0), **known)
    assert state.failures == (4 if is_news else 3)
    assert state.error_rate == pytest.approx(0.05)


@pytest.mark.parametrize(("began_ms", "is_news"), [(-1, False), (0, True)])
def test_first_token__of_a_call_from_before_the_ejection__ends_no_rest(
    began_ms: int, is_news: bool
) -> None:
    known = {"ejected_until_ms": NOW + STEP_MS, "ejections": 1, "probation": 3, "failures": 3}
    state = after(event("first_token", NOW + began_ms + 700, ttft_ms=700.0), **known)
    assert (state.failures, state.probation) == ((0, 2) if is_news else (3, 3))


def test_timeouts__without_a_first_token__eject_as_errors_do() -> None:
    assert is_ejected(after(*[event("timeout", elapsed_ms=900.0)] * 3))


@pytest.mark.parametrize(("rate", "ejects"), [(0.1, False), (0.105, False), (0.106, True)])
def test_error__of_many_among_answers__ejects_by_its_rate(rate: float, ejects: bool) -> None:
    # 0.95 x 0.1052... + 0.05 is 0.15.
    assert is_ejected(after(event("error"), error_rate=rate)) is ejects


@pytest.mark.parametrize(("owed", "ejects"), [(0, False), (1, True), (3, True)])
def test_error__on_probation__ejects_at_once(owed: int, ejects: bool) -> None:
    state = after(event("error"), probation=owed)
    assert is_ejected(state) is ejects
    assert state.probation == (3 if ejects else 0)


@pytest.mark.parametrize(("rate", "ejects"), [(0.47, False), (0.48, True)])
def test_cut_answers__eject_only_when_they_are_most(rate: float, ejects: bool) -> None:
    cut = event("timeout", elapsed_ms=900.0, ttft_ms=90.0)
    state = after(cut, error_rate=rate, failures=2, probation=1)
    assert is_ejected(state) is ejects
    assert state.failures == 2
    assert state.error_rate == pytest.approx(0.95 * rate + 0.05)
    assert state.probation == (3 if ejects else 1)


# --- how long ------------------------------------------------------------------------------------


def test_ejections__in_a_row__last_longer_and_longer_up_to_half_a_minute() -> None:
    at_ms, state, lengths = NOW, after(*[event("error")] * 3), [STEP_MS]
    for _ in range(7):
        at_ms = state.ejected_until_ms
        state = after(event("error", at_ms), **fields_of(state))
        lengths.append(state.ejected_until_ms - at_ms)
    assert lengths == [5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 30_000, 30_000]
    assert state.ejections == 6


def fields_of(state: DeploymentHealth) -> dict[str, Any]:
    return {name: getattr(state, name) for name in DeploymentHealth.__dataclass_fields__}


@pytest.mark.parametrize(
    ("began_ms", "is_news"), [(-100, False), (-1, False), (0, True), (1, True)]
)
@pytest.mark.parametrize(
    ("kind", "numbers"), [("error", {}), ("timeout", {}), ("timeout", {"ttft_ms": 9.0})]
)
def test_failure__of_a_call_from_before_the_rest_was_over__does_not_prolong_it(
    began_ms: int, is_news: bool, kind: Any, numbers: dict[str, Any]
) -> None:
    until = NOW + STEP_MS
    resting = {"ejected_until_ms": until, "ejections": 1, "probation": 3, "error_rate": 0.9}
    late = event(kind, until + began_ms + 700, elapsed_ms=700.0, **numbers)
    state = after(late, **resting)
    assert (state.ejected_until_ms, state.ejections) == (
        (late.at_ms + 2 * STEP_MS, 2) if is_news else (until, 1)
    )


@pytest.mark.parametrize(("began_ms", "is_news"), [(-1, False), (0, True)])
def test_answer__of_a_call_from_before_the_rest_was_over__counts_in_the_rate_only(
    began_ms: int, is_news: bool
) -> None:
    until = NOW + STEP_MS
    before = {"ejected_until_ms": until, "probation": 3, "failures": 3, "error_rate": 0.1}
    state = after(event("ok", until + began_ms + 700, elapsed_ms=700.0), **before, in_flight=1)
    assert (state.failures, state.probation) == ((0, 2) if is_news else (3, 3))
    assert state.error_rate == pytest.approx(0.095)
    assert (state.in_flight, state.seen_ms) == (0, until + began_ms + 700)


@pytest.mark.parametrize(("began_ms", "is_news"), [(-1, False), (0, True), (STEP_MS, True)])
def test_answer__of_a_call_that_began_while_it_rested__ends_the_rest(
    began_ms: int, is_news: bool
) -> None:
    resting = {"ejected_until_ms": NOW + 2 * STEP_MS, "ejections": 2, "probation": 3}
    state = after(event("ok", NOW + began_ms + 700, elapsed_ms=700.0), **resting)
    assert (state.probation, rests(state, NOW + 800)) == ((2, False) if is_news else (3, True))
    assert state.ejected_until_ms == NOW + 2 * STEP_MS


def test_answers__enough_while_it_rested__leave_nothing_of_the_rest() -> None:
    resting = {"ejected_until_ms": NOW + 2 * STEP_MS, "ejections": 2, "probation": 1}
    state = after(event("ok", NOW + 700, elapsed_ms=700.0), **resting)
    assert state.probation == 0
    assert not rests(state, NOW + 700)


def test_answers__enough_while_it_rested__are_not_undone_by_who_has_not_seen_them() -> None:
    resting = {"ejected_until_ms": NOW + 2 * STEP_MS, "ejections": 2, "probation": 1}
    answered = Health({"d": after(event("ok", NOW + 700, elapsed_ms=700.0), **resting)})
    heard = make_health(d={**resting, "probation": 3, "seen_ms": NOW})
    for own, peer in ((answered, heard), (heard, answered)):
        assert not rests(merge(own, [peer]).deployments["d"], NOW + 800)


def test_good_spell__as_soon_as_the_time_of_the_last_ejection_is_over__forgives_it() -> None:
    until = NOW + 6 * STEP_MS
    well = {"ejected_until_ms": until, "ejections": 6, "error_rate": 0.01, "probation": 1}
    assert after(event("ok", until - 1), **well).ejections == 6
    assert after(event("ok", until), **well).ejections == 0


def test_ejection__after_a_good_spell_in_the_time_of_the_last_one__is_the_later_one() -> None:
    well = {"ejected_until_ms": NOW + 6 * STEP_MS, "ejections": 6, "error_rate": 0.01}
    good = after(event("ok", NOW + 10), **well)
    assert good.ejections == 6
    failed = after(*[event("error", NOW + 20)] * 3, **asdict(good))
    assert failed.ejected_until_ms > well["ejected_until_ms"]
    assert rests(merge(Health({"d": failed}), [Health({"d": good})]).deployments["d"], NOW + 30)


@pytest.mark.parametrize(("began_ms", "is_news"), [(-1, False), (0, True)])
def test_failure__after_an_answer_ended_the_rest__is_news(began_ms: int, is_news: bool) -> None:
    proving = {"ejected_until_ms": NOW + 2 * STEP_MS, "ejections": 2, "probation": 2}
    state = after(event("error", NOW + began_ms + 700, elapsed_ms=700.0), **proving)
    assert (state.ejections, state.probation) == ((3, 3) if is_news else (2, 2))
    assert rests(state, NOW + 800) is is_news


# --- forgiveness ---------------------------------------------------------------------------------


def test_probation__three_answers__end_it_below_the_rate_that_ejects() -> None:
    until = NOW + STEP_MS
    resting = {"ejected_until_ms": until, "ejections": 2, "probation": 3, "error_rate": 0.9}
    answers = [event("ok", until + number) for number in range(3)]
    owing = after(*answers[:2], **resting)
    assert owing.probation == 1
    assert owing.error_rate == pytest.approx(0.9 * 0.95**2)
    state = after(*answers, **resting)
    assert (state.probation, state.ejections) == (0, 2)
    assert state.error_rate == pytest.approx(0.14)


@pytest.mark.parametrize(
    ("rate", "owed", "left"), [(0.022, 0, 4), (0.021, 0, 0), (0.0, 2, 4), (0.0, 1, 0)]
)
def test_ejections__after_a_good_spell__are_forgotten(rate: float, owed: int, left: int) -> None:
    state = after(event("ok"), error_rate=rate, probation=owed, ejections=4)
    assert state.ejections == left


@pytest.mark.parametrize(("rate", "left"), [(0.9, 0.14), (0.147, 0.95 * 0.147)])
def test_rate__of_one_that_owes_nothing__is_below_what_ejects_after_an_answer(
    rate: float, left: float
) -> None:
    assert after(event("ok"), error_rate=rate).error_rate == pytest.approx(left)
