"""Simulation: the same `decide` over many requests, under one snapshot or two, and what differs.

Requests come and go one by one: only counts and sums are kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from apps.routing.engine.filters import providers_in_trouble
from apps.routing.engine.pricing import expected_cost
from apps.routing.engine.request_router import HEALTH_FIELDS, decide
from apps.routing.engine.rules import TRACED_RULES, first_match
from apps.routing.engine.types import (
    Decision,
    Health,
    Outcome,
    RequestFacts,
    Scalar,
    Snapshot,
    TraceStep,
)

type HealthOf = Callable[[RequestFacts], Health]
type SeedOf = Callable[[RequestFacts], str]


class Place(NamedTuple):
    """Where a request ends: at a deployment of a model, or nowhere for the reason `outcome`."""

    outcome: Outcome
    model: str = ""
    deployment_id: str = ""


class CostRange(NamedTuple):
    """Micro-dollars: the prompt alone with its prefix cached, a usual answer, the longest one.

    Of a difference: the least, the usual and the most, if both sides answer at the same length.
    """

    low: int = 0
    expected: int = 0
    high: int = 0

    def plus(self, other: "CostRange") -> "CostRange":
        return CostRange(*(mine + its for mine, its in zip(self, other, strict=True)))

    def change_to(self, other: "CostRange") -> "CostRange":
        """Return the range of the difference, below zero where the other is cheaper."""
        changes = [its - mine for mine, its in zip(self, other, strict=True)]
        return CostRange(min(changes), other.expected - self.expected, max(changes))


class Unsure(NamedTuple):
    """A clause that could not be decided, because its fact was not known."""

    rule_id: str
    field: str
    operator: str
    expected: Scalar


class Verdict(NamedTuple):
    """What one snapshot says of a request."""

    place: Place
    rule_id: str
    cost: CostRange
    unsure: tuple[Unsure, ...]


class Compared(NamedTuple):
    """What two snapshots say of a request; `second` is None when there is one only."""

    facts: RequestFacts
    first: Verdict
    second: Verdict | None


@dataclass(frozen=True, slots=True)
class Side:
    """All requests under one snapshot; `rules` counts what each decided, "" no rule."""

    outcomes: Mapping[Outcome, int]
    rules: Mapping[str, int]
    cost: CostRange
    unsure: Mapping[Unsure, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What many requests would meet.

    `moves` counts the requests that end elsewhere, by where they ended and would end;
    `newly_unroutable` are those that were routed and would find nobody.
    """

    requests: int
    first: Side
    second: Side | None
    moves: Mapping[tuple[Place, Place], int]
    cost_difference: CostRange
    newly_rejected: int
    newly_unroutable: int

    @property
    def moved(self) -> int:
        return sum(self.moves.values())


def simulate(
    facts: Iterable[RequestFacts],
    first: Snapshot,
    second: Snapshot | None,
    *,
    health_of: HealthOf,
    seed_of: SeedOf,
) -> Report:
    """Return what these requests meet under one snapshot, and what changes under the second."""
    return summarize(compare_each(facts, first, second, health_of=health_of, seed_of=seed_of))


def compare_each(
    facts: Iterable[RequestFacts],
    first: Snapshot,
    second: Snapshot | None,
    *,
    health_of: HealthOf,
    seed_of: SeedOf,
) -> Iterator[Compared]:
    """Yield what is said of each request; both snapshots meet the same health and luck."""
    for item in facts:
        health, seed = health_of(item), seed_of(item)
        other = None if second is None else judge(item, second, health, seed)
        yield Compared(item, judge(item, first, health, seed), other)


def judge(facts: RequestFacts, snapshot: Snapshot, health: Health, seed: str) -> Verdict:
    """Return what a snapshot says of a request, in short."""
    decision = decide(facts, snapshot, health, seed)
    unsure = _unsure(decision, facts, snapshot, health)
    if not decision.attempts:
        return Verdict(Place(decision.outcome), decision.rule_id, CostRange(), unsure)
    first = decision.attempts[0]
    (low,) = (
        expected_cost(item, facts.input_tokens, 0, facts.prefix_tokens)
        for item in snapshot.deployments[first.model]
        if item.id == first.deployment_id
    )
    return Verdict(
        Place(decision.outcome, first.model, first.deployment_id),
        decision.rule_id,
        CostRange(low, first.expected_cost, first.worst_case_cost),
        unsure,
    )


def summarize(compared: Iterable[Compared]) -> Report:
    """Return the counts and sums of what was said of each request."""
    first, second = _Tally(), _Tally()
    moves: Counter[tuple[Place, Place]] = Counter()
    difference = CostRange()
    for _, before, after in compared:
        first.add(before)
        if after is None:
            continue
        second.add(after)
        if before.place != after.place:
            moves[before.place, after.place] += 1
        difference = difference.plus(before.cost.change_to(after.cost))
    return report_of(first.side(), second.side() if second.rules else None, moves, difference)


def report_of(
    first: Side,
    second: Side | None,
    moves: Mapping[tuple[Place, Place], int],
    difference: CostRange,
) -> Report:
    """Return the report of two sides and the moves between them."""
    return Report(
        requests=sum(first.outcomes.values()),
        first=first,
        second=second,
        moves=moves,
        cost_difference=difference,
        newly_rejected=sum(n for (_, to), n in moves.items() if to.outcome == "reject"),
        newly_unroutable=sum(
            count
            for (before, after), count in moves.items()
            if before.outcome == "route" and after.outcome not in ("route", "reject")
        ),
    )


class _Tally:
    """Counts one side."""

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self._outcomes: Counter[Outcome] = Counter()
        self._unsure: Counter[Unsure] = Counter()
        self._cost = CostRange()

    def add(self, verdict: Verdict) -> None:
        self.rules[verdict.rule_id] += 1
        self._outcomes[verdict.place.outcome] += 1
        self._unsure.update(verdict.unsure)
        self._cost = self._cost.plus(verdict.cost)

    def side(self) -> Side:
        return Side(self._outcomes, self.rules, self._cost, self._unsure)


def _unsure(
    decision: Decision, facts: RequestFacts, snapshot: Snapshot, health: Health
) -> tuple[Unsure, ...]:
    steps: Iterable[TraceStep] = decision.trace
    if any(step.code == "rules_not_told" for step in decision.trace):
        steps = _every_rule(facts, snapshot, health)
    return tuple(_unsure_of(step) for step in steps if step.code == "fact_missing")


def _unsure_of(step: TraceStep) -> Unsure:
    numbers = step.numbers
    return Unsure(
        step.subject, str(numbers["field"]), str(numbers["operator"]), numbers["expected"]
    )


def _every_rule(facts: RequestFacts, snapshot: Snapshot, health: Health) -> Iterator[TraceStep]:
    """Yield a step per rule, also where a trace tells only of the first ones."""
    if not HEALTH_FIELDS.isdisjoint(snapshot.reads):
        down, degraded = providers_in_trouble(snapshot, health, facts.now_ms)
        facts = replace(facts, providers_down=down, providers_degraded=degraded)
    for start in range(0, len(snapshot.rules), TRACED_RULES):
        steps: list[TraceStep] = []
        matched = first_match(snapshot.rules[start : start + TRACED_RULES], facts, steps)
        yield from steps
        if matched.rule is not None:
            return
        facts = matched.facts
