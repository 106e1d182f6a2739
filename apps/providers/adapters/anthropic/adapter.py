"""Anthropic through its own SDK, whole and streamed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, override

import anthropic
import httpx2

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.anthropic.errors import error_of
from apps.providers.adapters.anthropic.requests import Outgoing, build_request
from apps.providers.adapters.anthropic.responses import read_answer
from apps.providers.adapters.anthropic.streaming import EventReader
from apps.providers.adapters.base import Connection, ProviderAdapter, ProviderCall
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.per_loop import PerLoop
from apps.providers.adapters.registry import CARRIED
from apps.providers.adapters.sdk import (
    KEYLESS,
    http_timeout,
    refuse_what_is_lost,
    shared_client,
    watch,
)
from apps.providers.adapters.transport import DRAIN_SECONDS

DEFAULT_BASE_URL = "https://api.anthropic.com"
KEPT_CLIENTS = 128
SAMPLING_WORDS = ("temperature", "top_p")

_clients: PerLoop[anthropic.AsyncAnthropic] = PerLoop(size=KEPT_CLIENTS)


class AnthropicAdapter(ProviderAdapter):
    """The SDK never retries here: failing over is the router's decision."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        refuse_what_is_lost(call.request, CARRIED["anthropic"])
        pace = Pace(call.timeouts, is_streamed=False)
        outgoing = build_request(call)
        message = await _create(call, outgoing, pace, is_streamed=False)
        return read_answer(
            message, call, answer_tool=outgoing.answer_tool, dropped=outgoing.dropped
        )

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        refuse_what_is_lost(call.request, CARRIED["anthropic"])
        pace = Pace(call.timeouts, is_streamed=True)
        outgoing = build_request(call)
        async with _opened(call, outgoing, pace) as events:
            reader = EventReader(call, answer_tool=outgoing.answer_tool)
            while not reader.is_finished:
                raw = await _next(events, call, pace)
                if raw is None:
                    break
                event = reader.read(raw)
                if event is not None:
                    yield event if pace.has_begun else _begin(event, outgoing, pace)
            reader.end()
            await _drain(events)


def _begin(first: StreamEvent, outgoing: Outgoing, pace: Pace) -> StreamEvent:
    pace.has_begun = True
    return replace(first, dropped=tuple(dict.fromkeys(outgoing.dropped)))


@asynccontextmanager
async def _opened(call: ProviderCall, outgoing: Outgoing, pace: Pace) -> AsyncIterator[Any]:
    stream = await _create(call, outgoing, pace, is_streamed=True)
    try:
        yield aiter(stream)
    finally:
        await stream.close()


async def _next(events: Any, call: ProviderCall, pace: Pace) -> Any:
    try:
        return await watch(pace, anext(events, None))
    except anthropic.APIError as error:
        raise error_of(error, pace=pace, secret=call.connection.secret) from error


async def _drain(events: Any) -> None:
    """Read the end of a finished stream, so that its connection can serve the next request."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while await anext(events, None) is not None:
                pass
    except (anthropic.APIError, httpx2.HTTPError, TimeoutError, ValueError):
        return


async def _create(call: ProviderCall, outgoing: Outgoing, pace: Pace, *, is_streamed: bool) -> Any:
    arguments = outgoing.arguments
    try:
        return await _send(call, arguments, pace, is_streamed=is_streamed)
    except anthropic.BadRequestError as error:
        # Newer models refuse sampling parameters that older ones take; the answer matters more.
        if "extra_body" not in arguments or not _is_about_sampling(error):
            raise error_of(error, pace=pace, secret=call.connection.secret) from error
        outgoing.dropped.extend(arguments.pop("extra_body"))
    except anthropic.APIError as error:
        raise error_of(error, pace=pace, secret=call.connection.secret) from error
    try:
        return await _send(call, arguments, pace, is_streamed=is_streamed)
    except anthropic.APIError as error:
        raise error_of(error, pace=pace, secret=call.connection.secret) from error


async def _send(
    call: ProviderCall, arguments: dict[str, Any], pace: Pace, *, is_streamed: bool
) -> Any:
    messages = _client(call.connection).messages
    timeout = http_timeout(call.timeouts)
    return await watch(pace, messages.create(**arguments, stream=is_streamed, timeout=timeout))


def _is_about_sampling(error: anthropic.BadRequestError) -> bool:
    return any(word in str(error.body) for word in SAMPLING_WORDS)


def _client(connection: Connection) -> anthropic.AsyncAnthropic:
    base_url = connection.base_url or DEFAULT_BASE_URL
    return _clients.get(
        (base_url, connection.secret),
        lambda: anthropic.AsyncAnthropic(
            api_key=connection.secret or KEYLESS,
            base_url=base_url,
            max_retries=0,
            http_client=shared_client(),
        ),
    )
