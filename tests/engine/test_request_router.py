"""Decisions whole: attempts and their costs, the counterfactual, what is told and what is not."""

from dataclasses import replace
from typing import Any

import pytest

from apps.routing.engine.attempts import DEFAULT_ATTEMPTS, MOST_ATTEMPTS
from apps.routing.engine.request_router import decide, usable_models
from apps.routing.engine.types import Attempt, Effects
from tests.engine.balancing import answered
from tests.engine.faults import only
from tests.engine.records import (
    NOW,
    choose,
    codes,
    deployment_record,
    ids_of,
    make_facts,
    make_health,
    make_snapshot,
    model_record,
    models_of,
    rule_record,
    step_of,
)

SPEAKS_OF_IT = only("requested_model", "starts_with", "x")
NEVER = only("tag", "has", "never")


def many_models(count: int, copies: int = 1) -> dict[str, Any]:
    """Return platform records with so many models, m0 the cheapest."""
    names = [f"m{number}" for number in range(count)]
    pool = [
        deployment_record(f"{name}-{copy}", name, input_price=1_000 * (place + 1))
        for place, name in enumerate(names)
        for copy in range(copies)
    ]
    return {"models": {name: model_record() for name in names}, "deployments": pool}


def granted(count: int) -> list[str]:
    return [f"m{number}" for number in range(count)]


# --- attempts ------------------------------------------------------------------------------------


def test_attempt__of_a_deployment__carries_what_the_call_needs() -> None:
    pool = [deployment_record("d1", name="East", tokens_per_minute=60_000)]
    decision = choose(make_snapshot({"deployments": pool}, aliases={"auto": ["small"]}))
    assert decision.attempts == (
        Attempt(
            deployment_id="d1",
            deployment="East",
            model="small",
            provider="acme-ai",
            worst_case_cost=2_000,
            max_output_tokens=500,
            expected_cost=1_500,
            needed_tokens=1_250,
            first_token_timeout_ms=None,
        ),
    )


@pytest.mark.parametrize(
    ("asked", "capped", "window", "expected"),
    [
        (None, None, 100_000, 4_096),
        (700, None, 100_000, 700),
        (700, 300, 100_000, 300),
        (300, 700, 100_000, 300),
        (50_000, 8_000, 100_000, 8_000),
        (None, 50_000, 100_000, 8_000),
        (None, None, 4_000, 3_000),
    ],
)
def test_output__of_caller_rule_model_and_window__is_the_smallest(
    asked: int | None, capped: int | None, window: int, expected: int
) -> None:
    models = {"small": model_record(context_window=window), "large": model_record()}
    rule = rule_record(targets=["small"], max_output_tokens=capped)
    decision = choose(make_snapshot({"models": models}, rules=[rule]), max_output_tokens=asked)
    assert decision.attempts[0].max_output_tokens == expected


def test_costs__with_the_rules_own_prompt__count_its_tokens() -> None:
    decision = choose(make_snapshot(aliases={"auto": ["small"]}), added_tokens=1_000)
    attempt = decision.attempts[0]
    assert (attempt.worst_case_cost, attempt.expected_cost) == (3_000, 2_500)
    assert attempt.needed_tokens == 2_250


@pytest.mark.parametrize(
    ("targets", "max_attempts", "expected"),
    [(0, None, 5), (1, None, 1), (2, None, 2), (5, None, 5), (7, None, 5), (7, 2, 2), (7, 9, 5)],
)
def test_attempts__of_a_rule__are_one_for_each_target_up_to_five(
    targets: int, max_attempts: int | None, expected: int
) -> None:
    rule = rule_record(targets=granted(targets), max_attempts=max_attempts)
    decision = choose(make_snapshot(many_models(8), granted=granted(8), rules=[rule]))
    assert len(decision.attempts) == expected
    assert MOST_ATTEMPTS == 5


