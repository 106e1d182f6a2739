"""Hard filters: what no rule can bring back. Each removal has a stable code and its numbers."""

from dataclasses import dataclass
from typing import NamedTuple

from apps.routing.engine.health import rests
from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.types import (
    Deployment,
    Effects,
    Health,
    Model,
    RequestFacts,
    Scalar,
    Snapshot,
    TraceStep,
)

AUTO = "auto"
EMBEDDINGS = "embeddings"
DEFAULT_OUTPUT_TOKENS = 4_096


@dataclass(slots=True)
class Candidate:
    """A deployment that may be called, with the longest answer (each) it may be asked for."""

    deployment: Deployment
    output_tokens: int


class Limits(NamedTuple):
    """What request and rules together demand of every candidate.

    `wanted_output`: what the caller asks for, so that a model must be able to give it;
    `most_output`: what a call may ask for at the most. `is_strict`: some limit is on deployments.
    """

    facts: RequestFacts
    effects: Effects
    allowed_models: frozenset[str] | None
    regions: tuple[frozenset[str], ...]
    data_classes: frozenset[str]
    wanted_output: int | None
    most_output: int
    is_strict: bool


def limits_of(facts: RequestFacts, effects: Effects, snapshot: Snapshot) -> Limits:
    """Join what the key, the project and the rules allow."""
    asked, cap = facts.max_output_tokens, effects.max_output_tokens
    most = [limit for limit in (asked, cap) if limit is not None]
    regions = tuple(map(frozenset, filter(None, (facts.allowed_regions, effects.regions))))
    data_classes = frozenset(filter(None, (facts.data_class, effects.data_class)))
    return Limits(
        facts,
        effects,
        _allowed(facts, snapshot),
        regions,
        data_classes,
        None if asked is None else min(most),
        min(most, default=DEFAULT_OUTPUT_TOKENS),
        bool(regions or data_classes or facts.excluded_deployments)
        or effects.price_cap is not None
        or facts.budget_left is not None,
    )


def keep_candidates(
    name: str, limits: Limits, snapshot: Snapshot, steps: list[TraceStep] | None
) -> list[Candidate]:
    """Return the deployments of a model that may be called, health apart; others get a step."""
    model = _keep_model(name, limits, snapshot)
    if isinstance(model, TraceStep):
        if steps is not None:
            steps.append(model)
        return []
    output, is_strict = _output_tokens(model, limits), limits.is_strict
    kept: list[Candidate] = []
    for deployment in snapshot.deployments[name]:
        if deployment.traffic == "on" and not is_strict:
            kept.append(Candidate(deployment, output))
            continue
        fault = _deployment_fault(deployment, limits, output)
        if fault is None:
            kept.append(Candidate(deployment, output))
        elif steps is not None:
            steps.append(fault)
    return kept


def _keep_model(name: str, limits: Limits, snapshot: Snapshot) -> Model | TraceStep:
    """Return the model when it can serve the request at all, else why not."""
    model = snapshot.models.get(name)
    if model is None:
        return _fault("unknown_model", name)
    if limits.allowed_models is not None and name not in limits.allowed_models:
        return _fault("not_allowed_for_key", name)
    if model.lifecycle == "retired":
        return _fault("retired", name)
    if not snapshot.deployments.get(name):
        return _fault("no_deployment", name)
    return _fit_fault(model, limits) or model


