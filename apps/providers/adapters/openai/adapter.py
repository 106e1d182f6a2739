"""OpenAI and every server that speaks its chat completions, over one pooled fast client."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, override

from aiohttp import ClientResponse

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from apps.providers.adapters.failures import refuse_losses
from apps.providers.adapters.openai.embeddings import (
    ENCODING,
    build_vectors_body,
    read_vectors,
)
from apps.providers.adapters.openai.errors import error_from_answer
from apps.providers.adapters.openai.refusals import take_back
from apps.providers.adapters.openai.requests import (
    DIALECT,
    EMBEDDINGS,
    Outgoing,
    build_headers,
    build_request,
    build_url,
)
from apps.providers.adapters.openai.responses import read_answer
from apps.providers.adapters.openai.several import reader_for
from apps.providers.adapters.openai.streaming import DONE
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.reading import encode
from apps.providers.adapters.transport import (
    MAX_VECTORS_BYTES,
    drain,
    post,
    read_body,
    read_error_body,
    read_events,
)

# A field that is refused costs a round trip; so many may be taken back.
MAX_TRIES = 3


class OpenAIAdapter(ProviderAdapter):
    """Bytes in, bytes out: a body of the same dialect is passed through."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        pace = Pace(call.timeouts, is_streamed=False)
        outgoing = build_request(call, is_streamed=False)
        async with _accepted(call, outgoing, pace) as response:
            return read_answer(await read_body(response, pace), call, outgoing)

    @override
    async def embed(self, call: ProviderCall) -> ChatResponse:
        pace = Pace(call.timeouts, is_streamed=False)
        body = build_vectors_body(call)
        try:
            return await _embed(call, body, pace)
        except AttemptError as error:
            # Some servers know numbers only, and say so; the answer is encoded here then.
            if error.kind != "rejected" or ENCODING not in error.message or ENCODING not in body:
                raise
        return await _embed(call, {k: v for k, v in body.items() if k != ENCODING}, pace)

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        pace = Pace(call.timeouts, is_streamed=True)
        outgoing = build_request(call, is_streamed=True)
        async with _accepted(call, outgoing, pace) as response:
            chunks = reader_for(call, outgoing)
            async with aclosing(read_events(response, pace)) as payloads:
                async for payload in payloads:
                    if payload == DONE:
                        break
                    for event in chunks.read(payload):
                        yield event if pace.has_begun else _begin(event, outgoing, pace)
            last = chunks.end()
            if last is not None:
                yield last
            await drain(response)


def _begin(first: StreamEvent, outgoing: Outgoing, pace: Pace) -> StreamEvent:
    pace.has_begun = True
    return replace(first, dropped=outgoing.dropped) if outgoing.dropped else first


@asynccontextmanager
async def _accepted(
    call: ProviderCall, outgoing: Outgoing, pace: Pace
) -> AsyncIterator[ClientResponse]:
    """Send the request, and again without a field that was refused; yield what is no refusal."""
    for tries_left in reversed(range(MAX_TRIES)):
        async with _post(call, outgoing, pace) as response:
            if 200 <= response.status < 300:
                yield response
                return
            error = await _refusal(response, call, pace)
        if not tries_left or not take_back(outgoing, error):
            if call.request.dialect != DIALECT:
                # The name of a field that the caller never wrote.
                error.param = None
            raise error
        refuse_losses(call, outgoing.dropped)


def _post(
    call: ProviderCall, outgoing: Outgoing, pace: Pace
) -> AbstractAsyncContextManager[ClientResponse]:
    return post(
        build_url(call.connection),
        body=encode(outgoing.body),
        headers=build_headers(call),
        pace=pace,
        connect_seconds=call.timeouts.connect,
    )


async def _embed(call: ProviderCall, body: dict[str, Any], pace: Pace) -> ChatResponse:
    sending = post(
        build_url(call.connection, EMBEDDINGS),
        body=encode(body),
        headers=build_headers(call),
        pace=pace,
        connect_seconds=call.timeouts.connect,
    )
    async with sending as response:
        if not 200 <= response.status < 300:
            raise await _refusal(response, call, pace)
        told = await read_body(response, pace, most=MAX_VECTORS_BYTES)
        return read_vectors(told, call)


async def _refusal(response: ClientResponse, call: ProviderCall, pace: Pace) -> AttemptError:
    body = await read_error_body(response, pace)
    return error_from_answer(
        response.status,
        body,
        headers=response.headers,
        secret=call.connection.secret,
    )
