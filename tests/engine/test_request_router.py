"""Decisions: hard filters, their reasons and numbers, budget, limits of attempts, names, rules."""

from typing import Any

import pytest

from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.request_router import (
    DEFAULT_OUTPUT_TOKENS,
    MOST_ATTEMPTS,
    decide,
    usable_models,
)
from apps.routing.engine.types import Decision, Health, Snapshot
from tests.engine.records import (
    NOW,
    codes,
    deployment_record,
    make_deployment,
    make_facts,
    make_health,
    make_snapshot,
    model_record,
    rule_record,
)

SPEAKS_OF_IT = {"all": [{"field": "requested_model", "operator": "starts_with", "value": "x"}]}


def choose(snapshot: Snapshot, health: Health | None = None, **facts: Any) -> Decision:
    return decide(make_facts(**facts), snapshot, health or Health(), "seed")


def models_of(decision: Decision) -> list[str]:
    return [attempt.model for attempt in decision.attempts]


def removals(decision: Decision) -> dict[str, str]:
    return {step.subject: step.code for step in decision.trace if step.verdict == "removed"}


def numbers_of(decision: Decision, code: str) -> dict[str, Any]:
    (step,) = (step for step in decision.trace if step.code == code)
    return dict(step.numbers)


# --- hard filters ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "platform", "facts", "numbers"),
    [
        ("unknown_model", {"models": {"large": model_record()}}, {}, {}),
        ("not_allowed_for_key", {}, {"allowed_models": ("large",)}, {}),
        ("no_deployment", {"deployments": [deployment_record("d2", "large")]}, {}, {}),
        (
            "retired",
            {"models": {"small": model_record(lifecycle="retired"), "large": model_record()}},
            {},
            {},
        ),
        ("capability_missing", {}, {"needs": ("audio", "tools")}, {"capability": "audio"}),
        (
            "context_too_small",
            {"models": {"small": model_record(context_window=1_000), "large": model_record()}},
            {},
            {"needed": 1_001, "window": 1_000},
        ),
    ],
)
def test_model_filter__each_reason__removes_the_model_with_its_numbers(
    code: str, platform: dict[str, Any], facts: dict[str, Any], numbers: dict[str, Any]
) -> None:
    snapshot = make_snapshot(platform, rules=[rule_record(targets=["small", "large"])])
    decision = choose(snapshot, **facts)
    assert removals(decision)["small"] == code
    assert numbers_of_first(decision, code) == numbers
    assert "small" not in models_of(decision)


def numbers_of_first(decision: Decision, code: str) -> dict[str, Any]:
    return dict(next(step for step in decision.trace if step.code == code).numbers)


@pytest.mark.parametrize(
    ("code", "deployment", "facts", "state", "numbers"),
    [
        ("disabled", {"is_enabled": False}, {}, {}, {}),
        ("excluded", {}, {"excluded_deployments": ("d1",)}, {}, {}),
        (
            "budget_too_small",
            {"output_price": 4_000_000},
            {"budget_left": 2_500},
            {},
            {"cost": 3_000, "left": 2_500},
        ),
        ("rate_blocked", {}, {}, {"retry_after_ms": NOW + 700}, {"wait_ms": 700}),
        (
            "ejected",
            {},
            {},
            {"ejected_until_ms": NOW + 900, "consecutive_failures": 4},
            {"wait_ms": 900, "failures": 4},
        ),
    ],
)
def test_deployment_filter__each_reason__removes_the_deployment_and_the_next_one_serves(
    code: str,
    deployment: dict[str, Any],
    facts: dict[str, Any],
    state: dict[str, Any],
    numbers: dict[str, Any],
) -> None:
    pool = [deployment_record("d1", **deployment), deployment_record("d2")]
    snapshot = make_snapshot({"deployments": pool}, aliases={"auto": ["small"]})
    decision = choose(snapshot, make_health(d1=state), **facts)
    assert removals(decision) == {"d1": code}
    assert numbers_of(decision, code) == {"model": "small", **numbers}
    assert [attempt.deployment_id for attempt in decision.attempts] == ["d2"]


def test_capability__unknown__is_not_a_no() -> None:
    decision = choose(make_snapshot(), needs=("vision", "tools", "telepathy"))
    assert decision.outcome == "route"


def test_window__prompt_of_the_rule__counts() -> None:
    models = {"small": model_record(context_window=1_500), "large": model_record()}
    snapshot = make_snapshot({"models": models}, rules=[rule_record(targets=["small"])])
    assert choose(snapshot, prompt_tokens=1_000).outcome == "route"
    assert choose(snapshot, prompt_tokens=1_000, added_tokens=500).outcome == "ineligible"


def test_window__exactly_full__leaves_one_token_of_output() -> None:
    models = {"small": model_record(context_window=1_001), "large": model_record()}
    decision = choose(make_snapshot({"models": models}, aliases={"auto": ["small"]}))
    assert decision.attempts[0].max_output_tokens == 1


@pytest.mark.parametrize("state", [{"ejected_until_ms": NOW}, {"retry_after_ms": NOW}])
def test_health__wait_is_over__lets_the_deployment_back(state: dict[str, int]) -> None:
    assert choose(make_snapshot(), make_health(d1=state, d2=state)).outcome == "route"


