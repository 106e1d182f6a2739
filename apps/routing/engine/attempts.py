"""Fills a plan with attempts: hard filters, then health and balance, group by group."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from apps.routing.engine.filters import (
    Candidate,
    keep_candidates,
    limits_of,
    successor_of,
)
from apps.routing.engine.load_balancer import Balancer, Scored
from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.readiness import Steps, tell
from apps.routing.engine.rules import Matched
from apps.routing.engine.strategies import Plan
from apps.routing.engine.types import (
    Attempt,
    Choice,
    RequestFacts,
    Scalar,
    Snapshot,
    TraceStep,
    Verdict,
)

DEFAULT_ATTEMPTS = 3
MOST_ATTEMPTS = 5


class Filled(NamedTuple):
    """The attempts in their order; without any: when to ask again, None if that is in vain."""

    attempts: tuple[Attempt, ...]
    wait_ms: int | None


def fill_attempts(
    plan: Plan,
    choice: Choice,
    matched: Matched,
    snapshot: Snapshot,
    balancer: Balancer,
    steps: Steps,
) -> Filled:
    """Return the attempts of a plan; `steps` None: only the first, and nothing is told."""
    limit = _attempt_limit(matched, len(plan.groups)) if steps is not None else 1
    ranked = _Ranked(balancer, choice, matched.facts, steps, limit=limit)
    tried: list[list[Candidate]] = []
    for group in _candidates(plan, matched, snapshot, steps):
        fresh, failed = _part(group, matched.facts)
        tried.append(failed)
        ranked.add(fresh)
        if steps is None and ranked.attempts:
            # Whoever asks without reasons looks at the first attempt only.
            break
    if not ranked.attempts and not ranked.waits:
        # Nobody else is left: those that failed in this request get another chance.
        for group in tried:
            ranked.add(group)
    else:
        _tell_tried(steps, tried)
    if ranked.attempts:
        planned = tuple(ranked.attempts)
        _tell_choice(steps, planned)
        return Filled(planned, None)
    return Filled((), min(ranked.waits, default=0) if tried else None)


class _Ranked:
    """The attempts that groups offer, one after the other, and how long the rest would take."""

    def __init__(
        self, balancer: Balancer, choice: Choice, facts: RequestFacts, steps: Steps, *, limit: int
    ) -> None:
        self.attempts: list[Attempt] = []
        self.waits: list[int] = []
        self._limit = limit
        self._facts = facts
        self._balancer = balancer
        self._choice = choice
        self._steps = steps

    def add(self, group: Sequence[Candidate]) -> None:
        if not group:
            return
        ready, wait_ms, patience_ms = self._balancer.rank(group, self._choice, self._steps)
        missing = self._limit - len(self.attempts)
        self.attempts.extend(_attempt(item, self._facts, patience_ms) for item in ready[:missing])
        if wait_ms is not None:
            self.waits.append(wait_ms)


def _part(
    group: list[Candidate], facts: RequestFacts
) -> tuple[Sequence[Candidate], list[Candidate]]:
    """Part those that were not asked yet from those that failed in this request."""
    tried = facts.tried_deployments
    if not tried:
        return group, []
    fresh = [item for item in group if item.deployment.id not in tried]
    return fresh, [item for item in group if item.deployment.id in tried]


def _tell_tried(steps: Steps, groups: Sequence[Sequence[Candidate]]) -> None:
    for group in groups:
        for item in group:
            tell(steps, "tried", item.deployment)


def _candidates(
    plan: Plan, matched: Matched, snapshot: Snapshot, steps: Steps
) -> Iterator[list[Candidate]]:
    """Yield the deployments of each group that pass the hard filters, without empty groups."""
    limits = limits_of(matched.facts, matched.effects, snapshot)
    seen: set[str] = set()
    for names in plan.groups:
        group: list[Candidate] = []
        for name in names:
            target = successor_of(name, snapshot)
            if target in seen:
                continue
            seen.add(target)
            if target != name and steps is not None:
                steps.append(TraceStep("model", "successor", target, "kept", {"of": name}))
            group.extend(keep_candidates(target, limits, snapshot, steps))
        if group:
            yield group


def _attempt_limit(matched: Matched, groups: int) -> int:
    wanted = matched.effects.max_attempts or max(DEFAULT_ATTEMPTS, groups)
    return min(wanted, MOST_ATTEMPTS)


def _attempt(item: Scored, facts: RequestFacts, patience_ms: int | None) -> Attempt:
    deployment, output_tokens = item.look.candidate.deployment, item.look.candidate.output_tokens
    most = worst_case_cost(deployment, facts.input_tokens, output_tokens * facts.choices)
    return Attempt(
        deployment_id=deployment.id,
        deployment=deployment.name,
        model=deployment.model,
        provider=deployment.provider,
        worst_case_cost=most,
        max_output_tokens=output_tokens,
        expected_cost=item.expected_cost,
        needed_tokens=item.look.needed_tokens,
        first_token_timeout_ms=patience_ms,
    )


def _tell_choice(steps: Steps, attempts: Sequence[Attempt]) -> None:
    if steps is None:
        return
    for place, attempt in enumerate(attempts, start=1):
        numbers: dict[str, Scalar] = {
            "place": place,
            "model": attempt.model,
            "most_cost": attempt.worst_case_cost,
        }
        code = "fallback" if place > 1 else "first_choice"
        verdict: Verdict = "kept" if place > 1 else "chosen"
        steps.append(TraceStep("deployment", code, attempt.deployment, verdict, numbers))
