"""Who may be called now: rests, probation, probes, panic, waits, and the reasons with numbers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from apps.routing.engine.filters import Candidate
from apps.routing.engine.readiness import Gatekeeper, Look
from apps.routing.engine.types import Effects, Health, TraceStep
from tests.engine.records import NOW, make_deployment, make_facts, make_health

RESTS = {"ejected_until_ms": NOW + 900, "failures": 3, "probation": 3}
OWES = {"probation": 2}
PROBED = {"probation": 2, "in_flight": 1}
BLOCKED = {"retry_after_ms": NOW + 700}
# Two and a half times as slow as usual, from the first token to the last, with nine calls.
CROWDED = {
    "in_flight": 9,
    "ttft_ms": 250.1,
    "usual_ttft_ms": 100.0,
    "ms_per_token": 25.1,
    "usual_ms_per_token": 10.0,
    "seen_ms": NOW,
}
SLOW_LONG_AGO = {"ttft_ms": 250.1, "usual_ttft_ms": 100.0, "seen_ms": NOW - 8_001}


class Found(NamedTuple):
    sound: str
    ready: str
    wait_ms: int | None
    is_probe: bool
    steps: list[tuple[str, str, dict[str, Any]]]


def check(
    health: Health | None = None,
    names: str = "ab",
    draw: float = 0.0,
    effects: Effects | None = None,
    deployment: dict[str, Any] | None = None,
    **facts: Any,
) -> Found:
    """Ask for deployments named by one letter each; all have the same further fields."""
    given = [
        Candidate(make_deployment(name, **(deployment or {})), 500) for name in names
    ]  # fmt: skip
    keeper = Gatekeeper(make_facts(**facts), health or Health(), effects or Effects(), draw)
    steps: list[TraceStep] = []
    found = keeper.check(given, steps)
    assert keeper.check(given, None) == found
    told = [(step.code, step.subject, told_numbers(step)) for step in steps]
    return Found(letters(found.sound), letters(found.ready), found.wait_ms, found.is_probe, told)


def letters(looks: Sequence[Look]) -> str:
    return "".join(look.candidate.deployment.id for look in looks)


def told_numbers(step: TraceStep) -> dict[str, Any]:
    """Return the numbers besides the model; a removal names its layer, verdict and model."""
    numbers = dict(step.numbers)
    if step.code != "panic":
        assert (step.layer, step.verdict, numbers.pop("model")) == ("filter", "removed", "small")
    return numbers


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


@pytest.mark.parametrize(("until", "rests"), [(NOW, False), (NOW + 1, True)])
def test_ejected__until_its_time__rests(until: int, rests: bool) -> None:
    found = check(make_health(a={"ejected_until_ms": until, "failures": 3}))
    step = ("ejected", "a", {"wait_ms": 1, "failures": 3})
    kept = "b" if rests else "ab"
    assert found == Found(kept, kept, None, False, [step] * rests)


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
    ("owed", "code"), [(3, "ejected"), (2, "on_probation"), (1, "on_probation"), (0, "ejected")]
)
def test_rest__after_an_answer__is_over_before_its_time(owed: int, code: str) -> None:
    found = check(make_health(a={"probation": owed, "ejected_until_ms": NOW + 900}))
    assert [step[:2] for step in found.steps] == [(code, "a")]


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
    if is_panic:
        numbers = {"kept": len(names), "of": len(names)}
        owes_others = reason == "on_probation" and others
        assert (found.sound, found.ready) == (names, others if owes_others else names)
        assert found.steps[0] == ("panic", ", ".join(names), numbers)
    else:
        assert (found.sound, found.ready) == (others, others)
        assert [(code, subject) for code, subject, _ in found.steps] == [
            (reason, name) for name in resting
        ]


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
    assert [code for code, _, _ in found.steps] == ["panic", "ejected", "ejected"]
    probe = check(health, "abc", draw=0.9)
    assert (probe.ready, probe.is_probe, len(probe.steps)) == ("abc", True, 1)


# --- waits ---------------------------------------------------------------------------------------


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
    health = make_health(a={**state, "token_level_ms": NOW})
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
        ("ejected", "c"), ("rate_blocked", "a"), ("rate_blocked", "b"),
    ]  # fmt: skip


def test_waits__of_the_sound__are_worse_than_a_second_call_to_one_that_owes_proof() -> None:
    found = check(make_health(a=PROBED, b=BLOCKED))
    # What is called after all is not told to be left out.
    assert found == Found("b", "a", None, False, [("rate_blocked", "b", {"wait_ms": 700})])
    resting = check(make_health(a={**RESTS, "seen_ms": NOW}, b=BLOCKED))
    assert resting[:3] == ("b", "", 700)
    assert [step[:2] for step in resting.steps] == [("ejected", "a"), ("rate_blocked", "b")]
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
    # Rather one that has rested already.
    owing = check(make_health(a={**RESTS, **state}, b=BLOCKED, c=PROBED, d=BLOCKED), "abcd")
    assert owing.ready == "c"


@pytest.mark.parametrize(
    ("changed", "is_crowded"),
    [
        ({}, True),
        ({"in_flight": 8}, False),
        # Long prompts delay the first token alone.
        ({"ttft_ms": 250.0}, False),
        ({"ms_per_token": 25.0}, False),
        ({"usual_ttft_ms": 0.0}, False),
        ({"usual_ttft_ms": 0.2}, True),
        ({"usual_ms_per_token": 0.0}, False),
        ({"usual_ms_per_token": 0.2}, True),
    ],
)
def test_crowd__that_makes_a_deployment_slow__is_not_joined(
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
    [(-900, 3_750), (0, 3_750), (1_500, 2_812.5), (3_000, 1_875), (6_000, 0), (9_000, 0)],
)
@pytest.mark.parametrize(("spare", "wait_ms"), [(0, 0), (-10, 10)])
def test_tokens__of_a_new_request__are_left_to_those_that_wait_longer(
    age_ms: int, left: float, spare: float, wait_ms: int
) -> None:
    # A full bucket holds 15,000; 1,000 of the prompt and 250 of the answer are needed.
    health = make_health(a={"token_level": 1_250 + left + spare, "token_level_ms": NOW})
    many = {"tokens_per_minute": 60_000}
    found = check(health, "a", deployment=many, arrived_ms=NOW - age_ms)
    assert found.wait_ms == (wait_ms or None)


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