@pytest.mark.parametrize(("copies", "expected"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_attempts__of_one_model__are_three_at_most(copies: int, expected: int) -> None:
    decision = choose(make_snapshot(many_models(1, copies), granted=["m0"]))
    assert len(decision.attempts) == expected
    assert DEFAULT_ATTEMPTS == 3


def test_attempts__several_deployments__exhaust_a_model_before_the_next() -> None:
    snapshot = make_snapshot(many_models(2, 2), granted=granted(2), aliases={"auto": ["m1", "m0"]})
    assert models_of(choose(snapshot)) == ["m1", "m1", "m0"]


def test_attempts__told_in_the_trace__first_choice_then_fallbacks() -> None:
    decision = choose(make_snapshot(rules=[rule_record(targets=["large", "small"])]))
    first, fallback = step_of(decision, "first_choice"), step_of(decision, "fallback")
    assert (first.verdict, fallback.verdict) == ("chosen", "kept")
    assert first.numbers == {"place": 1, "model": "large", "most_cost": 2_000}
    assert fallback.numbers == {"place": 2, "model": "small", "most_cost": 2_000}


def test_trace__deployments_behind_the_last_attempt__are_scored_too() -> None:
    rule = rule_record(targets=granted(7), max_attempts=1)
    decision = choose(make_snapshot(many_models(7), granted=granted(7), rules=[rule]))
    assert len(decision.attempts) == 1
    assert codes(decision.trace).count("scored") == 7


# --- the rule, its effects, and the decision without it ------------------------------------------


def test_decision__of_a_rule__names_it_with_its_effects() -> None:
    rule = rule_record("r9", name="Answers", prompt_template="tone", cache_seconds=60)
    decision = choose(make_snapshot(rules=[rule]))
    assert (decision.rule_id, decision.rule_name) == ("r9", "Answers")
    assert decision.effects == Effects(prompt_template="tone", cache_seconds=60)


def test_decision__without_a_rule__has_no_name_no_effects_and_no_counterfactual() -> None:
    decision = choose(make_snapshot(rules=[rule_record(condition=NEVER, cache_seconds=60)]))
    assert (decision.rule_id, decision.rule_name, decision.reject_message) == ("", "", "")
    assert (decision.effects, decision.arm, decision.propensity) == (Effects(), "", 1.0)
    assert codes(decision.trace)[-1] == "fallback"


@pytest.mark.parametrize(
    ("rules", "facts", "code", "subject", "numbers"),
    [
        (
            [rule_record(targets=["m2"])],
            {},
            "without_rule",
            "m0-0",
            {"model": "m0", "cost_difference": -2},
        ),
        (
            [rule_record(targets=["m0"]), rule_record("b", targets=["m2"])],
            {},
            "without_rule",
            "m2-0",
            {"model": "m2", "cost_difference": 2},
        ),
        (
            # The first attempts are compared.
            [rule_record(targets=["m1", "m0"])],
            {},
            "without_rule",
            "m0-0",
            {"model": "m0", "cost_difference": -1},
        ),
        (
            [rule_record(action="reject")],
            {},
            "without_rule",
            "m0-0",
            {"model": "m0", "cost_difference": 501},
        ),
        (
            [rule_record(targets=["m0"])],
            {"requested_model": "m1"},
            "without_rule",
            "m1-0",
            {"model": "m1", "cost_difference": 1},
        ),
        (
            [rule_record(), rule_record("b", action="reject")],
            {},
            "without_rule_nobody",
            "",
            {"outcome": "reject"},
        ),
        (
            [rule_record(condition=SPEAKS_OF_IT, targets=["m0"])],
            {"requested_model": "x"},
            "without_rule_nobody",
            "",
            {"outcome": "unknown_model"},
        ),
        (
            [rule_record(targets=["m1"], allow_unknown=True)],
            {"needs": ("files",)},
            "without_rule_nobody",
            "",
            {"outcome": "ineligible"},
        ),
    ],
)
def test_counterfactual__of_the_rule_that_decided__is_the_last_step(
    rules: list[Any], facts: dict[str, Any], code: str, subject: str, numbers: dict[str, Any]
) -> None:
    snapshot = make_snapshot(many_models(3), granted=granted(3), rules=rules)
    step = choose(snapshot, **facts).trace[-1]
    assert (step.code, step.subject, step.numbers) == (code, subject, numbers)
    assert (step.layer, step.verdict) == ("other", "removed" if subject == "" else "kept")


def test_counterfactual__where_all_rest__is_nobody() -> None:
    health = make_health(d1={"retry_after_ms": NOW + 5})
    rule = rule_record(targets=["large"])
    decision = choose(make_snapshot(aliases={"auto": ["small"]}, rules=[rule]), health)
    assert step_of(decision, "without_rule_nobody").numbers == {"outcome": "unhealthy"}


def test_counterfactual__without_the_rules_own_limits__is_free_of_them() -> None:
    pool = [deployment_record("d1"), deployment_record("d2")]
    health = make_health(d1=answered(1_000, 1), d2=answered(500, 90))
    snapshot = make_snapshot(
        {"deployments": pool}, aliases={"auto": ["small"]}, rules=[rule_record(latency_cap_ms=900)]
    )
    decision = choose(snapshot, health)
    assert decision.attempts[0].deployment_id == "d2"
    assert step_of(decision, "without_rule").subject == "d1"


def test_counterfactual__of_a_decision_without_attempts__costs_what_the_other_costs() -> None:
    rule = rule_record(targets=["large"])
    snapshot = make_snapshot(aliases={"auto": ["small"]}, granted=["small"], rules=[rule])
    decision = choose(snapshot)
    assert decision.outcome == "ineligible"
    assert step_of(decision, "without_rule").numbers["cost_difference"] == 1_500


@pytest.mark.parametrize("rules", [[], [rule_record(price_weight=100, affinity="prefix")]])
def test_choice__without_targets_of_a_rule__counts_time_alone(rules: list[Any]) -> None:
    decision = choose(make_snapshot(rules=rules, aliases={"auto": ["small"]}))
    assert step_of(decision, "scored").numbers["score"] == 4.25


# --- outcomes ------------------------------------------------------------------------------------


def test_outcome__health_removes_all__is_unhealthy_with_the_shortest_wait() -> None:
    health = make_health(d1={"retry_after_ms": NOW + 900}, d2={"retry_after_ms": NOW + 300})
    decision = choose(make_snapshot(), health)
    assert (decision.outcome, decision.retry_after_ms) == ("unhealthy", 300)
    assert decision.attempts == ()


def test_outcome__hard_filters_remove_all__is_ineligible() -> None:
    decision = choose(make_snapshot(), needs=("audio",))
    assert (decision.outcome, decision.retry_after_ms) == ("ineligible", 0)


def test_outcome__one_group_rests__the_next_one_serves() -> None:
    health = make_health(d2={"retry_after_ms": NOW + 300})
    decision = choose(make_snapshot(rules=[rule_record(targets=["large", "small"])]), health)
    assert (ids_of(decision), decision.retry_after_ms) == (["d1"], 0)


def test_providers__in_trouble__are_looked_up_only_for_rules_that_read_them() -> None:
    rule = rule_record("down", condition=only("provider_down", "has", "acme-ai"), targets=["large"])
    resting = {"ejected_until_ms": NOW + 1}
    health = make_health(d1=resting, d2=resting)
    # What the facts say is replaced by what health knows.
    assert choose(make_snapshot(rules=[rule]), health, providers_down=()).rule_id == "down"
    assert choose(make_snapshot(rules=[rule]), providers_down=("acme-ai",)).rule_id == ""


@pytest.mark.parametrize("field", ["provider_down", "provider_degraded"])
def test_providers__rule_that_reads_either_field__is_decided(field: str) -> None:
    rule = rule_record("r", condition={"none": only(field, "has", "acme-ai")["all"]})
    assert choose(make_snapshot(rules=[rule])).rule_id == "r"


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        ((), ("auto", "fast", "large", "small")),
        (("small", "fast"), ("fast", "small")),
        (("gone",), ()),
    ],
)
def test_usable_models__of_a_key__are_aliases_first(
    allowed: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert usable_models(allowed, make_snapshot(aliases={"fast": ["small"]})) == names


def test_usable_models__without_a_deployment__are_left_out() -> None:
    assert usable_models((), make_snapshot(granted=["small"])) == ("auto", "small")


def test_usable_models__of_a_known_name__are_not_listed() -> None:
    assert choose(make_snapshot()).usable_models == ()


# --- the same every time -------------------------------------------------------------------------


def test_decide__arguments__are_left_as_they_were() -> None:
    rule = rule_record(action="continue", add_tags=["x"], parameters={"a": 1})
    snapshot, health = make_snapshot(rules=[rule, rule_record("b")]), make_health(d1={})
    facts = make_facts(metadata={"a": "b"})
    copies = replace(facts), replace(snapshot), replace(health)
    first = decide(facts, snapshot, health, "s")
    assert (facts, snapshot, health) == copies
    assert repr(decide(facts, snapshot, health, "s")) == repr(first)


def test_decide__another_seed__parts_equals_otherwise() -> None:
    snapshot = make_snapshot(many_models(1, 2), granted=["m0"])
    firsts = {
        decide(make_facts(), snapshot, make_health(), str(n)).attempts[0][0] for n in range(20)
    }
    assert firsts == {"m0-0", "m0-1"}


def test_decision__names_both_versions() -> None:
    decision = choose(make_snapshot())
    assert (decision.platform_version, decision.tenant_version) == (3, 7)


def test_cost_range__of_a_plan__is_least_likely_first_and_worst() -> None:
    pool = [deployment_record("d1"), deployment_record("d2", "large", input_price=100_000)]
    pool[1]["output_price"] = 9_000_000
    rule = rule_record(targets=["small", "large"])
    found = choose(make_snapshot({"deployments": pool}, rules=[rule]), prompt_tokens=10_000)
    # 10 000 tokens in; 250 out are likely, 500 the most.
    assert [attempt.expected_cost for attempt in found.attempts] == [10_500, 3_250]
    assert found.cost_range == (3_250, 10_500, 14_500)
    assert choose(make_snapshot(), requested_model="gone").cost_range == (0, 0, 0)
