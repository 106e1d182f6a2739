"""Calls the providers: attempt by attempt, over to another until the first byte, never after it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from apps.core.chat import ChatResponse, StreamEvent
from apps.core.clock import monotonic_seconds
from apps.core.errors import DeadlineExceeded, RouterError
from apps.gateway.attempt_watch import AttemptWatch
from apps.gateway.fail_over import FailOver
from apps.gateway.losses import missing_answers, refuses_loss
from apps.gateway.outgoing import request_for
from apps.gateway.types import Run
from apps.providers.adapters.base import (
    AttemptError,
    Connection,
    ModelFacts,
    ProviderAdapter,
    ProviderCall,
    Timeouts,
)
from apps.providers.adapters.failures import refuse_losses
from apps.providers.adapters.registry import adapter_for
from apps.routing.engine.types import Attempt

FIRST_TOKEN_SECONDS = 60.0
# A whole answer arrives at once: its first byte may take as long as the answer.
WHOLE_ANSWER_SECONDS = 300.0


@dataclass(slots=True)
class OpenStream:
    """A stream whose first event has arrived: from here on there is no other provider."""

    watch: AttemptWatch
    first: StreamEvent
    events: AsyncIterator[StreamEvent]


class _Filtered(AttemptError):
    """The provider answered, but its filter took the content away."""

    def __init__(self, response: ChatResponse) -> None:
        super().__init__("content_filter", "the provider's content filter took the answer away")
        self.response = response


async def complete(run: Run) -> ChatResponse:
    """Return the first answer that an attempt gives; raises the caller's error when none does."""
    over = FailOver(run)
    attempt = over.first()
    while True:
        try:
            return await _complete(run, attempt)
        except _Filtered as filtered:
            try:
                attempt = await over.after(attempt, filtered)
            except RouterError:
                # Nobody else: the caller gets what there is, and sees why it is empty.
                run.chosen = attempt
                return filtered.response
        except AttemptError as error:
            attempt = await over.after(attempt, error)


async def open_stream(run: Run) -> OpenStream:
    """Return the first stream that begins; raises the caller's error when none does."""
    over = FailOver(run)
    attempt = over.first()
    while True:
        try:
            return await _open(run, attempt)
        except AttemptError as error:
            attempt = await over.after(attempt, error)


async def _complete(run: Run, attempt: Attempt) -> ChatResponse:
    with AttemptWatch(run, attempt) as watch:
        adapter, call = await _aim(run, attempt, is_stream=False)
        watch.started()
        answering = adapter.embed if call.request.embedding else adapter.complete
        response = await answering(call)
        watch.clock.mark_first_token()
        watch.usage = response.usage
        # Some losses show only in the answer.
        dropped = (*response.dropped, *missing_answers(call.request, response.others))
        refuse_losses(call, dropped)
    run.dropped = dropped
    wants_another = run.decided().effects.on_content_filter == "next"
    is_filtered = wants_another and all(
        answer.finish_reason == "content_filter" for answer in response.answers
    )
    watch.succeeded(response.usage, is_filtered=is_filtered)
    if is_filtered:
        raise _Filtered(response)
    return response


async def _open(run: Run, attempt: Attempt) -> OpenStream:
    with AttemptWatch(run, attempt) as watch:
        adapter, call = await _aim(run, attempt, is_stream=True)
        watch.started()
        events = aiter(adapter.stream(call))
        first = await anext(events, None)
        if first is None:
            raise AttemptError("cut", "the provider sent an empty stream")
        await _refuse_losses(call, first, events)
    watch.first_token()
    run.first_token = monotonic_seconds()
    run.chosen = attempt
    run.dropped = first.dropped
    return OpenStream(watch, first, events)


async def _refuse_losses(
    call: ProviderCall, first: StreamEvent, events: AsyncIterator[StreamEvent]
) -> None:
    try:
        refuse_losses(call, first.dropped)
    except AttemptError:
        await close(events)
        raise


async def close(events: AsyncIterator[StreamEvent]) -> None:
    """End the call upstream."""
    end = getattr(events, "aclose", None)
    if end is not None:
        await end()


async def _aim(
    run: Run, attempt: Attempt, *, is_stream: bool
) -> tuple[ProviderAdapter, ProviderCall]:
    connection = _connection(run, attempt)
    left = run.seconds_left
    if left <= 0:
        raise DeadlineExceeded("no answer within the time allowed")
    call = ProviderCall(
        request=await request_for(run, connection.adapter),
        connection=connection,
        max_output_tokens=_output_limit(run, attempt),
        timeouts=Timeouts(
            first_token=min(_patience(attempt, is_stream=is_stream), left), total=left
        ),
        request_id=run.request_id,
        model=_model_facts(run, attempt),
        refuses_loss=refuses_loss(run),
    )
    return adapter_for(connection.adapter), call


def _model_facts(run: Run, attempt: Attempt) -> ModelFacts:
    model = run.pinned.snapshot.models[attempt.model]
    return ModelFacts(model.max_output_tokens, model.capabilities)


def _patience(attempt: Attempt, *, is_stream: bool) -> float:
    """Return the seconds to wait for a first byte; only a stream shows when it has begun."""
    if not is_stream:
        return WHOLE_ANSWER_SECONDS
    planned = attempt.first_token_timeout_ms
    return FIRST_TOKEN_SECONDS if planned is None else planned / 1_000


def _output_limit(run: Run, attempt: Attempt) -> int | None:
    """A limit goes to the provider when somebody set one, or when a budget was reserved on it."""
    is_limited = (
        run.ask.chat.max_output_tokens is not None
        or run.decided().effects.max_output_tokens is not None
        or run.ask.caller.monthly_budget is not None
    )
    return attempt.max_output_tokens if is_limited else None


def _connection(run: Run, attempt: Attempt) -> Connection:
    connection = run.pinned.connections.get(attempt.deployment_id)
    if connection is None:
        raise AttemptError("credential", "the deployment has no usable credential")
    return connection
