"""What holds for every request, snapshot and health: no filter is passed, every reason is told."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.engine.attempts import MOST_ATTEMPTS
from apps.routing.engine.explain import explain, explain_steps
from apps.routing.engine.filters import models_behind, successor_of
from apps.routing.engine.health import EJECTION_STEP_MS, HEALTHY, rests, retries_left
from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.request_router import decide
from apps.routing.engine.rules import TRACED_RULES
from apps.routing.engine.sentences import SENTENCES
from apps.routing.engine.trace import FACTS_READ, MOST_BYTES, pack_trace, told_steps, unpack_trace
from apps.routing.engine.types import (
    Attempt,
    Decision,
    Deployment,
    Snapshot,
    TraceStep,
)
from tests.engine.random_cases import Case, case_of
from tests.engine.records import codes
from tests.scale import scaled

EXAMPLES = settings(max_examples=scaled(100, 3_000))
# Reasons that no rule can take back; what a rule may allow or demand is not among them.
HARD = frozenset(
    {
        *("unknown_model", "retired", "no_deployment", "capability_missing", "output_too_small"),
        *("context_too_small", "disabled", "draining", "excluded", "region_denied"),
        *("data_class_denied", "budget_too_small"),
    }
)
RULE_STEPS = frozenset(
    {"condition_failed", "condition_forbids", "condition_unmet", "fact_missing", "rule_matched"}
)
LANGUAGES = ("en", "pt-br")

pytestmark = pytest.mark.slow


cases = st.integers(0, 2**32 - 1).map(case_of)


def deployment_of(attempt: Attempt, snapshot: Snapshot) -> Deployment:
    (found,) = (
        item for item in snapshot.deployments[attempt.model] if item.id == attempt.deployment_id
    )
    return found


def json_size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


# --- hard filters --------------------------------------------------------------------------------


@EXAMPLES
@given(cases)
def test_attempts__of_any_decision__violate_no_hard_filter_of_their_model(case: Case) -> None:
    snapshot, facts, decision = case.snapshot(), case.facts, case.decide()
    names = [name for key in facts.allowed_models for name in models_behind(key, snapshot)]
    allowed = {successor_of(name, snapshot) for name in names}
    fine = {"yes", "unknown", None} if decision.effects.allow_unknown else {"yes"}
    for attempt in decision.attempts:
        model = snapshot.models[attempt.model]
        assert not facts.allowed_models or model.name in allowed
        assert model.lifecycle != "retired"
        assert {model.capabilities.get(need) for need in facts.needs} <= fine
        assert 1 <= attempt.max_output_tokens <= model.max_output_tokens
        assert facts.input_tokens + attempt.max_output_tokens <= model.context_window
        limits = [facts.max_output_tokens, decision.effects.max_output_tokens]
        assert all(limit is None or attempt.max_output_tokens <= max(limit, 1) for limit in limits)
        if facts.max_output_tokens is not None:
            assert min(x for x in limits if x is not None) <= model.max_output_tokens


@EXAMPLES
@given(cases)
def test_attempts__of_any_decision__violate_no_hard_filter_of_their_deployment(case: Case) -> None:
    snapshot, facts, decision = case.snapshot(), case.facts, case.decide()
    effects = decision.effects
    for attempt in decision.attempts:
        deployment = deployment_of(attempt, snapshot)
        assert deployment.traffic in (("on", "drain") if facts.is_continued else ("on",))
        assert deployment.id not in facts.excluded_deployments
        output = attempt.max_output_tokens * facts.choices
        worst = worst_case_cost(deployment, facts.input_tokens, output)
        assert attempt.worst_case_cost == worst
        assert facts.budget_left is None or worst <= facts.budget_left
        for regions in (facts.allowed_regions, effects.regions):
            assert not regions or deployment.region in regions
        for data_class in (facts.data_class, effects.data_class):
            assert not data_class or data_class in deployment.data_classes
        price = max(deployment.input_price, deployment.output_price)
        assert effects.price_cap is None or price <= effects.price_cap


@EXAMPLES
@given(cases)
def test_attempts__of_any_decision__go_to_nobody_who_asked_to_be_left_alone(case: Case) -> None:
    snapshot, facts, health, decision = case.snapshot(), case.facts, case.health, case.decide()
    cap = decision.effects.latency_cap_ms
    for attempt in decision.attempts:
        deployment = deployment_of(attempt, snapshot)
        state = health.deployments.get(deployment.id, HEALTHY)
        assert state.retry_after_ms <= facts.now_ms
        assert health.credentials_down.get(deployment.credential, 0) <= facts.now_ms
        assert cap is None or not state.seen_ms or state.ttft_ms <= cap
        if facts.tried_deployments:
            assert retries_left(health, deployment.provider, facts.now_ms) >= 1
        kept = {"panic", "called_back"} & set(codes(decision.trace))
        if rests(state, facts.now_ms) and not kept:
            # Nobody else could be called at once, and it has rested for a while.
            assert not state.in_flight
            assert facts.now_ms - state.seen_ms >= EJECTION_STEP_MS


@EXAMPLES
@given(cases)
def test_rules__whatever_they_say__bring_nothing_back_that_a_hard_filter_removed(
    case: Case,
) -> None:
    """Each attempt would pass the same filters if there were no rule at all."""
    snapshot, decision = case.snapshot(), case.decide()
    cap, asked = decision.effects.max_output_tokens, case.facts.max_output_tokens
    for attempt in decision.attempts:
        alone = replace(snapshot, rules=(), auto_models=(attempt.model,), aliases={})
        # A rule may lower what is asked for; that is no way round a filter.
        lowered = (
            asked
            if cap is None
            else min(attempt.max_output_tokens if asked is None else asked, cap)
        )
        facts = replace(
            case.facts, requested_model="auto", allowed_models=(), max_output_tokens=lowered
        )
        bare = decide(facts, alone, case.health, case.seed)
        told = {step.code for step in bare.trace if step.subject in attempt[:3]}
        assert told & HARD == set()
        assert "capability_unknown" not in told or decision.effects.allow_unknown


# --- what is told --------------------------------------------------------------------------------


@EXAMPLES
@given(cases)
def test_decision__of_anything__is_whole(case: Case) -> None:
    decision = case.decide()
    ids = [attempt.deployment_id for attempt in decision.attempts]
    assert len(ids) == len(set(ids)) <= MOST_ATTEMPTS
    assert bool(ids) == (decision.outcome == "route")
    assert bool(decision.retry_after_ms) <= (decision.outcome == "unhealthy")
    assert bool(decision.usable_models) <= (decision.outcome == "unknown_model")
    assert 0 < decision.propensity <= 1
    assert decision.arm or decision.propensity == 1
    verdicts = [step.verdict for step in decision.trace]
    assert verdicts.count("chosen") == (1 if ids else 0)
    assert codes(decision.trace)[-1].startswith("without_rule") is bool(decision.rule_id)


@EXAMPLES
@given(cases)
def test_reasons__of_anything__are_sentences_without_gaps_in_both_languages(case: Case) -> None:
    decision = case.decide()
    assert {step.code for step in told_steps(decision.trace)} <= set(SENTENCES)
    for language in LANGUAGES:
        sentences = explain(decision, language)
        assert len(sentences) == len(told_steps(decision.trace))
        assert [text for text in sentences if "…" in text or "{" in text] == []


def candidates_of(decision: Decision, snapshot: Snapshot) -> Iterator[str]:
    """Yield what a plan could have called, by name; a model that fell out whole is one."""
    removed = {step.subject for step in decision.trace if step.verdict == "removed"}
    for step in decision.trace:
        if step.code in ("rule_targets", "requested") and step.subject:
            for name in step.subject.split(", "):
                target = successor_of(name, snapshot)
                fell_out = target in removed
                yield from (
                    [target] if fell_out else (item.name for item in snapshot.deployments[target])
                )


@EXAMPLES
@given(cases)
def test_trace__of_a_plan__tells_of_every_candidate_whether_it_was_removed_or_scored(
    case: Case,
) -> None:
    snapshot, decision = case.snapshot(), case.decide()
    ends = [
        step.subject
        for step in decision.trace
        if step.code in ("scored", "priced")
        or (step.layer in ("filter", "deployment") and step.verdict == "removed")
    ]
    assert len(ends) == len(set(ends))
    assert set(candidates_of(decision, snapshot)) == set(ends)
    assert {attempt.deployment for attempt in decision.attempts} <= set(ends)


@EXAMPLES
@given(cases)
def test_packed_trace__of_anything__is_small_and_keeps_the_choice(case: Case) -> None:
    decision = case.decide()
    packed = pack_trace(decision.trace, json_size)
    assert json_size(packed) <= MOST_BYTES
    wanted = [step.code for step in decision.trace if step.verdict in ("chosen", "rejected")]
    assert [item[1] for item in packed if item[3] in ("chosen", "rejected")] == wanted
    of_rules = [step for step in decision.trace if step.code in RULE_STEPS]
    assert len(of_rules) <= TRACED_RULES + 1
    for language in LANGUAGES:
        sentences = explain_steps(json.loads(json.dumps(packed)), language)
        assert len(sentences) == sum(item[1] != FACTS_READ for item in packed)


scalars = st.text() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.none()
kept_steps = st.tuples(
    st.sampled_from(("filter", "rule", "other")),
    st.sampled_from((*sorted(SENTENCES), FACTS_READ)) | st.text(),
    st.text(),
    st.sampled_from(("kept", "removed")),
    st.dictionaries(
        st.sampled_from(
            ("name", "field", "operator", "unit", "outcome", "cost", "cap", "wait_ms", "score")
        )
        | st.text(),
        scalars,
    ),
)


def as_object(step: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(TraceStep._fields, step, strict=True))


@EXAMPLES
@given(
    st.lists(kept_steps.map(list) | kept_steps.map(as_object), max_size=4),
    st.sampled_from((*LANGUAGES, "", "xx")),
)
def test_explain__any_trace_that_was_ever_kept__never_fails(
    trace: list[Any], language: str
) -> None:
    sentences = explain_steps(trace, language)
    read = sum(step.code == FACTS_READ for step in unpack_trace(trace))
    assert len(sentences) == len(trace) - read
    assert all(isinstance(text, str) for text in sentences)


# --- the decision without the rule ---------------------------------------------------------------


@EXAMPLES
@given(cases)
def test_counterfactual__of_any_rule__is_what_the_snapshot_without_it_decides(case: Case) -> None:
    snapshot, decision = case.snapshot(), case.decide()
    if not decision.rule_id:
        return
    rest = tuple(rule for rule in snapshot.rules if rule.id != decision.rule_id)
    other = decide(case.facts, replace(snapshot, rules=rest), case.health, case.seed)
    step = decision.trace[-1]
    if not other.attempts:
        assert (step.code, step.numbers) == ("without_rule_nobody", {"outcome": other.outcome})
        return
    first = other.attempts[0]
    cost = decision.attempts[0].expected_cost if decision.attempts else 0
    numbers = {"model": first.model, "cost_difference": first.expected_cost - cost}
    assert (step.code, step.subject, step.numbers) == ("without_rule", first.deployment, numbers)


@EXAMPLES
@given(cases, cases)
def test_rules__after_the_one_that_matched__change_nothing_but_the_counterfactual(
    case: Case, donor: Case
) -> None:
    snapshot, decision = case.snapshot(), case.decide()
    if not decision.rule_id:
        return
    place = [rule.id for rule in snapshot.rules].index(decision.rule_id) + 1
    extra = donor.snapshot().rules
    longer = replace(snapshot, rules=(*snapshot.rules[:place], *extra, *snapshot.rules[place:]))
    other = decide(case.facts, longer, case.health, case.seed)
    shorter = [replace(item, trace=item.trace[:-1]) for item in (decision, other)]
    assert shorter[0] == shorter[1]
