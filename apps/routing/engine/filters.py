"""Hard filters: what no rule can bring back. Each removal has a stable code and its numbers."""

from collections.abc import Iterable

from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.types import (
    Deployment,
    DeploymentHealth,
    Health,
    Model,
    RequestFacts,
    Scalar,
    Snapshot,
    TraceStep,
)

AUTO = "auto"
HEALTHY = DeploymentHealth()


def keep_models(
    names: Iterable[str], facts: RequestFacts, snapshot: Snapshot
) -> tuple[list[Model], list[TraceStep]]:
    """Return the models that can serve the request at all, in their order."""
    kept: list[Model] = []
    steps: list[TraceStep] = []
    allowed = _allowed(facts, snapshot)
    for name in dict.fromkeys(names):
        model = snapshot.models.get(name)
        fault = _model_fault(name, model, facts, snapshot, allowed)
        if fault is not None:
            steps.append(fault)
        elif model is not None:
            kept.append(model)
    return kept, steps


def keep_deployments(
    model: Model, facts: RequestFacts, snapshot: Snapshot, output_tokens: int
) -> tuple[list[Deployment], list[TraceStep]]:
    """Return the deployments of a model that may be called, health apart."""
    kept: list[Deployment] = []
    steps: list[TraceStep] = []
    for deployment in snapshot.deployments.get(model.name, ()):
        fault = _deployment_fault(deployment, facts, output_tokens)
        if fault is None:
            kept.append(deployment)
        else:
            steps.append(fault)
    return kept, steps


def keep_healthy(
    deployments: Iterable[Deployment], health: Health, now_ms: int
) -> tuple[list[Deployment], list[TraceStep]]:
    """Return the deployments that are neither ejected nor told to wait."""
    kept: list[Deployment] = []
    steps: list[TraceStep] = []
    for deployment in deployments:
        seen = health.deployments.get(deployment.id, HEALTHY)
        if seen.retry_after_ms > now_ms:
            steps.append(_removed("rate_blocked", deployment, wait_ms=seen.retry_after_ms - now_ms))
        elif seen.ejected_until_ms > now_ms:
            wait = seen.ejected_until_ms - now_ms
            failures = seen.consecutive_failures
            steps.append(_removed("ejected", deployment, wait_ms=wait, failures=failures))
        else:
            kept.append(deployment)
    return kept, steps


def _allowed(facts: RequestFacts, snapshot: Snapshot) -> frozenset[str] | None:
    """Return the models that the key may use, aliases resolved; None is all."""
    if not facts.allowed_models:
        return None
    names: set[str] = set()
    for name in facts.allowed_models:
        names.update(models_behind(name, snapshot))
    return frozenset(names)


def models_behind(name: str, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the models that an alias, "auto" or a model's own name stands for."""
    if name in snapshot.aliases:
        return snapshot.aliases[name]
    return snapshot.auto_models if name == AUTO else (name,)


def _model_fault(
    name: str,
    model: Model | None,
    facts: RequestFacts,
    snapshot: Snapshot,
    allowed: frozenset[str] | None,
) -> TraceStep | None:
    if model is None:
        return _fault("unknown_model", name)
    if allowed is not None and name not in allowed:
        return _fault("not_allowed_for_key", name)
    if model.lifecycle == "retired" or not snapshot.deployments.get(name):
        return _fault("retired" if model.lifecycle == "retired" else "no_deployment", name)
    return _fit_fault(model, facts)


def _fit_fault(model: Model, facts: RequestFacts) -> TraceStep | None:
    name = model.name
    missing = [need for need in facts.needs if model.capabilities.get(need) == "no"]
    if missing:
        return _fault("capability_missing", name, capability=", ".join(missing))
    wanted = facts.input_tokens + 1
    if wanted > model.context_window:
        return _fault("context_too_small", name, needed=wanted, window=model.context_window)
    return None


def _deployment_fault(
    deployment: Deployment, facts: RequestFacts, output_tokens: int
) -> TraceStep | None:
    if not deployment.is_enabled:
        return _removed("disabled", deployment)
    if deployment.id in facts.excluded_deployments:
        return _removed("excluded", deployment)
    cost = worst_case_cost(deployment, facts.input_tokens, output_tokens)
    if facts.budget_left is not None and cost > facts.budget_left:
        return _removed("budget_too_small", deployment, cost=cost, left=facts.budget_left)
    return None


def _fault(code: str, subject: str, **numbers: Scalar) -> TraceStep:
    return TraceStep("filter", code, subject, "removed", numbers)


def _removed(code: str, deployment: Deployment, **numbers: Scalar) -> TraceStep:
    return _fault(code, deployment.name, model=deployment.model, **numbers)