def models_behind(name: str, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the models that an alias, "auto" or a model's own name stands for."""
    return snapshot.auto_models if name == AUTO else snapshot.aliases.get(name, (name,))


def successor_of(name: str, snapshot: Snapshot) -> str:
    """Return the model to ask in a model's place: itself, or the successor of a retired one.

    Nobody succeeds a model of vectors: its vectors can be compared with no other's.
    """
    seen = {name}
    model = snapshot.models.get(name)
    while model is not None and model.lifecycle == "retired" and model.successor not in seen:
        if model.successor not in snapshot.models or makes_vectors(model):
            break
        model = snapshot.models[model.successor]
        seen.add(model.name)
    return model.name if model is not None else name


def removed(code: str, deployment: Deployment, **numbers: Scalar) -> TraceStep:
    """Return the step that tells why a deployment is left out."""
    return TraceStep(
        "filter", code, deployment.name, "removed", {"model": deployment.model, **numbers}
    )


def _fault(code: str, subject: str, **numbers: Scalar) -> TraceStep:
    return TraceStep("filter", code, subject, "removed", numbers)


def _allowed(facts: RequestFacts, snapshot: Snapshot) -> frozenset[str] | None:
    """Return the models that the key may use, aliases resolved; None is all."""
    if not facts.allowed_models:
        return None
    names: set[str] = set()
    for name in facts.allowed_models:
        names.update(successor_of(target, snapshot) for target in models_behind(name, snapshot))
    return frozenset(names)


def makes_vectors(model: Model) -> bool:
    """Tell whether the model makes vectors of texts, and nothing else."""
    return model.capabilities.get(EMBEDDINGS) == "yes"


def _fit_fault(model: Model, limits: Limits) -> TraceStep | None:
    is_embedding = EMBEDDINGS in limits.facts.needs
    if not is_embedding and makes_vectors(model):
        return _fault("embeddings_only", model.name)
    # Each input of an embedding has the window to itself: only the provider looks at each.
    return _capability_fault(model, limits) or (
        None if is_embedding else _size_fault(model, limits)
    )


def _capability_fault(model: Model, limits: Limits) -> TraceStep | None:
    for need in limits.facts.needs:
        answer = model.capabilities.get(need, "unknown")
        if answer == "no":
            return _fault("capability_missing", model.name, capability=need)
        if answer != "yes" and not limits.effects.allow_unknown:
            return _fault("capability_unknown", model.name, capability=need)
    return None


def _size_fault(model: Model, limits: Limits) -> TraceStep | None:
    wanted = limits.wanted_output
    if wanted is not None and wanted > model.max_output_tokens:
        return _fault("output_too_small", model.name, needed=wanted, most=model.max_output_tokens)
    needed = limits.facts.input_tokens + (wanted or 1)
    if needed > model.context_window:
        return _fault("context_too_small", model.name, needed=needed, window=model.context_window)
    return None


def _output_tokens(model: Model, limits: Limits) -> int:
    """Return the most output that a call may ask for: caller, rule, model and window agree."""
    left = model.context_window - limits.facts.input_tokens
    return max(min(model.max_output_tokens, left, limits.most_output), 1)


def _deployment_fault(deployment: Deployment, limits: Limits, output: int) -> TraceStep | None:
    facts = limits.facts
    if deployment.traffic == "off":
        return removed("disabled", deployment)
    if deployment.traffic == "drain" and not facts.is_continued:
        return removed("draining", deployment)
    if deployment.id in facts.excluded_deployments:
        return removed("excluded", deployment)
    if facts.budget_left is not None:
        cost = worst_case_cost(deployment, facts.input_tokens, output * facts.choices)
        if cost > facts.budget_left:
            return removed("budget_too_small", deployment, cost=cost, left=facts.budget_left)
    return _policy_fault(deployment, limits)


def _policy_fault(deployment: Deployment, limits: Limits) -> TraceStep | None:
    """Return what a region, a kind of data or a cap on prices forbids."""
    if any(deployment.region not in names for names in limits.regions):
        return removed("region_denied", deployment, region=deployment.region or "-")
    if not limits.data_classes.issubset(deployment.data_classes):
        wanted = ", ".join(sorted(limits.data_classes))
        return removed("data_class_denied", deployment, data_class=wanted)
    cap = limits.effects.price_cap
    price = max(deployment.input_price, deployment.output_price)
    if cap is not None and price > cap:
        return removed("price_above_cap", deployment, price=price, cap=cap)
    return None


def providers_in_trouble(
    snapshot: Snapshot, health: Health, now_ms: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the providers that are down (none of their deployments rests not), and degraded."""
    resting: dict[str, list[bool]] = {}
    for deployments in snapshot.deployments.values():
        for item in deployments:
            if item.traffic == "off":
                continue
            state = health.deployments.get(item.id)
            refused = health.credentials_down.get(item.credential, 0) > now_ms
            ejected = state is not None and rests(state, now_ms)
            resting.setdefault(item.provider, []).append(ejected or refused)
    down = tuple(sorted(name for name, states in resting.items() if all(states)))
    degraded = tuple(sorted(name for name, states in resting.items() if any(states)))
    return down, degraded
