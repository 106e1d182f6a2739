"""The pipeline's streamed form: the same steps, the answer in events, settled at its end."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Self

from apps.core.chat import ChatResponse, StreamEvent, Text, TokenUsage
from apps.core.errors import ProviderFailed, RouterError
from apps.gateway import dispatch, losses, pipeline
from apps.gateway.assembly import Assembly, events_of
from apps.gateway.billing import estimate_usage
from apps.gateway.dispatch import OpenStream
from apps.gateway.plain_answers import is_plain
from apps.gateway.types import Ask, Run
from apps.providers.adapters.base import AttemptError


class AnswerStream:
    """Events of one answer. Whoever opened it must `aclose` it: that settles the request."""

    def __init__(self, run: Run, opened: OpenStream | None, cached: ChatResponse | None) -> None:
        self.run = run
        self.usage: TokenUsage | None = None
        self._opened = opened
        self._cached = cached
        self._answer = Assembly()
        # Whether the answer may be kept: from its events it must be possible to say it again.
        self._is_kept = run.cache == "miss"
        self._events = self._relay()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        return await anext(self._events)

    async def aclose(self) -> None:
        """End the upstream call if it still runs, then settle; a second call does nothing."""
        if self.run.is_settled:
            return
        self.run.is_settled = True
        await self._events.aclose()
        if self._opened is not None and not self._opened.watch.is_ended:
            opened = self._opened
            await dispatch.close(opened.events)
            opened.watch.cancelled(self._estimate(opened))
        await asyncio.shield(asyncio.create_task(pipeline.settle(self.run, "cancelled")))

    async def _relay(self) -> AsyncGenerator[StreamEvent]:
        if self._cached is not None:
            for event in _cached_events(self._cached):
                yield self._note(event)
            await self._end(self._cached)
            return
        if self._opened is None:
            raise AssertionError("a stream is opened or cached")
        try:
            yield self._note(self._opened.first)
            async for event in self._opened.events:
                yield self._note(event)
            if not self._answer.has_ended:
                raise AttemptError("cut", "the stream ended without its end")
        except AttemptError as error:
            raise await self._cut(self._opened, error) from error
        response = self._response(self._opened)
        self._opened.watch.succeeded(response.usage)
        await self._end(response)

    def _note(self, event: StreamEvent) -> StreamEvent:
        self._answer.add(event)
        self.usage = event.usage or self.usage
        if self._is_kept and event.raw:
            self._is_kept = is_plain(event.raw_dialect, event.raw)
        return event

    def _response(self, opened: OpenStream) -> ChatResponse:
        answer = self._answer
        self.usage = answer.usage or self._estimate(opened)
        self.run.dropped += losses.missing_answers(self.run.ask.chat, answer.others)
        return ChatResponse(
            text=answer.text,
            finish_reason=answer.finish_reason or "stop",
            usage=self.usage,
            parts=answer.parts,
            dropped=self.run.dropped,
            stop_sequence=answer.stop_sequence,
            logprobs=answer.logprobs,
            others=answer.others,
        )

    def _estimate(self, opened: OpenStream) -> TokenUsage:
        """Count what had come when there is no count of the provider's."""
        return estimate_usage(self.run, opened.watch.attempt.model, self._answer.said)

    async def _end(self, response: ChatResponse) -> None:
        if not self._is_kept:
            self.run.answer_key = ""
        await pipeline.settle(self.run, "ok", response=response)
        await pipeline.remember(self.run, response)

    async def _cut(self, opened: OpenStream, error: AttemptError) -> RouterError:
        """The provider broke off after the first byte: told to the caller, booked by estimate."""
        opened.watch.failed(error, self._estimate(opened))
        failure = ProviderFailed(f"the provider's stream broke off: {error.message}")
        await pipeline.settle(self.run, "cut", failure)
        return failure


async def stream(ask: Ask) -> AnswerStream:
    """Open a streamed answer; errors before the first event are raised here, not in the stream."""
    run = await pipeline.begin(ask)
    async with pipeline.Settling(run):
        cached = await pipeline.admitted(run)
        opened = None if cached else await dispatch.open_stream(run)
    return AnswerStream(run, opened, cached)


def _cached_events(response: ChatResponse) -> Iterator[StreamEvent]:
    """Return the events of a kept answer; the last one has the reason, as in any stream."""
    yield from events_of(response.parts or (Text(response.text),))
    if response.logprobs is not None:
        yield StreamEvent(logprobs=response.logprobs)
    yield StreamEvent(
        finish_reason=response.finish_reason,
        usage=response.usage,
        stop_sequence=response.stop_sequence,
    )
