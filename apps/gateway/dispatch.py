"""Calls the providers: attempts in their order, fail over until the first byte, never after it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog

from apps.core.chat import ChatResponse, StreamEvent
from apps.core.clock import monotonic_seconds, unix_ms
from apps.core.errors import DeadlineExceeded
from apps.gateway.billing import estimate_usage
from apps.gateway.health_board import board
from apps.gateway.recording import AttemptClock, attempt_record
from apps.gateway.refusals import failure_of
from apps.gateway.types import Run
from apps.providers.adapters.base import (
    AttemptError,
    Connection,
    ProviderAdapter,
    ProviderCall,
    Timeouts,
)
from apps.providers.adapters.registry import adapter_for
from apps.routing.engine.types import Attempt, HealthEvent

REQUEST_SECONDS = 600.0
FIRST_TOKEN_SECONDS = 60.0
# A whole answer arrives at once: its first byte may take as long as the answer.
WHOLE_ANSWER_SECONDS = 300.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class OpenStream:
    """A stream whose first event has arrived: from here on there is no other provider."""

    attempt: Attempt
    clock: AttemptClock
    first: StreamEvent
    events: AsyncIterator[StreamEvent]


async def complete(run: Run) -> ChatResponse:
    """Return the first answer that an attempt gives; raises the caller's error when none does."""
    errors: list[AttemptError] = []
    for attempt in run.decided().attempts:
        clock = AttemptClock()
        try:
            adapter, call = _aim(run, attempt, is_stream=False)
            board.started(attempt.deployment_id)
            response = await adapter.complete(call)
        except AttemptError as error:
            note_failure(run, attempt, clock, error)
            errors.append(error)
            if error.kind == "rejected":
                break
        except asyncio.CancelledError:
            note_cancelled(run, attempt, clock, "")
            raise
        else:
            board.first_token(attempt.deployment_id, clock.mark_first_token())
            note_success(run, attempt, clock, response)
            return response
    raise failure_of(errors)


async def open_stream(run: Run) -> OpenStream:
    """Return the first stream that begins; raises the caller's error when none does."""
    errors: list[AttemptError] = []
    for attempt in run.decided().attempts:
        clock = AttemptClock()
        try:
            adapter, call = _aim(run, attempt, is_stream=True)
            board.started(attempt.deployment_id)
            events = aiter(adapter.stream(call))
            first = await anext(events, None)
            if first is None:
                raise AttemptError("cut", "the provider sent an empty stream")
        except AttemptError as error:
            note_failure(run, attempt, clock, error)
            errors.append(error)
            if error.kind == "rejected":
                break
        except asyncio.CancelledError:
            note_cancelled(run, attempt, clock, "")
            raise
        else:
            board.first_token(attempt.deployment_id, clock.mark_first_token())
            run.first_token = monotonic_seconds()
            run.chosen = attempt
            return OpenStream(attempt, clock, first, events)
    raise failure_of(errors)


def note_success(run: Run, attempt: Attempt, clock: AttemptClock, response: ChatResponse) -> None:
    """Book an attempt that answered."""
    board.note(HealthEvent(attempt.deployment_id, "ok", unix_ms()))
    run.chosen = attempt
    run.attempts.append(attempt_record(run, attempt, clock, usage=response.usage))


def note_failure(
    run: Run, attempt: Attempt, clock: AttemptClock, error: AttemptError, text: str = ""
) -> None:
    """Book an attempt that failed; what it had sent by then (`text`) is billed by estimate."""
    retry_ms = round((error.retry_after_seconds or 0) * 1000)
    kind = {"rate_limited": "rate_limited", "rejected": "rejected", "context_length": "rejected"}
    event = HealthEvent(
        attempt.deployment_id,
        kind.get(error.kind, "error"),  # type: ignore[arg-type]  # values of a literal table
        unix_ms(),
        retry_after_ms=retry_ms,
    )
    board.note(event)
    if text:
        usage = estimate_usage(run, attempt.model, text)
        record = attempt_record(run, attempt, clock, error=error, usage=usage)
    else:
        record = attempt_record(run, attempt, clock, error=error)
    run.attempts.append(record)
    log.warning(
        "attempt.failed",
        request_id=run.request_id,
        deployment=attempt.deployment,
        kind=error.kind,
        status=error.http_status,
        message=error.message,
    )


def note_cancelled(run: Run, attempt: Attempt, clock: AttemptClock, text: str) -> None:
    """Book an attempt whose caller went away: billed by estimate, it says so."""
    board.note(HealthEvent(attempt.deployment_id, "cancelled", unix_ms()))
    run.chosen = attempt
    usage = estimate_usage(run, attempt.model, text)
    run.attempts.append(attempt_record(run, attempt, clock, usage=usage, is_cancelled=True))


def _aim(run: Run, attempt: Attempt, *, is_stream: bool) -> tuple[ProviderAdapter, ProviderCall]:
    connection = _connection(run, attempt)
    left = REQUEST_SECONDS - (monotonic_seconds() - run.started)
    if left <= 0:
        raise DeadlineExceeded("no answer within the time allowed")
    first = FIRST_TOKEN_SECONDS if is_stream else WHOLE_ANSWER_SECONDS
    call = ProviderCall(
        request=run.outgoing,
        connection=connection,
        max_output_tokens=_output_limit(run, attempt),
        timeouts=Timeouts(first_token=min(first, left), total=left),
        request_id=run.request_id,
    )
    return adapter_for(connection.adapter), call


def _output_limit(run: Run, attempt: Attempt) -> int | None:
    """A limit goes to the provider when somebody set one, or when a budget was reserved on it."""
    is_limited = (
        run.ask.chat.max_output_tokens is not None
        or run.decided().max_output_tokens is not None
        or run.ask.caller.monthly_budget is not None
    )
    return attempt.max_output_tokens if is_limited else None


def _connection(run: Run, attempt: Attempt) -> Connection:
    connection = run.pinned.connections.get(attempt.deployment_id)
    if connection is None:
        raise AttemptError("credential", "the deployment has no usable credential")
    return connection