def test_outcome__health_removes_all__is_unhealthy_with_the_shortest_wait() -> None:
    health = make_health(d1={"ejected_until_ms": NOW + 900}, d2={"retry_after_ms": NOW + 300})
    decision = choose(make_snapshot(), health)
    assert (decision.outcome, decision.retry_after_ms) == ("unhealthy", 300)
    assert decision.attempts == ()


def test_outcome__hard_filters_remove_all__is_ineligible() -> None:
    decision = choose(make_snapshot(), needs=("audio",))
    assert (decision.outcome, decision.retry_after_ms) == ("ineligible", 0)


# --- money -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prices", "prompt", "output", "cost"),
    [
        ({"input_price": 1_000_000, "output_price": 2_000_000}, 1_000, 500, 2_000),
        ({"input_price": 1, "output_price": 0}, 1, 0, 1),
        ({"input_price": 1, "output_price": 1}, 500_000, 500_000, 1),
        ({"input_price": 1, "output_price": 1}, 500_000, 500_001, 2),
        ({"input_price": 0, "output_price": 0, "cache_write_price": 0}, 9, 9, 0),
        ({"input_price": 100, "cache_write_price": 125, "output_price": 0}, 1_000_000, 0, 125),
        ({"input_price": 100, "cache_write_price": 50, "output_price": 0}, 1_000_000, 0, 100),
    ],
)
def test_worst_case__dearest_rate_of_each_token__is_rounded_up(
    prices: dict[str, int], prompt: int, output: int, cost: int
) -> None:
    values: dict[str, Any] = {"cache_write_price": 0, **prices}
    assert worst_case_cost(make_deployment(**values), prompt, output) == cost


def test_budget__exactly_enough__is_enough() -> None:
    snapshot = make_snapshot(aliases={"auto": ["small"]})
    assert choose(snapshot, budget_left=2_000).outcome == "route"
    assert choose(snapshot, budget_left=1_999).outcome == "ineligible"
    assert choose(snapshot, budget_left=0).outcome == "ineligible"


def test_budget__counts_the_tokens_that_the_rule_adds() -> None:
    decision = choose(make_snapshot(aliases={"auto": ["small"]}), added_tokens=1_000)
    assert decision.attempts[0].worst_case_cost == 3_000


@pytest.mark.parametrize(
    ("asked", "capped", "window", "expected"),
    [
        (None, None, 100_000, DEFAULT_OUTPUT_TOKENS),
        (700, None, 100_000, 700),
        (700, 300, 100_000, 300),
        (300, 700, 100_000, 300),
        (50_000, None, 100_000, 8_000),
        (50_000, None, 4_000, 3_000),
    ],
)
def test_output__of_caller_rule_model_and_window__is_the_smallest(
    asked: int | None, capped: int | None, window: int, expected: int
) -> None:
    models = {"small": model_record(context_window=window), "large": model_record()}
    rule = rule_record(targets=["small"], max_output_tokens=capped)
    decision = choose(make_snapshot({"models": models}, rules=[rule]), max_output_tokens=asked)
    assert decision.attempts[0].max_output_tokens == expected


# --- attempts ----------------------------------------------------------------------------------


def many_models(count: int) -> dict[str, Any]:
    names = [f"m{number}" for number in range(count)]
    pool = [deployment_record(f"d-{name}-{copy}", name) for name in names for copy in range(2)]
    return {"models": {name: model_record() for name in names}, "deployments": pool}


@pytest.mark.parametrize(("targets", "expected"), [(0, 3), (1, 2), (2, 3), (4, 4), (5, 5), (7, 5)])
def test_attempts__by_default_three__more_only_for_a_rules_own_targets(
    targets: int, expected: int
) -> None:
    names = [f"m{number}" for number in range(targets)]
    snapshot = make_snapshot(
        many_models(8),
        granted=[f"m{number}" for number in range(8)],
        rules=[rule_record(targets=names)],
    )
    decision = choose(snapshot)
    assert len(decision.attempts) == expected
    assert expected <= MOST_ATTEMPTS


def test_attempts__several_deployments__exhaust_a_model_before_the_next() -> None:
    snapshot = make_snapshot(many_models(2), granted=["m0", "m1"], aliases={"auto": ["m1", "m0"]})
    assert models_of(choose(snapshot)) == ["m1", "m1", "m0"]


def test_attempts__target_named_twice__is_tried_once() -> None:
    snapshot = make_snapshot(rules=[rule_record(targets=["small", "large", "small"])])
    assert models_of(choose(snapshot)) == ["small", "large"]


