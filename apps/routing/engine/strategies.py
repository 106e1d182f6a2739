"""Model choice: from what a rule names to groups of models, in order or by a stable draw."""

from collections.abc import Sequence
from typing import NamedTuple

from apps.routing.engine.hashing import fraction
from apps.routing.engine.types import Arm, Choice, RequestFacts, Rule, Target, TraceStep

DRAW = "draw"


class Plan(NamedTuple):
    """Groups of models: the deployments of one group compete, the next group is the fallback.

    `arm` and `propensity`: the draw, and how likely it was.
    """

    groups: tuple[tuple[str, ...], ...]
    arm: str = ""
    propensity: float = 1.0


def plan_for(rule: Rule | None, requested: Sequence[str], facts: RequestFacts) -> Plan:
    """Return the groups of a rule's targets, or of what the client asked for, in its order."""
    if rule is None or not (rule.choice.targets or rule.choice.arms):
        return Plan(tuple((name,) for name in requested))
    if rule.choice.arms:
        return _experiment(rule, rule.choice.arms, facts)
    if rule.choice.strategy == "weighted":
        return _weighted(rule, rule.choice.targets, facts)
    names = tuple(target.model for target in rule.choice.targets)
    return Plan((names,) if rule.choice.strategy != "priority" else tuple((n,) for n in names))


def draw_step(rule: Rule, plan: Plan, facts: RequestFacts) -> TraceStep:
    """Tell a draw: which unit was drawn for, what came out, and how likely that was."""
    numbers = {
        "unit": rule.choice.unit,
        "draw": round(100 * _point(rule, facts), 2),
        "percent": round(100 * plan.propensity, 2),
    }
    return TraceStep("model", "drawn", plan.arm, "kept", numbers)


def unit_of(choice: Choice, facts: RequestFacts) -> str:
    """Return what stays on one side of a draw; a request that names no such unit is its own."""
    if choice.unit == "conversation":
        return facts.conversation or facts.user or facts.request_id
    return facts.user or facts.request_id if choice.unit == "user" else facts.request_id


def _experiment(rule: Rule, arms: Sequence[Arm], facts: RequestFacts) -> Plan:
    drawn, propensity = _draw(rule, [arm.weight for arm in arms], facts)
    fallbacks = [target.model for target in rule.choice.targets]
    names = dict.fromkeys((*arms[drawn].targets, *fallbacks))
    return Plan(tuple((name,) for name in names), arms[drawn].name, propensity)


def _weighted(rule: Rule, targets: Sequence[Target], facts: RequestFacts) -> Plan:
    drawn, propensity = _draw(rule, [target.weight for target in targets], facts)
    others = sorted(
        (target for place, target in enumerate(targets) if place != drawn),
        key=lambda target: -target.weight,
    )
    names = dict.fromkeys((targets[drawn].model, *(target.model for target in others)))
    return Plan(tuple((name,) for name in names), targets[drawn].model, propensity)


def _draw(rule: Rule, weights: Sequence[int], facts: RequestFacts) -> tuple[int, float]:
    """Return the place drawn in proportion to the weights, and its probability.

    Without any weight it is the last one, for certain.
    """
    total = sum(weights)
    point = _point(rule, facts) * total
    for place, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return place, weight / total
    return len(weights) - 1, 1.0


def _point(rule: Rule, facts: RequestFacts) -> float:
    """Return the draw, independent of a share that the same rule's condition takes."""
    return fraction(DRAW, rule.id, unit_of(rule.choice, facts))
