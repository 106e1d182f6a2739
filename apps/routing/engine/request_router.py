"""Request Router: facts, snapshot and health in, one decision with its reasons out. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from apps.routing.engine.attempts import fill_attempts
from apps.routing.engine.filters import (
    AUTO,
    EMBEDDINGS,
    makes_vectors,
    models_behind,
    providers_in_trouble,
)
from apps.routing.engine.load_balancer import Balancer
from apps.routing.engine.readiness import Steps
from apps.routing.engine.rules import Matched, first_match, match_after, reads_requested_model
from apps.routing.engine.strategies import Plan, draw_step, plan_for
from apps.routing.engine.types import (
    Attempt,
    Choice,
    Decision,
    Health,
    Layer,
    Outcome,
    RequestFacts,
    Rule,
    Scalar,
    Snapshot,
    TraceStep,
    Verdict,
)

NO_CHOICE = Choice(price_weight=0)
HEALTH_FIELDS = frozenset({"provider_down", "provider_degraded"})


class _Found(NamedTuple):
    """What one way through the rules leads to."""

    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    plan: Plan = Plan(())
    retry_after_ms: int = 0


def decide(facts: RequestFacts, snapshot: Snapshot, health: Health, seed: str) -> Decision:
    """Return the ordered attempts for a request, or why there are none.

    Same arguments, same decision, byte for byte: the simulator and back-tests rely on it.
    """
    steps: list[TraceStep] = []
    if not HEALTH_FIELDS.isdisjoint(snapshot.reads):
        down, degraded = providers_in_trouble(snapshot, health, facts.now_ms)
        facts = replace(facts, providers_down=down, providers_degraded=degraded)
    matched = first_match(snapshot.rules, facts, steps)
    balancer = Balancer(matched.facts, health, matched.effects, seed)
    found = _follow(matched, snapshot, balancer, steps)
    if matched.rule is not None:
        other = match_after(snapshot.rules, matched)
        if other.effects != matched.effects or other.facts is not matched.facts:
            balancer = Balancer(other.facts, health, other.effects, seed)
        steps.append(_without_rule(found, _follow(other, snapshot, balancer, None)))
    return _decision(found, matched, snapshot, steps)


def usable_models(allowed: Sequence[str], snapshot: Snapshot) -> tuple[str, ...]:
    """Return what a key may ask for: aliases first, then models with a deployment."""
    models = (name for name in sorted(snapshot.models) if snapshot.deployments.get(name))
    names = dict.fromkeys((AUTO, *sorted(snapshot.aliases), *models))
    return tuple(name for name in names if not allowed or name in allowed)


def _follow(matched: Matched, snapshot: Snapshot, balancer: Balancer, steps: Steps) -> _Found:
    """Return where these rules lead; `steps` None: nobody wants to know why."""
    rule, facts = matched.rule, matched.facts
    if rule is not None and rule.action == "reject":
        _tell(steps, "rule", "rejected_by_rule", rule.id, "rejected")
        return _Found("reject")
    requested = requested_models(facts, snapshot)
    if EMBEDDINGS in facts.needs:
        return _for_vectors(matched, requested, snapshot, balancer, steps)
    names_targets = rule is not None and bool(rule.choice.targets or rule.choice.arms)
    if requested is None and not (names_targets and gives_meaning(rule)):
        _tell(steps, "model", "unknown_name", facts.requested_model, "removed")
        return _Found("unknown_model")
    plan = plan_for(rule, requested or (), facts)
    if steps is not None:
        if rule is not None and plan.arm:
            steps.append(draw_step(rule, plan, facts))
        names = [name for group in plan.groups for name in group]
        steps.append(_chosen("rule_targets" if names_targets else "requested", names))
    choice = rule.choice if rule is not None and names_targets else NO_CHOICE
    return _filled(plan, choice, matched, snapshot, balancer, steps)


def _for_vectors(
    matched: Matched,
    requested: tuple[str, ...] | None,
    snapshot: Snapshot,
    balancer: Balancer,
    steps: Steps,
) -> _Found:
    """Stay with one model: vectors of two cannot be compared, whatever a rule's targets say."""
    if requested is None:
        _tell(steps, "model", "unknown_name", matched.facts.requested_model, "removed")
        return _Found("unknown_model")
    asked = vector_model(requested, snapshot)
    if steps is not None:
        steps.append(_chosen("vectors_of", asked))
    plan = plan_for(None, asked, matched.facts)
    return _filled(plan, NO_CHOICE, matched, snapshot, balancer, steps)


