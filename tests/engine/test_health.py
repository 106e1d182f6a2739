"""What happened to calls, one kind of event after the other: times, errors, budgets and tokens.

Who rests, for how long, and how it is forgiven is in `test_health_ejection.py`.
"""

from functools import reduce
from math import exp
from typing import Any

import pytest

from apps.routing.engine.health import HEALTHY, observe, retries_left, token_level
from apps.routing.engine.types import DeploymentHealth, Health, HealthEvent, RetryBudget
from tests.engine.records import NOW, make_health

KINDS_THAT_END = (
    *("ok", "error", "timeout", "rate_limited", "rejected", "credential", "cancelled"),
)
KNOWN = {
    "ttft_ms": 200.0,
    "ms_per_token": 10.0,
    "usual_ttft_ms": 100.0,
    "usual_ms_per_token": 8.0,
    "seen_ms": NOW,
}


def event(kind: Any, at_ms: int = NOW, **numbers: Any) -> HealthEvent:
    return HealthEvent("d1", kind, at_ms, **numbers)


def after(*events: HealthEvent, **state: Any) -> DeploymentHealth:
    """Return what is known of d1 after events, from what was known before."""
    return reduce(observe, events, make_health(d1=state)).deployments["d1"]


def times(state: DeploymentHealth) -> tuple[float, ...]:
    return (
        state.ttft_ms, state.ms_per_token, state.usual_ttft_ms, state.usual_ms_per_token,
    )  # fmt: skip


# --- calls under way -----------------------------------------------------------------------------


def test_start__of_calls__counts_them_and_when_they_began() -> None:
    state = after(event("started", call_id="a"), event("started", NOW + 5, call_id="b"))
    assert (state.in_flight, dict(state.waiting)) == (2, {"a": NOW, "b": NOW + 5})
    assert times(state) == times(HEALTHY)


def test_first_token__of_a_call__ends_its_wait_but_not_the_call() -> None:
    begun = [event("started", call_id="a"), event("started", call_id="b")]
    state = after(*begun, event("first_token", NOW + 300, call_id="a", ttft_ms=300.0))
    assert (state.in_flight, dict(state.waiting)) == (2, {"b": NOW})
    assert state.seen_ms == NOW + 300


@pytest.mark.parametrize(
    ("changed", "borne"),
    [
        # Of five calls two wait for their first token, one of them until now.
        ({}, 4),
        ({"borne": 3}, 4),
        ({"borne": 4}, 4),
        ({"borne": 9}, 9),
        # Long prompts delay the first token alone.
        ({"ttft_ms": 200.1}, 4),
        ({"ms_per_token": 16.1}, 4),
        ({"ttft_ms": 200.1, "ms_per_token": 16.0}, 4),
        ({"ttft_ms": 200.1, "ms_per_token": 16.1}, 0),
        ({"ttft_ms": 200.1, "ms_per_token": 16.1, "borne": 3}, 3),
    ],
)
def test_calls__that_make_a_deployment_not_slow__are_borne(
    changed: dict[str, Any], borne: int
) -> None:
    before: dict[str, Any] = {**KNOWN, "in_flight": 5, "waiting": {"a": NOW, "b": NOW}, **changed}
    assert after(event("first_token", call_id="a", ttft_ms=300.0), **before).borne == borne
    # An answer that comes whole has been written beside all others.
    whole = event("ok", call_id="a", elapsed_ms=900.0, output_tokens=9)
    assert after(whole, **before).borne == (borne + 1 if borne == 4 else borne)
    # What a first token has told is not told again.
    spoken = event("ok", call_id="a", elapsed_ms=900.0, ttft_ms=300.0, output_tokens=9)
    assert after(spoken, **before).borne == before.get("borne", 0)


@pytest.mark.parametrize("kind", KINDS_THAT_END)
def test_call__that_ends_in_any_way__waits_no_more_and_is_not_under_way(kind: Any) -> None:
    begun = [event("started", call_id="a"), event("started", call_id="b")]
    state = after(*begun, event(kind, NOW + 9, call_id="a"))
    assert (state.in_flight, dict(state.waiting)) == (1, {"b": NOW})


@pytest.mark.parametrize("kind", KINDS_THAT_END)
def test_calls_under_way__more_ends_than_starts__are_never_below_none(kind: Any) -> None:
    state = after(event(kind), event(kind), event("started", call_id="a"))
    assert state.in_flight == 1


