"""Request Router: facts, snapshot and health in, one decision with its reasons out. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from apps.routing.engine import load_balancer
from apps.routing.engine.filters import (
    AUTO,
    keep_deployments,
    keep_healthy,
    keep_models,
    models_behind,
)
from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.rules import first_match, reads_requested_model
from apps.routing.engine.types import (
    Attempt,
    Decision,
    Deployment,
    Health,
    Model,
    RequestFacts,
    Rule,
    Scalar,
    Snapshot,
    TraceStep,
)

DEFAULT_ATTEMPTS = 3
MOST_ATTEMPTS = 5
DEFAULT_OUTPUT_TOKENS = 4_096

type Outcome = Literal["route", "reject", "unknown_model", "ineligible", "unhealthy"]


@dataclass(slots=True)
class _Draft:
    """What is gathered on the way to a decision."""

    facts: RequestFacts
    snapshot: Snapshot
    health: Health
    seed: str
    rule: Rule | None = None
    steps: list[TraceStep] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    retry_after_ms: int = 0

    def decision(self, outcome: Outcome) -> Decision:
        decision = Decision(
            outcome=outcome,
            attempts=tuple(self.attempts),
            trace=tuple(self.steps),
            platform_version=self.snapshot.platform_version,
            tenant_version=self.snapshot.tenant_version,
            retry_after_ms=self.retry_after_ms,
        )
        return decision if self.rule is None else _with_rule(decision, self.rule)


def decide(facts: RequestFacts, snapshot: Snapshot, health: Health, seed: str) -> Decision:
    """Return the ordered attempts for a request, or why there are none.

    Same arguments, same decision, byte for byte: the simulator and back-tests rely on it.
    """
    draft = _Draft(facts, snapshot, health, seed)
    matched = first_match(snapshot, facts)
    draft.rule = matched.rule
    draft.steps.extend(matched.steps)
    if matched.rule is not None and matched.rule.action == "reject":
        draft.steps.append(TraceStep("rule", "rejected_by_rule", matched.rule.id, "rejected"))
        return draft.decision("reject")
    names = _candidates(draft)
    if names is None:
        decision = draft.decision("unknown_model")
        return replace(decision, usable_models=usable_models(facts.allowed_models, snapshot))
    return draft.decision(_fill_attempts(draft, names))


def usable_models(allowed: Sequence[str], snapshot: Snapshot) -> tuple[str, ...]:
    """Return what a key may ask for: aliases first, then models with a deployment."""
    models = (name for name in sorted(snapshot.models) if snapshot.deployments.get(name))
    names = dict.fromkeys((AUTO, *sorted(snapshot.aliases), *models))
    return tuple(name for name in names if not allowed or name in allowed)


def _candidates(draft: _Draft) -> Sequence[str] | None:
    """Return names of models in order; None when the client's name means nothing here."""
    facts, snapshot, rule = draft.facts, draft.snapshot, draft.rule
    requested = _requested(facts, snapshot)
    # A rule may give a meaning to a name that has none of its own, by sending it somewhere.
    gives_meaning = rule is not None and bool(rule.targets) and reads_requested_model(rule)
    if requested is None and not gives_meaning:
        draft.steps.append(
            TraceStep("model", "unknown_name", facts.requested_model, "removed"),
        )
        return None
    if rule is not None and rule.targets:
        draft.steps.append(_chosen("rule_targets", rule.targets))
        return rule.targets
    if requested is not None:
        draft.steps.append(_chosen("requested", requested))
    return requested


def _requested(facts: RequestFacts, snapshot: Snapshot) -> tuple[str, ...] | None:
    name = facts.requested_model or AUTO
    if facts.allowed_models and name != AUTO and name not in facts.allowed_models:
        behind = (models_behind(allowed, snapshot) for allowed in facts.allowed_models)
        if not any(name in models for models in behind):
            return None
    if name in snapshot.aliases or name == AUTO:
        return models_behind(name, snapshot)
    return (name,) if snapshot.deployments.get(name) else None


def _fill_attempts(draft: _Draft, names: Iterable[str]) -> Outcome:
    models, removed = keep_models(names, draft.facts, draft.snapshot)
    draft.steps.extend(removed)
    eligible: list[Deployment] = []
    limit = _attempt_limit(draft.rule)
    for model in models:
        output_tokens = _output_tokens(model, draft)
        usable, removed = keep_deployments(model, draft.facts, draft.snapshot, output_tokens)
        healthy, blocked = keep_healthy(usable, draft.health, draft.facts.now_ms)
        draft.steps.extend((*removed, *blocked))
        eligible.extend(usable)
        for deployment in load_balancer.order(healthy, draft.health, draft.seed):
            if len(draft.attempts) < limit:
                draft.attempts.append(_attempt(deployment, draft.facts, output_tokens))
    if draft.attempts:
        draft.steps.extend(_choice_steps(draft.attempts))
        return "route"
    if eligible:
        draft.retry_after_ms = _shortest_wait(draft.steps)
        return "unhealthy"
    return "ineligible"


def _attempt_limit(rule: Rule | None) -> int:
    wanted = max(DEFAULT_ATTEMPTS, len(rule.targets)) if rule is not None else DEFAULT_ATTEMPTS
    return min(wanted, MOST_ATTEMPTS)


def _output_tokens(model: Model, draft: _Draft) -> int:
    """Return the most output that a call may ask for: caller, rule, model and window agree."""
    left = max(model.context_window - draft.facts.input_tokens, 1)
    limits = [model.max_output_tokens, left, draft.facts.max_output_tokens or DEFAULT_OUTPUT_TOKENS]
    if draft.rule is not None and draft.rule.max_output_tokens:
        limits.append(draft.rule.max_output_tokens)
    return min(limits)


def _attempt(deployment: Deployment, facts: RequestFacts, output_tokens: int) -> Attempt:
    return Attempt(
        deployment_id=deployment.id,
        deployment=deployment.name,
        model=deployment.model,
        provider=deployment.provider,
        worst_case_cost=worst_case_cost(deployment, facts.input_tokens, output_tokens),
        max_output_tokens=output_tokens,
    )


def _choice_steps(attempts: Sequence[Attempt]) -> Iterable[TraceStep]:
    for place, attempt in enumerate(attempts, start=1):
        numbers: dict[str, Scalar] = {
            "place": place,
            "model": attempt.model,
            "most_cost": attempt.worst_case_cost,
        }
        verdict: Literal["chosen", "kept"] = "chosen" if place == 1 else "kept"
        code = "first_choice" if place == 1 else "fallback"
        yield TraceStep("deployment", code, attempt.deployment, verdict, numbers)


def _chosen(code: str, names: Sequence[str]) -> TraceStep:
    return TraceStep("model", code, ", ".join(names), "kept", {"count": len(names)})


def _shortest_wait(steps: Iterable[TraceStep]) -> int:
    waits = [int(step.numbers["wait_ms"]) for step in steps if "wait_ms" in step.numbers]
    return min(waits, default=0)


def _with_rule(decision: Decision, rule: Rule) -> Decision:
    return replace(
        decision,
        rule_id=rule.id,
        rule_name=rule.name,
        reject_message=rule.reject_message,
        prompt_template=rule.prompt_template,
        cache_seconds=rule.cache_seconds,
        max_output_tokens=rule.max_output_tokens,
    )
