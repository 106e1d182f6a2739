"""Who has to be waited for: blocks, tokens, crowds; and who is called rather than to wait."""

from typing import Any

import pytest

from apps.routing.engine.filters import Candidate
from apps.routing.engine.readiness import Gatekeeper
from apps.routing.engine.types import Effects, Health
from tests.engine.gatekeeping import BLOCKED, CROWDED, PROBED, RESTS, Found, check
from tests.engine.records import NOW, make_deployment, make_facts, make_health


@pytest.mark.parametrize(("until", "wait_ms"), [(NOW, 0), (NOW + 1, 1), (NOW + 700, 700)])
def test_rate_limit__until_its_time__is_waited_for(until: int, wait_ms: int) -> None:
    found = check(make_health(a={"retry_after_ms": until}))
    step = ("rate_blocked", "a", {"wait_ms": wait_ms})
    assert found == (
        Found("ab", "b", None, False, [step]) if wait_ms else Found("ab", "ab", None, False, [])
    )


@pytest.mark.parametrize(
    ("state", "facts", "wait_ms"),
    [
        # 1000 of the prompt and the usual 250 of the answer are needed; 1 comes in a millisecond.
        ({"token_level": 1_250.0}, {}, 0),
        ({"token_level": 1_249.0}, {}, 1),
        ({"token_level": 1_189.5}, {}, 61),
        ({"token_level": 1_250.0}, {"added_tokens": 10}, 10),
        ({"token_level": 1_300.0, "mean_output_tokens": 300.4}, {}, 0),
        ({"token_level": 1_300.0, "mean_output_tokens": 300.6}, {}, 1),
        # The answer may not be longer than 500.
        ({"token_level": 1_000.0, "mean_output_tokens": 9_000.0}, {}, 500),
        ({"token_level": -750.0}, {}, 2_000),
        # It is filled again as time goes by.
        ({"token_level": 1_200.0, "token_level_ms": NOW - 49}, {}, 1),
        ({"token_level": 1_200.0, "token_level_ms": NOW - 50}, {}, 0),
        ({"token_level": 1_200.0, "token_level_ms": NOW - 900}, {}, 0),
        ({}, {"prompt_tokens": 14_750}, 0),
        # What no bucket can hold goes out when it is full.
        ({}, {"prompt_tokens": 14_751}, 0),
        ({"token_level": -58_750.0}, {}, 60_000),
        ({"token_level": 14_999.0}, {"prompt_tokens": 90_000}, 1),
    ],
)
def test_tokens__that_the_bucket_does_not_hold__are_waited_for(
    state: dict[str, Any], facts: dict[str, Any], wait_ms: int
) -> None:
    health = make_health(a={"token_level_ms": NOW, **state})
    found = check(health, "a", deployment={"tokens_per_minute": 60_000}, **facts)
    step = ("tokens_short", "a", {"wait_ms": wait_ms})
    assert found == (
        Found("a", "", wait_ms, False, [step]) if wait_ms else Found("a", "a", None, False, [])
    )


@pytest.mark.parametrize("per_minute", [None, 0])
def test_tokens__of_a_deployment_without_a_bucket__are_not_waited_for(
    per_minute: int | None,
) -> None:
    health = make_health(a={"token_level": -9.0, "token_level_ms": NOW})
    assert check(health, "a", deployment={"tokens_per_minute": per_minute}).ready == "a"


@pytest.mark.parametrize(
    ("blocked_ms", "wait_ms", "code"),
    [(0, 1_250, "tokens_short"), (400, 1_250, "rate_blocked"), (2_000, 2_000, "rate_blocked")],
)
def test_waits__for_both__are_the_longer_one(blocked_ms: int, wait_ms: int, code: str) -> None:
    state = {"token_level": 0.0, "token_level_ms": NOW, "retry_after_ms": NOW + blocked_ms}
    found = check(make_health(a=state), "a", deployment={"tokens_per_minute": 60_000})
    assert (found.wait_ms, found.steps) == (wait_ms, [(code, "a", {"wait_ms": wait_ms})])