@pytest.mark.parametrize("kind", ["rejected", "credential", "cancelled"])
def test_call__that_says_nothing_about_the_deployment__changes_nothing_else(kind: Any) -> None:
    before: dict[str, Any] = {**KNOWN, "failures": 2, "error_rate": 0.1, "probation": 1}
    ended = event(kind, NOW + 9, elapsed_ms=900.0, ttft_ms=90.0, output_tokens=9, tokens=9.0)
    assert after(event("started"), ended, **before) == DeploymentHealth(**before)


def test_observe__of_one_deployment__leaves_the_old_health_and_the_others_alone() -> None:
    before = make_health(d1={"in_flight": 1}, d2={"in_flight": 4}, retries={"p": (2.0, NOW)})
    told = observe(before, event("error"))
    assert before == make_health(
        d1={"in_flight": 1}, d2={"in_flight": 4}, retries={"p": (2.0, NOW)}
    )
    assert told.deployments["d2"] is before.deployments["d2"]
    assert (told.retries, told.credentials_down) == (before.retries, before.credentials_down)


# --- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ttft_ms", [3.0, 4_000.0])
def test_first_token__of_the_first_answer__replaces_the_guess(ttft_ms: float) -> None:
    state = after(event("first_token", ttft_ms=ttft_ms))
    assert times(state) == (ttft_ms, HEALTHY.ms_per_token, ttft_ms, 0.0)


@pytest.mark.parametrize(
    ("age_ms", "ttft_ms", "late", "usual"),
    [
        (0, 1_200.0, 0.6 * 200 + 0.4 * 1_200, 100.0),
        (5_000, 50.0, 0.8 * 200 + 0.2 * 50, 100 - (1 - exp(-5 / 20)) * 50),
        (
            5_000,
            1_200.0,
            0.6 * 200 + 0.4 * 1_200,
            100 + (1 - exp(-5 / 600)) * 100,
        ),
        (10**9, 50.0, 50.0, 100 - (1 - exp(-10 / 20)) * 50),
    ],
)
def test_first_token__later__is_learned_by_its_age(
    age_ms: int, ttft_ms: float, late: float, usual: float
) -> None:
    state = after(event("first_token", NOW + age_ms, ttft_ms=ttft_ms), **KNOWN)
    assert times(state) == pytest.approx((late, 10.0, usual, 8.0))


def test_streamed_answer__ended__tells_the_time_of_each_token_alone() -> None:
    first = after(event("ok", elapsed_ms=2_300.0, ttft_ms=300.0, output_tokens=100))
    assert times(first) == (HEALTHY.ttft_ms, 20.0, 0.0, 20.0)
    ended = event("ok", NOW + 5_000, elapsed_ms=600.0, ttft_ms=100.0, output_tokens=100)
    assert times(after(ended, **KNOWN)) == pytest.approx(
        (200.0, 9.0, 100.0, 8 - (1 - exp(-5 / 20)) * 3)
    )


def test_whole_answer__ended__tells_how_far_off_both_times_were() -> None:
    # 500 ms + 100 tokens of 15 ms were expected; it took half of that.
    first = after(event("ok", elapsed_ms=1_000.0, output_tokens=100))
    assert times(first) == (250.0, 7.5, 250.0, 7.5)
    # 200 ms + 100 tokens of 10 ms were expected; it took twice as long.
    ended = event("ok", NOW + 1_000, elapsed_ms=2_400.0, output_tokens=100)
    slower = 1 - exp(-1 / 600)
    expected = (280.0, 14.0, 100 + slower * 100, 8 + slower * 8)
    assert times(after(ended, **KNOWN)) == pytest.approx(expected)


def test_answer__without_a_token__tells_no_time() -> None:
    state = after(event("ok", elapsed_ms=900.0, ttft_ms=100.0), **KNOWN)
    assert times(state) == (200.0, 10.0, 100.0, 8.0)


@pytest.mark.parametrize("ttft_ms", [0.0, 5.0])
def test_times__of_answers_within_a_millisecond__are_never_nothing(ttft_ms: float) -> None:
    at_once = [
        event("first_token"),
        event("ok", elapsed_ms=ttft_ms, ttft_ms=ttft_ms, output_tokens=10),
        event("ok", elapsed_ms=0.0, output_tokens=10),
        event("timeout", elapsed_ms=0.0),
    ]
    state = after(*at_once * 3)
    assert min(times(state)) > 0
    assert after(event("ok", NOW + 10**9), *at_once, **KNOWN).ms_per_token > 0


