"""Room for attempts: taken before the first call of a request, and again for each further one."""

from collections.abc import Mapping, Sequence

from apps.api_keys import limits
from apps.api_keys.errors import TokensShort
from apps.api_keys.orphans import make_stub
from apps.api_keys.types import Admission, AttemptNeeds
from apps.core.clock import unix_ms
from apps.gateway.health_board import board
from apps.gateway.recording import stub_event
from apps.gateway.types import Run
from apps.routing.engine.types import Attempt, Decision, HealthEvent
from apps.usage.codec import encode_event


async def reserve(run: Run) -> Admission:
    """Take the request's place in all limits; raises RateLimited, BudgetExceeded, TokensShort."""
    attempts = run.decided().attempts
    needs = needs_of(run, attempts)
    most = max(need.worst_case for need in needs)
    try:
        admission = await limits.admit(
            run.ask.caller,
            request_id=run.ask.request_id,
            reserve=most,
            stub=_stub(run, attempts[0], most),
            started_ms=run.started_ms,
            answer_key=run.answer_key,
            attempts=needs,
        )
    except TokensShort as shortage:
        _learn(shortage.levels, needs)
        raise
    _learn(admission.levels, needs)
    run.admission, run.rate = admission, admission.rate
    return admission


async def reserve_further(run: Run, decision: Decision) -> Attempt:
    """Take the room of one more attempt and return it; raises BudgetExceeded, TokensShort."""
    if run.admission is None:
        raise AssertionError("a further attempt follows an admitted one")
    needs = needs_of(run, decision.attempts)
    corrections, run.corrections = tuple(run.corrections), []
    most = run.cost + max(need.worst_case for need in needs)
    try:
        run.admission = await limits.readmit(
            run.ask.caller,
            admission=run.admission,
            attempts=needs,
            started_ms=run.started_ms,
            stub=_stub(run, decision.attempts[0], most),
            spent=run.cost,
            corrections=corrections,
        )
    except TokensShort as shortage:
        _learn(shortage.levels, needs)
        raise
    _learn(run.admission.levels, needs)
    return decision.attempts[run.admission.chosen]


def needs_of(run: Run, attempts: Sequence[Attempt]) -> tuple[AttemptNeeds, ...]:
    """Return what the limits must know of planned attempts."""
    per_minute = {
        deployment.id: deployment.tokens_per_minute
        for name in {attempt.model for attempt in attempts}
        for deployment in run.pinned.snapshot.deployments[name]
    }
    return tuple(
        AttemptNeeds(
            attempt.deployment_id,
            per_minute[attempt.deployment_id],
            attempt.needed_tokens,
            attempt.worst_case_cost,
        )
        for attempt in attempts
    )


def _stub(run: Run, attempt: Attempt, most: int) -> bytes:
    """Return what is booked should this process die during the call."""
    budget = limits.budget_key(run.ask.caller, run.started_ms)
    return make_stub(encode_event(stub_event(run, attempt)), budget, most)


def _learn(levels: Mapping[str, int], needs: Sequence[AttemptNeeds]) -> None:
    """Tell the board what the shared buckets hold: truer than what was counted here."""
    per_minute = {need.deployment_id: need.tokens_per_minute for need in needs}
    for deployment_id, level in levels.items():
        event = HealthEvent(
            deployment_id,
            "budget",
            unix_ms(),
            tokens=level,
            tokens_per_minute=per_minute[deployment_id],
        )
        board.note(event)