def test_waits__of_all__are_as_long_as_the_shortest_of_the_sound() -> None:
    states: dict[str, Any] = {"a": BLOCKED, "b": {"retry_after_ms": NOW + 300}}
    assert check(make_health(**states))[:3] == ("ab", "", 300)
    # One that is asked to rest does not shorten the wait of the others.
    resting = {**RESTS, "retry_after_ms": NOW + 100}
    found = check(make_health(**states, c=resting), "abc")
    assert found[:3] == ("ab", "", 300)
    assert [step[:2] for step in found.steps] == [
        ("rate_blocked", "a"), ("rate_blocked", "b"), ("ejected", "c"),
    ]  # fmt: skip


def test_waits__of_the_sound__are_better_than_a_second_call_to_one_that_owes_proof() -> None:
    found = check(make_health(a=PROBED, b=BLOCKED))
    assert found[:3] == ("b", "", 700)
    assert [step[:2] for step in found.steps] == [("rate_blocked", "b"), ("on_probation", "a")]
    resting = check(make_health(a={**RESTS, "seen_ms": NOW}, b=BLOCKED))
    assert resting[:3] == ("b", "", 700)
    assert [step[:2] for step in resting.steps] == [("rate_blocked", "b"), ("ejected", "a")]
    both = check(make_health(a={**PROBED, **BLOCKED}, b=BLOCKED))
    assert both[:3] == ("b", "", 700)
    assert [step[:2] for step in both.steps] == [("on_probation", "a"), ("rate_blocked", "b")]


@pytest.mark.parametrize(
    ("state", "is_tried"),
    [
        ({"seen_ms": NOW - 5_000}, True),
        ({"seen_ms": NOW - 4_999}, False),
        ({"seen_ms": NOW - 5_000, "in_flight": 1}, False),
        ({"seen_ms": NOW - 5_000, **BLOCKED}, False),
    ],
)
def test_waits__of_the_sound__are_worse_than_one_call_to_one_that_rested_for_a_while(
    state: dict[str, Any], is_tried: bool
) -> None:
    found = check(make_health(a={**RESTS, **state}, b=BLOCKED))
    assert found[:3] == (("b", "a", None) if is_tried else ("b", "", 700))


@pytest.mark.parametrize(
    ("changed", "is_crowded"),
    [
        ({}, True),
        ({"in_flight": 15}, False),
        ({"in_flight": 9, "borne": 0}, True),
        ({"in_flight": 8, "borne": 0}, False),
        # Long prompts delay the first token alone: there may be as many calls again as were borne.
        ({"ttft_ms": 200.0}, False),
        ({"ms_per_token": 20.0}, False),
        ({"ms_per_token": 20.0, "in_flight": 20}, False),
        ({"ms_per_token": 20.0, "in_flight": 21}, True),
        ({"usual_ttft_ms": 0.2}, True),
        ({"usual_ms_per_token": 0.0}, False),
        ({"usual_ms_per_token": 0.2}, True),
    ],
)
def test_crowd__of_more_than_a_deployment_has_borne__is_not_joined(
    changed: dict[str, Any], is_crowded: bool
) -> None:
    found = check(make_health(a={**CROWDED, **changed}))
    step = ("crowded", "a", {"wait_ms": 250})
    kept = "b" if is_crowded else "ab"
    assert found == Found("ab", kept, None, False, [step] * is_crowded)


@pytest.mark.parametrize(
    ("blocked_ms", "wait_ms", "code"),
    [(0, 250, "crowded"), (1, 250, "rate_blocked"), (700, 700, "rate_blocked")],
)
def test_crowd__that_is_blocked_too__waits_for_the_longer_one(
    blocked_ms: int, wait_ms: int, code: str
) -> None:
    found = check(make_health(a={**CROWDED, "retry_after_ms": NOW + blocked_ms}), "a")
    assert (found.wait_ms, found.steps) == (wait_ms, [(code, "a", {"wait_ms": wait_ms})])


