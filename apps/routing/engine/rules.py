"""Business rules: the first one that holds decides, with the reason of each one before it."""

from dataclasses import dataclass

from apps.routing.engine.conditions import Verdict, clauses_of, evaluate
from apps.routing.engine.types import RequestFacts, Rule, Scalar, Snapshot, TraceStep

# More steps than a person reads; the first match is always recorded.
TRACED_RULES = 30


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """The rule that matched, if any, and the steps that led there."""

    rule: Rule | None
    steps: tuple[TraceStep, ...]


def first_match(snapshot: Snapshot, facts: RequestFacts) -> RuleOutcome:
    """Try the rules in the snapshot's order (project, tenant, global)."""
    steps: list[TraceStep] = []
    for rule in snapshot.rules:
        if rule.project and rule.project != facts.project:
            continue
        verdict = evaluate(rule.condition, facts)
        if verdict.holds:
            return RuleOutcome(rule, (*steps[:TRACED_RULES], _matched(rule)))
        steps.append(_not_matched(rule, verdict))
    return RuleOutcome(None, tuple(steps[:TRACED_RULES]))


def reads_requested_model(rule: Rule) -> bool:
    """Say whether the rule speaks of the name that the client asked for."""
    return any(clause.field == "requested_model" for clause in clauses_of(rule.condition))


def _matched(rule: Rule) -> TraceStep:
    numbers: dict[str, Scalar] = {"name": rule.name, "scope": rule.scope}
    return TraceStep("rule", "rule_matched", rule.id, "matched", numbers)


def _not_matched(rule: Rule, verdict: Verdict) -> TraceStep:
    numbers: dict[str, Scalar] = {"name": rule.name}
    if verdict.clause is not None:
        numbers |= {
            "field": verdict.clause.field,
            "operator": verdict.clause.operator,
            "expected": _shown(verdict.clause.value),
            "seen": "" if verdict.seen is None else _shown(verdict.seen),
        }
    return TraceStep("rule", _reason(verdict), rule.id, "not_matched", numbers)


def _reason(verdict: Verdict) -> str:
    if verdict.clause is None:
        return "condition_unmet"
    if verdict.is_undecidable:
        return "fact_missing"
    return "condition_forbids" if verdict.is_forbidden else "condition_failed"


def _shown(value: object) -> Scalar:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, str | int | float | bool) else str(value)