def test_answer__counts_in_the_usual_length() -> None:
    state = after(event("ok", output_tokens=1_250))
    assert state.mean_output_tokens == pytest.approx(250 + 0.02 * 1_000)


@pytest.mark.parametrize(
    ("kind", "is_seen"),
    [
        *((kind, True) for kind in ("first_token", "ok", "error", "timeout")),
        *((kind, False) for kind in ("started", "rate_limited", "rejected", "budget")),
    ],
)
def test_news__of_the_deployment_itself__is_remembered_with_its_time(
    kind: Any, is_seen: bool
) -> None:
    assert after(event(kind)).seen_ms == (NOW if is_seen else 0)


# --- errors --------------------------------------------------------------------------------------


def test_errors__and_answers__move_the_rate_of_late() -> None:
    failed = after(event("error"), event("error"))
    assert failed.failures == 2
    assert failed.error_rate == pytest.approx(0.05 + 0.95 * 0.05)
    assert times(failed) == times(HEALTHY)
    sound = after(event("error"), event("ok"))
    assert sound.failures == 0
    assert sound.error_rate == pytest.approx(0.95 * 0.05)


def test_timeout__without_a_first_token__is_an_error_and_a_time() -> None:
    state = after(event("timeout", elapsed_ms=2_500.0), **KNOWN)
    assert (state.failures, state.error_rate) == (1, 0.05)
    assert times(state) == pytest.approx((0.6 * 200 + 0.4 * 2_500, 10.0, 100.0, 8.0))


@pytest.mark.parametrize("age_ms", [0, 5_000, 10**9])
def test_timeout__shorter_than_what_is_known__is_no_good_news(age_ms: int) -> None:
    state = after(event("timeout", NOW + age_ms, elapsed_ms=50.0), **KNOWN)
    assert state.ttft_ms == pytest.approx(200.0)


def test_timeout__after_the_first_token__is_a_cut_answer_and_no_failure_in_a_row() -> None:
    state = after(event("timeout", elapsed_ms=60_000.0, ttft_ms=100.0), **KNOWN, in_flight=1)
    assert (state.failures, state.error_rate, state.in_flight) == (0, 0.05, 0)
    assert times(state) == (200.0, 10.0, 100.0, 8.0)


# --- rate limits and credentials -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("named_ms", "until"),
    [(0, NOW + 2_000), (1, NOW + 1_000), (1_000, NOW + 1_000), (30_000, NOW + 30_000)],
)
def test_rate_limit__with_or_without_retry_after__blocks_until_then(
    named_ms: int, until: int
) -> None:
    state = after(event("rate_limited", retry_after_ms=named_ms))
    assert (state.retry_after_ms, state.failures, state.error_rate) == (until, 0, 0.0)
    assert state.token_level is None


@pytest.mark.parametrize("kind", ["error", "timeout"])
@pytest.mark.parametrize(("named_ms", "until"), [(0, 0), (1, NOW + 1), (30_000, NOW + 30_000)])
def test_e4__error_of_a_provider_that_names_a_time__leaves_it_alone_until_then(
    kind: Any, named_ms: int, until: int
) -> None:
    assert after(event(kind, retry_after_ms=named_ms)).retry_after_ms == until


def test_rate_limit__during_a_longer_one__does_not_shorten_it() -> None:
    long = event("rate_limited", retry_after_ms=30_000)
    assert after(long, event("rate_limited", NOW + 5)).retry_after_ms == NOW + 30_000


@pytest.mark.parametrize(("level", "left"), [(None, 0.0), (90.0, 0.0), (-50.0, -50.0)])
def test_rate_limit__with_a_bucket_of_tokens__tells_that_it_is_empty(
    level: float | None, left: float
) -> None:
    state = after(
        event("rate_limited", tokens_per_minute=60_000), token_level=level, token_level_ms=NOW
    )
    assert (state.token_level, state.token_level_ms) == (left, NOW)


