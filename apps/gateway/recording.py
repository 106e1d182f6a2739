"""Builds what a request leaves in the books."""

from dataclasses import replace
from typing import Any, Literal

import orjson

from apps.core.chat import TokenUsage
from apps.core.clock import monotonic_seconds, unix_ms
from apps.core.errors import RouterError
from apps.core.ids import new_id
from apps.gateway.billing import cost_of, deployment_of
from apps.gateway.health_log import health_log
from apps.gateway.losses import trace_of
from apps.gateway.types import Run
from apps.providers.adapters.base import AttemptError
from apps.routing.engine.trace import pack_trace
from apps.routing.engine.types import Attempt
from apps.routing.logged_facts import facts_record
from apps.usage.types import AttemptRecord, UsageEvent

type Status = Literal["ok", "error", "rejected", "cut", "cancelled"]
OK_STATUS = 200
# What nginx logs for a client that went away; no client ever sees it.
CLIENT_CLOSED_STATUS = 499
ATTEMPT_STATUS: dict[str, Literal["error", "rate_limited", "rejected", "cut"]] = {
    "rejected": "rejected",
    "context_length": "rejected",
    "rate_limited": "rate_limited",
    "content_filter": "rejected",
    "not_expressible": "rejected",
    "cut": "cut",
}
NO_USAGE = TokenUsage(0, 0)


def json_bytes(value: Any) -> int:
    """Return how many bytes a value takes as JSON."""
    return len(orjson.dumps(value))


class AttemptClock:
    """Times one attempt."""

    def __init__(self) -> None:
        self.started_ms = unix_ms()
        self._started = monotonic_seconds()
        self.ttft_ms: int | None = None

    def elapsed_ms(self) -> int:
        return round((monotonic_seconds() - self._started) * 1000)

    def mark_first_token(self) -> int:
        if self.ttft_ms is None:
            self.ttft_ms = self.elapsed_ms()
        return self.ttft_ms


def attempt_record(
    run: Run,
    attempt: Attempt,
    clock: AttemptClock,
    *,
    usage: TokenUsage = NO_USAGE,
    error: AttemptError | None = None,
    is_cancelled: bool = False,
) -> AttemptRecord:
    """Return the record of an attempt that has ended, whatever way."""
    status: Literal["ok", "error", "rate_limited", "rejected", "cut", "cancelled"] = "ok"
    if is_cancelled:
        status = "cancelled"
    elif error is not None:
        status = ATTEMPT_STATUS.get(error.kind, "error")
    return AttemptRecord(
        id=new_id(),
        deployment_id=attempt.deployment_id,
        deployment=attempt.deployment,
        model=attempt.model,
        provider=attempt.provider,
        status=status,
        error_code=error.kind if error else "",
        http_status=error.http_status if error else None,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        is_estimated=usage.is_estimated,
        cost=cost_of(usage, deployment_of(run, attempt)),
        started_at_ms=clock.started_ms,
        ttft_ms=clock.ttft_ms,
        total_ms=clock.elapsed_ms(),
    )


def usage_event(run: Run, *, status: Status, error: RouterError | None = None) -> UsageEvent:
    """Return the event of a run that has ended, with its health where that is news."""
    news = health_log.news_of(run.basis.health) if run.basis else {}
    return replace(_event(run, status, error), health=news)


def _event(run: Run, status: Status, error: RouterError | None) -> UsageEvent:
    ask, caller, decision = run.ask, run.ask.caller, run.decision
    http_status = CLIENT_CLOSED_STATUS if status == "cancelled" else OK_STATUS
    ttft = None if run.first_token is None else round((run.first_token - run.started) * 1000)
    return UsageEvent(
        event_id=ask.request_id,
        at_ms=run.started_ms,
        tenant_id=caller.tenant_id,
        tenant=caller.tenant_slug,
        project_id=caller.project_id,
        project=caller.project_slug,
        key_id=caller.key_id,
        key=caller.key_name,
        door=ask.door,
        requested_model=ask.chat.model[:120],
        model=run.model,
        provider=run.chosen.provider if run.chosen else "",
        rule_id=decision.rule_id if decision else "",
        rule=decision.rule_name if decision else "",
        tags=run.tags,
        conversation_id=run.context.id if run.context else "",
        prompt_template=run.template_label,
        status=status,
        error_code=error.code if error else "",
        http_status=error.http_status if error else http_status,
        cache=run.cache,
        is_streamed=ask.chat.stream,
        cost=run.cost,
        ttft_ms=ttft,
        total_ms=round((monotonic_seconds() - run.started) * 1000),
        platform_version=run.pinned.snapshot.platform_version,
        tenant_version=run.pinned.snapshot.tenant_version,
        trace=pack_trace(trace_of(run), json_bytes) if decision else [],
        attempts=tuple(run.attempts),
        facts=_replayable(run),
    )


def _replayable(run: Run) -> dict[str, Any]:
    """Return what the decision can be made with again, empty when none was made."""
    if run.basis is None:
        return {}
    health = health_log.id_of(run.basis.health)
    return {**facts_record(run.basis.facts), "seed": run.seed, "health": health}


def stub_event(run: Run, attempt: Attempt) -> UsageEvent:
    """Return what is booked should this process die in the middle of the attempt."""
    lost = attempt_record(run, attempt, AttemptClock(), is_cancelled=True)
    event = _event(run, "error", RouterError("the process ended during the call"))
    return replace(event, attempts=(*event.attempts, lost))