@pytest.mark.parametrize(
    ("age_ms", "left"),
    [(-900, 1_500), (0, 1_500), (1_500, 750), (3_000, 0), (3_001, 7_500), (9_000, 7_500)],
)
@pytest.mark.parametrize(("spare", "wait_ms"), [(0, 0), (-0.2, 1), (-10, 10)])
def test_tokens__of_a_request__are_left_to_those_that_wait_longer_and_are_not_late(
    age_ms: int, left: float, spare: float, wait_ms: int
) -> None:
    # A full bucket holds 15,000; 1,000 of the prompt and 250 of the answer are needed.
    health = make_health(a={"token_level": 1_250 + left + spare, "token_level_ms": NOW})
    many = {"tokens_per_minute": 60_000}
    found = check(health, "a", deployment=many, arrived_ms=NOW - age_ms)
    assert found.wait_ms == (wait_ms or None)


@pytest.mark.parametrize(
    ("age_ms", "room"), [(0, 90), (1_500, 95), (3_000, 100), (3_001, 50), (9_000, 50)]
)
def test_calls__of_a_request__are_left_to_those_that_wait_longer_and_are_not_late(
    age_ms: int, room: int
) -> None:
    many = {**CROWDED, "ms_per_token": 20.0, "borne": 50}
    for calls, is_ready in ((room, True), (room + 1, False)):
        health = make_health(a={**many, "in_flight": calls})
        assert bool(check(health, "a", arrived_ms=NOW - age_ms).ready) is is_ready


@pytest.mark.parametrize("age_ms", [3_001, 30_000])
def test_room__for_a_late_request_that_failed_elsewhere__is_that_of_a_new_one(age_ms: int) -> None:
    tried: dict[str, Any] = {"tried_deployments": ("x",), "arrived_ms": NOW - age_ms}
    level = 1_000 + min(max(250, age_ms // 15), 500)
    for state, is_ready in (
        ({**CROWDED, "in_flight": 13}, True),
        ({**CROWDED, "in_flight": 14}, False),
        ({"token_level": level + 1_500, "token_level_ms": NOW}, True),
        ({"token_level": level + 1_499, "token_level_ms": NOW}, False),
    ):
        found = check(make_health(a=state), "a", deployment={"tokens_per_minute": 60_000}, **tried)
        assert bool(found.ready) is is_ready, state


def test_tokens__of_a_full_bucket__are_left_to_nobody() -> None:
    found = check(
        names="a", deployment={"tokens_per_minute": 60_000}, arrived_ms=NOW, prompt_tokens=14_000
    )
    assert found.ready == "a"


@pytest.mark.parametrize(
    ("tried", "age_ms", "likely"),
    [
        ((), 30_000, 250),
        # A token takes 20 ms at b, 30 ms at c, and 15 ms where nothing is known.
        (("b",), 6_000, 300),
        (("b",), 3_000, 250),
        (("b", "c"), 6_000, 250),
        (("b", "c"), 9_000, 300),
        (("d",), 6_000, 400),
        (("b",), 90_000, 500),
        (("b",), -90_000, 250),
    ],
)
def test_answer__of_a_request_that_was_cut__is_longer_than_what_was_written(
    tried: tuple[str, ...], age_ms: int, likely: int
) -> None:
    health = make_health(b={"ms_per_token": 20.0}, c={"ms_per_token": 30.0})
    facts = make_facts(tried_deployments=tried, arrived_ms=NOW - age_ms)
    candidate = Candidate(make_deployment("a"), 500)
    (look,) = Gatekeeper(facts, health, Effects(), 0.0).check([candidate], None).ready
    assert (look.output_tokens, look.needed_tokens) == (likely, 1_000 + likely)


def test_look__of_one_ready__tells_what_the_call_needs() -> None:
    candidate = Candidate(make_deployment("a"), 200)
    facts = make_facts(prompt_tokens=90, added_tokens=9)
    (look,) = Gatekeeper(facts, Health(), Effects(), 0.0).check([candidate], None).ready
    assert (look.output_tokens, look.needed_tokens, look.wait_ms) == (200, 299, 0)
