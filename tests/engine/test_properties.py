"""Properties that hold for every request, site and health that can be generated."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.conditions import FIELDS
from apps.routing.engine.explain import SENTENCES, explain
from apps.routing.engine.filters import models_behind
from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.request_router import MOST_ATTEMPTS, decide
from apps.routing.engine.types import (
    Attempt,
    Deployment,
    DeploymentHealth,
    Health,
    RequestFacts,
    Snapshot,
)
from tests.engine.records import (
    NOW,
    deployment_record,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)

MODELS = ("m0", "m1", "m2", "m3")
NAMES = ("", "auto", "fast", *MODELS, "gone")
DEPLOYMENTS = tuple(f"d{number}" for number in range(7))
CAPABILITIES = ("tools", "vision", "audio")
WORDS = ("vip", "bulk", *NAMES[1:], "support", "acme")
EXAMPLES = settings(max_examples=100, deadline=None)

prices = st.integers(0, 50_000_000)


@st.composite
def clauses(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(FIELDS)))
    operator = draw(st.sampled_from(sorted(FIELDS[name].operators)))
    if FIELDS[name].kind != "number":
        texts = st.lists(st.sampled_from(WORDS) | st.text(min_size=1), min_size=1, max_size=3)
        return {"field": name, "operator": operator, "value": draw(texts)}
    numbers = st.integers(-10, 300_000) | st.floats(allow_nan=False, allow_infinity=False)
    pair = st.lists(numbers, min_size=2, max_size=2)
    return {
        "field": name,
        "operator": operator,
        "value": draw(pair if operator == "between" else numbers),
    }


def groups(depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    members = clauses() if depth == 1 else clauses() | groups(depth - 1)
    kinds = st.sampled_from(("all", "any", "none"))
    return st.builds(lambda kind, inner: {kind: inner}, kinds, st.lists(members, max_size=3))


conditions: st.SearchStrategy[dict[str, Any]] = st.just({}) | groups()


@st.composite
def rules(draw: st.DrawFn, scope: str) -> list[dict[str, Any]]:
    count = draw(st.integers(0, 4))
    return [
        rule_record(
            f"{scope}-{number}",
            scope=scope,
            project=draw(st.sampled_from(("support", "other"))) if scope == "project" else "",
            condition=draw(conditions),
            action=draw(st.sampled_from(("route", "route", "route", "reject"))),
            targets=draw(st.lists(st.sampled_from((*MODELS, "gone")), max_size=7)),
            max_output_tokens=draw(st.none() | st.integers(0, 9_000)),
        )
        for number in range(count)
    ]


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    answers = st.sampled_from(("yes", "no", "unknown"))
    models = {
        name: model_record(
            context_window=draw(st.integers(1, 200_000)),
            max_output_tokens=draw(st.integers(1, 64_000)),
            lifecycle=draw(st.sampled_from(("active", "deprecated", "retired"))),
            capabilities=draw(st.dictionaries(st.sampled_from(CAPABILITIES), answers)),
        )
        for name in MODELS
    }
    deployments = [
        deployment_record(
            id_,
            draw(st.sampled_from((*MODELS, "gone"))),
            is_enabled=draw(st.booleans()),
            input_price=draw(prices),
            output_price=draw(prices),
            cache_write_price=draw(prices),
        )
        for id_ in DEPLOYMENTS
    ]
    own = draw(st.integers(0, len(DEPLOYMENTS)))
    platform = platform_records(
        models=models, deployments=deployments[own:], rules=draw(rules("global"))
    )
    targets = st.lists(st.sampled_from((*MODELS, "gone")), max_size=5)
    tenant = tenant_records(
        rules=[*draw(rules("tenant")), *draw(rules("project"))],
        aliases=draw(st.dictionaries(st.sampled_from(("fast", "auto")), targets)),
        granted=draw(st.lists(st.sampled_from(MODELS), unique=True)),
        deployments=deployments[:own],
    )
    return compile_snapshot(platform, tenant)


facts_of_any_request = st.builds(
    RequestFacts,
    request_id=st.just("req"),
    tenant=st.just("acme"),
    project=st.sampled_from(("support", "research")),
    key_id=st.text(),
    key_tags=st.lists(st.sampled_from(WORDS), max_size=2).map(tuple),
    door=st.sampled_from(("chat", "messages", "")),
    requested_model=st.sampled_from(NAMES) | st.text(),
    tags=st.lists(st.sampled_from(WORDS) | st.text(), max_size=3).map(tuple),
    prompt_tokens=st.integers(0, 300_000),
    max_output_tokens=st.none() | st.integers(0, 100_000),
    needs=st.lists(st.sampled_from(CAPABILITIES), unique=True).map(tuple),
    allowed_models=st.lists(st.sampled_from(NAMES[1:]), max_size=3).map(tuple),
    now_ms=st.just(NOW),
    prompt_template=st.sampled_from(("", "tone")),
    added_tokens=st.integers(0, 5_000),
    budget_left=st.none() | st.integers(0, 2_000_000),
    excluded_deployments=st.lists(st.sampled_from(DEPLOYMENTS), max_size=3).map(tuple),
)
moments = st.sampled_from((0, NOW - 1, NOW, NOW + 1, NOW + 60_000))
states = st.builds(
    DeploymentHealth,
    consecutive_failures=st.integers(0, 9),
    ejected_until_ms=moments,
    retry_after_ms=moments,
    ttft_ms=st.floats(0, 60_000),
    in_flight=st.integers(0, 50),
)
healths = st.dictionaries(st.sampled_from(DEPLOYMENTS), states).map(Health)
seeds = st.text(max_size=32)


def deployment_of(attempt: Attempt, snapshot: Snapshot) -> Deployment:
    (found,) = (
        item for item in snapshot.deployments[attempt.model] if item.id == attempt.deployment_id
    )
    return found


@EXAMPLES
@given(facts_of_any_request, snapshots(), healths, seeds)
def test_attempts__of_any_decision__violate_no_hard_filter(
    facts: RequestFacts, snapshot: Snapshot, health: Health, seed: str
) -> None:
    allowed = {name for key in facts.allowed_models for name in models_behind(key, snapshot)}
    for attempt in decide(facts, snapshot, health, seed).attempts:
        model, deployment = snapshot.models[attempt.model], deployment_of(attempt, snapshot)
        assert not facts.allowed_models or model.name in allowed
        assert model.lifecycle != "retired"
        assert all(model.capabilities.get(need) != "no" for need in facts.needs)
        assert facts.input_tokens + attempt.max_output_tokens <= model.context_window
        assert 1 <= attempt.max_output_tokens <= model.max_output_tokens
        assert deployment.is_enabled
        assert deployment.id not in facts.excluded_deployments
        worst = worst_case_cost(deployment, facts.input_tokens, attempt.max_output_tokens)
        assert attempt.worst_case_cost == worst
        assert facts.budget_left is None or worst <= facts.budget_left
        state = health.deployments.get(deployment.id, DeploymentHealth())
        assert max(state.ejected_until_ms, state.retry_after_ms) <= NOW


@EXAMPLES
@given(facts_of_any_request, snapshots(), healths, seeds)
def test_decision__of_anything__is_whole_and_can_be_told(
    facts: RequestFacts, snapshot: Snapshot, health: Health, seed: str
) -> None:
    decision = decide(facts, snapshot, health, seed)
    ids = [attempt.deployment_id for attempt in decision.attempts]
    assert len(ids) == len(set(ids)) <= MOST_ATTEMPTS
    assert bool(ids) == (decision.outcome == "route")
    assert {step.code for step in decision.trace} <= set(SENTENCES)
    for language in ("en", "pt-br"):
        assert len(explain(decision, language)) == len(decision.trace)


@EXAMPLES
@given(facts_of_any_request, snapshots(), healths, seeds)
def test_decision__same_arguments__is_the_same(
    facts: RequestFacts, snapshot: Snapshot, health: Health, seed: str
) -> None:
    again = Health(dict(reversed(list(health.deployments.items()))))
    assert decide(facts, snapshot, health, seed) == decide(facts, snapshot, again, seed)


@EXAMPLES
@given(facts_of_any_request, snapshots(), healths, seeds, rules("tenant"))
def test_rule__after_the_one_that_matched__changes_nothing(
    facts: RequestFacts,
    snapshot: Snapshot,
    health: Health,
    seed: str,
    added: list[dict[str, Any]],
) -> None:
    decision = decide(facts, snapshot, health, seed)
    if not decision.rule_id:
        return
    place = [rule.id for rule in snapshot.rules].index(decision.rule_id) + 1
    extra = compile_snapshot(platform_records(), tenant_records(rules=added)).rules
    longer = replace(snapshot, rules=(*snapshot.rules[:place], *extra, *snapshot.rules[place:]))
    assert decide(facts, longer, health, seed) == decision


@EXAMPLES
@given(facts_of_any_request, snapshots(), healths, seeds)
def test_rule__that_routes_everywhere__admits_only_what_stands_without_rules(
    facts: RequestFacts, snapshot: Snapshot, health: Health, seed: str
) -> None:
    """Whatever a rule targets, each attempt would also be made for that model without rules."""
    decision = decide(facts, snapshot, health, seed)
    bare = replace(snapshot, rules=())
    capped = min(decision.max_output_tokens or 10**9, facts.max_output_tokens or 4_096)
    for attempt in decision.attempts:
        alone = replace(bare, auto_models=(attempt.model,), aliases={})
        # The key's own limits are compared elsewhere: their aliases are gone here.
        asked = replace(facts, requested_model="auto", allowed_models=(), max_output_tokens=capped)
        reached = decide(asked, alone, health, seed).attempts
        assert attempt in reached or len(reached) == 3
