"""Compares the column form with `decide`: rule, unsure clauses, outcome, first call and costs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from apps.routing.backtest.choice import NOWHERE, OUTCOMES, Choices, choose
from apps.routing.backtest.facts import columns_of_facts
from apps.routing.backtest.matching import NO_RULE, Matches, match
from apps.routing.engine.pricing import expected_cost
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Decision, Health, RequestFacts, Rule, Snapshot
from tests.routing.backtest.random_rules import CALENDARS


def check(facts: Sequence[RequestFacts], snapshot: Snapshot) -> Counter[str]:
    """Compare every row with `decide`; returns what was seen, and how often."""
    # With nobody ill, `decide` takes no provider for down, whatever was logged.
    healthy = [replace(item, providers_down=(), providers_degraded=()) for item in facts]
    seeds = [f"seed-{number}" for number in range(len(facts))]
    columns = columns_of_facts(healthy, seeds)
    matches = match(columns, snapshot, CALENDARS)
    choices = choose(columns, snapshot, matches)
    decisions = [
        decide(item, snapshot, Health(), seed) for item, seed in zip(healthy, seeds, strict=True)
    ]
    seen: Counter[str] = Counter()
    for row, decision in enumerate(decisions):
        check_rules(row, matches, decision, snapshot.rules)
        check_choice(row, choices, decision, healthy[row])
        seen.update([decision.outcome, f"rule {decision.rule_id}"])
        seen.update(f"call {attempt.deployment}" for attempt in decision.attempts[:1])
    assert unsure_in_columns(matches) == unsure_in_traces(decisions)
    return seen


def check_rules(row: int, matches: Matches, decision: Decision, rules: Sequence[Rule]) -> None:
    place = matches.rules[row]
    assert decision.rule_id == ("" if place == NO_RULE else rules[place].id)
    went_on = [step.subject for step in decision.trace if step.code == "rule_continued"]
    assert [rules[n].id for n in matches.applied_sets[matches.applied[row]]] == went_on


def check_choice(row: int, choices: Choices, decision: Decision, facts: RequestFacts) -> None:
    assert OUTCOMES[choices.outcomes[row]] == decision.outcome
    costs = choices.low[row], choices.expected[row], choices.high[row]
    if not decision.attempts:
        assert (choices.codes[row], *costs) == (NOWHERE, 0, 0, 0)
        return
    first, deployment = decision.attempts[0], choices.deployments[choices.codes[row]]
    assert (deployment.id, deployment.model) == (first.deployment_id, first.model)
    prompt_alone = expected_cost(deployment, facts.input_tokens, 0, facts.prefix_tokens)
    assert costs == (prompt_alone, first.expected_cost, first.worst_case_cost)


def unsure_in_columns(matches: Matches) -> Counter[object]:
    found: Counter[object] = Counter()
    for rule_id, clause, rows in matches.undecided:
        found[rule_id, clause.field, clause.operator, clause.shown] += rows
    return found


def unsure_in_traces(decisions: Iterable[Decision]) -> Counter[object]:
    return Counter(
        (step.subject, *(step.numbers[name] for name in ("field", "operator", "expected")))
        for decision in decisions
        for step in decision.trace
        if step.code == "fact_missing"
    )