def _filled(
    plan: Plan,
    choice: Choice,
    matched: Matched,
    snapshot: Snapshot,
    balancer: Balancer,
    steps: Steps,
) -> _Found:
    attempts, wait_ms = fill_attempts(plan, choice, matched, snapshot, balancer, steps)
    if attempts:
        return _Found("route", attempts, plan)
    outcome: Outcome = "ineligible" if wait_ms is None else "unhealthy"
    return _Found(outcome, plan=plan, retry_after_ms=wait_ms or 0)


def requested_models(facts: RequestFacts, snapshot: Snapshot) -> tuple[str, ...] | None:
    """Return the models behind the client's name, in order; None when it means nothing here."""
    name = facts.requested_model or AUTO
    if facts.allowed_models and name != AUTO and name not in facts.allowed_models:
        behind = (models_behind(allowed, snapshot) for allowed in facts.allowed_models)
        if not any(name in models for models in behind):
            return None
    if name in snapshot.aliases or name == AUTO:
        return models_behind(name, snapshot)
    model = snapshot.models.get(name)
    has_successor = model is not None and bool(model.successor)
    return (name,) if snapshot.deployments.get(name) or has_successor else None


def vector_model(requested: tuple[str, ...], snapshot: Snapshot) -> tuple[str, ...]:
    """Return the one model behind a name that vectors are asked of: the first that makes any."""
    models = (snapshot.models.get(name) for name in requested)
    makers = (model.name for model in models if model is not None and makes_vectors(model))
    return (next(makers, requested[0]),) if requested else ()


def gives_meaning(rule: Rule | None) -> bool:
    """Tell whether a rule may send a name somewhere that has no meaning of its own."""
    return rule is not None and reads_requested_model(rule)


def _without_rule(found: _Found, other: _Found) -> TraceStep:
    """Tell where the request would have gone without the rule that decided."""
    if not other.attempts:
        numbers: dict[str, Scalar] = {"outcome": other.outcome}
        return TraceStep("other", "without_rule_nobody", "", "removed", numbers)
    first = other.attempts[0]
    cost = found.attempts[0].expected_cost if found.attempts else 0
    numbers = {"model": first.model, "cost_difference": first.expected_cost - cost}
    return TraceStep("other", "without_rule", first.deployment, "kept", numbers)


def _decision(
    found: _Found, matched: Matched, snapshot: Snapshot, steps: list[TraceStep]
) -> Decision:
    rule, facts = matched.rule, matched.facts
    is_unknown = found.outcome == "unknown_model"
    return Decision(
        outcome=found.outcome,
        attempts=found.attempts,
        trace=tuple(steps),
        platform_version=snapshot.platform_version,
        tenant_version=snapshot.tenant_version,
        rule_id=rule.id if rule else "",
        rule_name=rule.name if rule else "",
        reject_message=rule.reject_message if rule else "",
        effects=matched.effects,
        arm=found.plan.arm,
        propensity=found.plan.propensity,
        usable_models=usable_models(facts.allowed_models, snapshot) if is_unknown else (),
        retry_after_ms=found.retry_after_ms,
    )


def _tell(steps: Steps, layer: Layer, code: str, subject: str, verdict: Verdict) -> None:
    if steps is not None:
        steps.append(TraceStep(layer, code, subject, verdict))


def _chosen(code: str, names: Sequence[str]) -> TraceStep:
    return TraceStep("model", code, ", ".join(names), "kept", {"count": len(names)})
