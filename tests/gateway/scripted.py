"""Adapters that say what they are told, and how tests read what became of it."""

from collections.abc import AsyncIterator
from typing import Any, override

import pytest

from apps.core.chat import ChatResponse, Choice, StreamEvent, TokenUsage
from apps.gateway import dispatch
from apps.gateway.streaming import AnswerStream
from apps.gateway.types import Run
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall


class Failing(ProviderAdapter):
    """Fails whatever it is asked."""

    def __init__(self, error: AttemptError) -> None:
        self._error = error

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        raise self._error

    @override
    def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        raise self._error


class Answering(ProviderAdapter):
    """Answers with the finish reason it is told, and with the further answers it is given."""

    def __init__(self, finish: Any, others: tuple[Choice, ...] = ()) -> None:
        self._finish = finish
        self._others = others

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        return ChatResponse("", self._finish, TokenUsage(5, 1), others=self._others)

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        yield StreamEvent("", self._finish, TokenUsage(5, 1))


class Scripted(ProviderAdapter):
    """Streams what it is told, then fails or ends."""

    def __init__(self, events: list[StreamEvent], error: AttemptError | None = None) -> None:
        self.calls: list[ProviderCall] = []
        self.is_closed = False
        self._events = events
        self._error = error

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        self.calls.append(call)
        return ChatResponse("x", "stop", TokenUsage(1, 1))

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        self.calls.append(call)
        try:
            for event in self._events:
                yield event
            if self._error is not None:
                raise self._error
        finally:
            self.is_closed = True


def outcomes(run: Run) -> list[tuple[str, str]]:
    return [(attempt.deployment, attempt.status) for attempt in run.attempts]


async def opened(run: Run, monkeypatch: pytest.MonkeyPatch, provider: Scripted) -> AnswerStream:
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    return AnswerStream(run, await dispatch.open_stream(run), None)


async def call(run: Run, *, is_stream: bool) -> None:
    if not is_stream:
        await dispatch.complete(run)
        return
    stream = await dispatch.open_stream(run)
    async for _ in stream.events:
        pass


async def collect(stream: AnswerStream) -> str:
    return "".join([event.text async for event in stream])