def test_attempts__told_in_the_trace__first_choice_then_fallbacks() -> None:
    decision = choose(make_snapshot(rules=[rule_record(targets=["large", "small"])]))
    assert codes(decision.trace) == ["rule_matched", "rule_targets", "first_choice", "fallback"]
    assert [step.verdict for step in decision.trace[-2:]] == ["chosen", "kept"]
    assert decision.trace[-2].numbers == {"place": 1, "model": "large", "most_cost": 2_000}


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requested", "models"),
    [
        ("", ["small", "large"]),
        ("auto", ["small", "large"]),
        ("large", ["large"]),
        ("fast", ["small"]),
        ("best", ["large", "small"]),
    ],
)
def test_name__without_rules__leads_to_its_models(requested: str, models: list[str]) -> None:
    aliases = {"auto": ["small", "large"], "fast": ["small"], "best": ["large", "small"]}
    assert models_of(choose(make_snapshot(aliases=aliases), requested_model=requested)) == models


def test_name__unknown__is_told_with_what_could_be_asked_for() -> None:
    decision = choose(make_snapshot(aliases={"fast": ["small"]}), requested_model="x-1")
    assert decision.outcome == "unknown_model"
    assert codes(decision.trace) == ["unknown_name"]
    assert decision.usable_models == ("auto", "fast", "large", "small")


def test_name__unknown_but_sent_somewhere_by_a_rule__is_routed() -> None:
    snapshot = make_snapshot(rules=[rule_record(condition=SPEAKS_OF_IT, targets=["large"])])
    assert models_of(choose(snapshot, requested_model="x-1")) == ["large"]


def test_name__unknown_and_rule_sends_it_nowhere__is_told() -> None:
    snapshot = make_snapshot(rules=[rule_record(condition=SPEAKS_OF_IT, cache_seconds=60)])
    decision = choose(snapshot, requested_model="x-1")
    assert decision.outcome == "unknown_model"
    assert codes(decision.trace) == ["rule_matched", "unknown_name"]


def test_name__unknown_and_rule_speaks_of_something_else__is_told() -> None:
    snapshot = make_snapshot(rules=[rule_record(targets=["large"])])
    assert choose(snapshot, requested_model="x-1").outcome == "unknown_model"


def test_name__model_without_grant__is_unknown() -> None:
    assert choose(make_snapshot(granted=["small"]), requested_model="large").outcome == (
        "unknown_model"
    )


@pytest.mark.parametrize(
    ("allowed", "requested", "outcome", "models"),
    [
        (("small",), "small", "route", ["small"]),
        (("small",), "large", "unknown_model", []),
        (("small",), "", "route", ["small"]),
        (("fast",), "fast", "route", ["small"]),
        (("fast",), "small", "route", ["small"]),
        (("fast",), "large", "unknown_model", []),
        (("auto",), "", "route", ["small", "large"]),
        (("auto",), "large", "route", ["large"]),
        (("nothing",), "", "ineligible", []),
    ],
)
def test_key__limited_to_some_names__reaches_those_only(
    allowed: tuple[str, ...], requested: str, outcome: str, models: list[str]
) -> None:
    aliases = {"fast": ["small"]}
    platform = {"deployments": [deployment_record("d1", "small", input_price=1)]}
    platform["deployments"].append(deployment_record("d2", "large"))
    snapshot = make_snapshot(platform, aliases=aliases)
    decision = choose(snapshot, requested_model=requested, allowed_models=allowed)
    assert (decision.outcome, models_of(decision)) == (outcome, models)


def test_usable_models__limited_key__lists_its_names() -> None:
    snapshot = make_snapshot(aliases={"fast": ["small"]})
    assert usable_models(("fast", "large", "gone"), snapshot) == ("fast", "large")


# --- rules -------------------------------------------------------------------------------------


def test_rule__rejects__ends_the_decision_with_its_message() -> None:
    rule = rule_record(action="reject", reject_message="Not on Sundays.")
    decision = choose(make_snapshot(rules=[rule]))
    assert (decision.outcome, decision.reject_message) == ("reject", "Not on Sundays.")
    assert codes(decision.trace) == ["rule_matched", "rejected_by_rule"]
    assert decision.attempts == ()


def test_rule__matched__hands_over_its_effects() -> None:
    rule = rule_record(
        "r9", name="Answers", prompt_template="tone", cache_seconds=60, max_output_tokens=90
    )
    decision = choose(make_snapshot(rules=[rule]))
    assert (decision.rule_id, decision.rule_name) == ("r9", "Answers")
    assert (decision.prompt_template, decision.cache_seconds) == ("tone", 60)
    assert decision.max_output_tokens == 90


def test_rule__of_another_project__is_passed_over_in_silence() -> None:
    rule = rule_record(scope="project", project="research", action="reject", reject_message="no")
    decision = choose(make_snapshot(rules=[rule]))
    assert decision.outcome == "route"
    assert decision.rule_id == ""
    assert "condition_failed" not in codes(decision.trace)


def test_rules__more_than_a_person_reads__keep_the_match_in_the_trace() -> None:
    never = {"all": [{"field": "tag", "operator": "has", "value": "never"}]}
    rules = [rule_record(f"r{number}", condition=never) for number in range(50)]
    decision = choose(make_snapshot(rules=[*rules, rule_record("last")]))
    found = codes(decision.trace)
    assert found.count("condition_failed") == 30
    assert decision.rule_id == "last"


def test_decision__names_both_versions() -> None:
    decision = choose(make_snapshot())
    assert (decision.platform_version, decision.tenant_version) == (3, 7)
