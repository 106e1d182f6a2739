"""Anthropic over the pooled fast client, whole and streamed."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import override

from aiohttp import ClientResponse

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.anthropic.errors import error_from_answer
from apps.providers.adapters.anthropic.requests import (
    SAMPLING,
    Outgoing,
    build_headers,
    build_request,
    build_url,
)
from apps.providers.adapters.anthropic.responses import read_answer
from apps.providers.adapters.anthropic.streaming import EventReader
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from apps.providers.adapters.failures import refuse_losses
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.reading import encode
from apps.providers.adapters.sdk import refuse_what_is_lost
from apps.providers.adapters.transport import drain, post, read_body, read_error_body, read_events

BAD_REQUEST = 400


class AnthropicAdapter(ProviderAdapter):
    """Bytes in, bytes out: a body of the same dialect is passed through."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        refuse_what_is_lost(call)
        pace = Pace(call.timeouts, is_streamed=False)
        outgoing = build_request(call, is_streamed=False)
        async with _opened(call, outgoing, pace) as response:
            return read_answer(
                await read_body(response, pace),
                call,
                answer_tool=outgoing.answer_tool,
                names=outgoing.names,
                dropped=outgoing.dropped,
            )

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        refuse_what_is_lost(call)
        pace = Pace(call.timeouts, is_streamed=True)
        outgoing = build_request(call, is_streamed=True)
        async with _opened(call, outgoing, pace) as response:
            reader = EventReader(call, answer_tool=outgoing.answer_tool, names=outgoing.names)
            async with aclosing(read_events(response, pace)) as payloads:
                async for payload in payloads:
                    for event in reader.read(payload):
                        yield event if pace.has_begun else _begin(event, outgoing, pace)
                    if reader.is_finished:
                        break
            reader.end()
            await drain(response)


def _begin(first: StreamEvent, outgoing: Outgoing, pace: Pace) -> StreamEvent:
    pace.has_begun = True
    return replace(first, dropped=tuple(dict.fromkeys(outgoing.dropped)))


@asynccontextmanager
async def _opened(
    call: ProviderCall, outgoing: Outgoing, pace: Pace
) -> AsyncIterator[ClientResponse]:
    """Yield the answer of a success; raises AttemptError for any other."""
    async with AsyncExitStack() as stack:
        response = await stack.enter_async_context(_post(call, outgoing, pace))
        refusal = await _refusal(response, call, pace)
        # Newer models refuse sampling parameters that older ones take; the answer matters more.
        if refusal is not None and _is_about_sampling(refusal) and outgoing.drop_sampling():
            refuse_losses(call, outgoing.dropped)
            response = await stack.enter_async_context(_post(call, outgoing, pace))
            refusal = await _refusal(response, call, pace)
        if refusal is not None:
            raise refusal
        yield response


def _post(
    call: ProviderCall, outgoing: Outgoing, pace: Pace
) -> AbstractAsyncContextManager[ClientResponse]:
    return post(
        build_url(call.connection),
        body=encode(outgoing.body),
        headers=build_headers(call, outgoing.body),
        pace=pace,
        connect_seconds=call.timeouts.connect,
    )


async def _refusal(response: ClientResponse, call: ProviderCall, pace: Pace) -> AttemptError | None:
    if 200 <= response.status < 300:
        return None
    return error_from_answer(
        response.status,
        await read_error_body(response, pace),
        headers=response.headers,
        secret=call.connection.secret,
    )


def _is_about_sampling(error: AttemptError) -> bool:
    is_named = any(name in error.message for name in SAMPLING)
    return error.http_status == BAD_REQUEST and is_named