@pytest.mark.parametrize(("named_ms", "rest_ms"), [(0, 60_000), (5_000, 5_000)])
def test_credential__refused__rests_with_all_that_it_opens(named_ms: int, rest_ms: int) -> None:
    refused = event("credential", credential="k1", retry_after_ms=named_ms)
    health = observe(make_health(credentials_down={"k2": NOW}), refused)
    assert health.credentials_down == {"k1": NOW + rest_ms, "k2": NOW}


def test_credential__without_a_name_or_for_another_reason__rests_nothing() -> None:
    for told in (event("credential"), event("error", credential="k1")):
        assert observe(Health(), told).credentials_down == {}


# --- retry budgets -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "is_retry", "age_ms", "after_it"),
    [
        (5.0, False, 0, 5.1),
        (5.0, True, 0, 4.0),
        (0.5, True, 0, 0.0),
        (0.0, False, 0, 0.1),
        # Three a second come back, up to ten.
        (0.0, True, 1_000, 2.0),
        (0.0, False, 500, 1.6),
        (5.0, False, 60_000, 10.0),
        (5.0, True, 60_000, 9.0),
        (9.95, False, 0, 10.0),
        (5.0, True, -9_000, 4.0),
    ],
)
def test_retries__of_a_provider__are_a_share_of_its_first_attempts_and_some_a_second(
    left: float, is_retry: bool, age_ms: int, after_it: float
) -> None:
    health = make_health(retries={"p": (left, NOW), "q": (1.0, NOW)})
    told = event("started", NOW + age_ms, provider="p", is_retry=is_retry)
    found = observe(health, told).retries
    assert found["p"].left == pytest.approx(after_it)
    assert found["p"].at_ms == NOW + age_ms
    assert found["q"] == RetryBudget(1.0, NOW)


@pytest.mark.parametrize(
    ("age_ms", "left"), [(0, 0.5), (500, 2.0), (3_000, 9.5), (60_000, 10.0), (-900, 0.5)]
)
def test_retries_left__as_time_goes_by__refill_up_to_ten(age_ms: int, left: float) -> None:
    health = make_health(retries={"p": (0.5, NOW)})
    assert retries_left(health, "p", NOW + age_ms) == pytest.approx(left)
    assert retries_left(health, "unknown", NOW) == 10.0


def test_retries__without_a_provider_or_a_start__are_not_counted() -> None:
    for told in (event("started"), event("ok", provider="p"), event("error", provider="p")):
        assert observe(Health(), told).retries == {}


# --- tokens per minute ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "age_ms", "expected"),
    [
        # A quarter of a minute's 60 000 is the most that a bucket holds.
        (None, 0, 15_000.0),
        (500.0, 0, 500.0),
        (500.0, 1_000, 1_500.0),
        (-2_000.0, 1_000, -1_000.0),
        (500.0, 60_000, 15_000.0),
        (90_000.0, 0, 15_000.0),
        (500.0, -9_000, 500.0),
    ],
)
def test_token_level__as_time_goes_by__refills_up_to_a_quarter_of_a_minute(
    level: float | None, age_ms: int, expected: float
) -> None:
    state = DeploymentHealth(token_level=level, token_level_ms=NOW)
    assert token_level(state, 60_000, NOW + age_ms) == pytest.approx(expected)


def test_tokens__taken_by_a_start__are_corrected_by_the_answer() -> None:
    begun = event("started", tokens=4_000.0, tokens_per_minute=60_000)
    state = after(begun)
    assert (state.token_level, state.token_level_ms) == (11_000.0, NOW)
    less = event("ok", NOW + 1_000, tokens=1_500.0, tokens_per_minute=60_000)
    more = event("ok", NOW + 1_000, tokens=-1_500.0, tokens_per_minute=60_000)
    assert after(begun, less).token_level == pytest.approx(11_000 + 1_000 + 1_500)
    assert after(begun, more).token_level == pytest.approx(11_000 + 1_000 - 1_500)
    assert after(begun, more).token_level_ms == NOW + 1_000


def test_tokens__of_a_deployment_without_a_bucket__are_not_counted() -> None:
    state = after(event("started", tokens=4_000.0), event("ok", tokens=100.0))
    assert (state.token_level, state.token_level_ms) == (None, 0)


def test_budget__of_the_shared_bucket__replaces_what_was_counted() -> None:
    state = after(event("budget", NOW + 7, tokens=321.0), token_level=9.0, in_flight=2)
    assert state == DeploymentHealth(token_level=321.0, token_level_ms=NOW + 7, in_flight=2)
