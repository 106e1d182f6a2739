"""After a failed attempt: whether to try again, and where. Decided anew with what is known now."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

import structlog

from apps.api_keys.errors import TokensShort
from apps.core.clock import monotonic_seconds, unix_ms
from apps.core.errors import BudgetExceeded, ServiceUnavailable
from apps.gateway.health_board import board
from apps.gateway.refusals import failure_of
from apps.gateway.reservations import reserve_further
from apps.gateway.types import Run
from apps.providers.adapters.base import AttemptError, FailureKind
from apps.routing.engine.attempts import DEFAULT_ATTEMPTS, MOST_ATTEMPTS
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Attempt, Decision

# How long a request, or a further attempt of it, may wait for somebody to become free.
LONGEST_WAIT_SECONDS = 10.0
SHORTEST_WAIT_SECONDS = 0.05
# Another deployment would say the same: the request itself is wrong.
FINAL: Collection[FailureKind] = frozenset({"rejected"})

log = structlog.get_logger(__name__)


class FailOver:
    """The attempts of one run: the planned first one, then others until one of them answers."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._errors: list[AttemptError] = []
        self._made = 0

    def first(self) -> Attempt:
        """Return the attempt that was admitted."""
        self._made = 1
        return self._run.admitted_attempt()

    async def after(self, attempt: Attempt, error: AttemptError) -> Attempt:
        """Return the next attempt; raises the caller's error when there is none."""
        self._errors.append(error)
        _log(self._run, attempt, error)
        if not self._may_go_on(error):
            raise failure_of(self._errors)
        self._learn(attempt, error)
        self._made += 1
        return await self._admitted()

    def _may_go_on(self, error: AttemptError) -> bool:
        effects = self._run.decided().effects
        if error.kind in FINAL:
            return False
        if error.kind == "content_filter" and effects.on_content_filter != "next":
            return False
        most = effects.max_attempts or max(DEFAULT_ATTEMPTS, len(self._run.decided().attempts))
        return self._made < min(most, MOST_ATTEMPTS) and self._run.seconds_left > 0

    def _learn(self, attempt: Attempt, error: AttemptError) -> None:
        """Note what this failure says about the others: they are never, or last, asked again."""
        run, facts = self._run, self._run.known_facts()
        excluded: set[str] = set(facts.excluded_deployments)
        if error.kind == "context_length":
            excluded.update(_with_no_larger_window(run, attempt))
        elif error.kind in ("content_filter", "credential", "not_expressible"):
            excluded.add(attempt.deployment_id)
        run.facts = replace(
            facts,
            tried_deployments=(*facts.tried_deployments, attempt.deployment_id),
            excluded_deployments=tuple(sorted(excluded)),
        )

    async def _admitted(self) -> Attempt:
        """Return the first attempt of a new plan for which there is room."""
        until = monotonic_seconds() + min(LONGEST_WAIT_SECONDS, self._run.seconds_left)
        while True:
            decision = await decide_with_patience(self._run, until)
            if decision.outcome != "route":
                raise failure_of(self._errors)
            try:
                return await reserve_further(self._run, decision)
            except TokensShort:
                # The buckets' levels are known now: somebody else, or a short wait.
                continue
            except (BudgetExceeded, ServiceUnavailable) as shortage:
                raise failure_of(self._errors) from shortage


def decide_now(run: Run) -> Decision:
    """Decide with the facts as they stand and the health as it is."""
    run.health = board.health
    return decide(run.known_facts(), run.pinned.snapshot, run.health, run.seed)


async def decide_with_patience(run: Run, until: float) -> Decision:
    """Decide as of now; when all that could answer only rest for a moment, wait for them.

    `until` is a moment of the monotonic clock.
    """
    while True:
        run.facts = replace(run.known_facts(), now_ms=unix_ms())
        decision = decide_now(run)
        wait = max(decision.retry_after_ms / 1_000, SHORTEST_WAIT_SECONDS)
        if decision.outcome != "unhealthy" or monotonic_seconds() + wait > until:
            return decision
        await asyncio.sleep(wait)


def _with_no_larger_window(run: Run, attempt: Attempt) -> set[str]:
    """Return the deployments whose window is not larger than the one that was too small."""
    snapshot = run.pinned.snapshot
    window = snapshot.models[attempt.model].context_window
    return {
        deployment.id
        for name, deployments in snapshot.deployments.items()
        if name in snapshot.models and snapshot.models[name].context_window <= window
        for deployment in deployments
    }


def _log(run: Run, attempt: Attempt, error: AttemptError) -> None:
    log.warning(
        "attempt.failed",
        request_id=run.request_id,
        deployment=attempt.deployment,
        kind=error.kind,
        status=error.http_status,
        message=error.message,
    )
