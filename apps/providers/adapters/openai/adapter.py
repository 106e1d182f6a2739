"""OpenAI and every server that speaks its chat completions, over one pooled fast client."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, override

from pyreqwest.response import Response

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from apps.providers.adapters.openai.embeddings import (
    ENCODING,
    build_vectors_body,
    read_vectors,
)
from apps.providers.adapters.openai.errors import error_from_answer
from apps.providers.adapters.openai.requests import EMBEDDINGS, build_body, build_headers, build_url
from apps.providers.adapters.openai.responses import read_answer
from apps.providers.adapters.openai.streaming import DONE, ChunkReader
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.reading import encode
from apps.providers.adapters.transport import drain, post, read_body, read_error_body, read_events


class OpenAIAdapter(ProviderAdapter):
    """Bytes in, bytes out: a body of the same dialect is passed through."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        pace = Pace(call.timeouts, is_streamed=False)
        async with _post(call, pace, is_streamed=False) as response:
            await _refuse_failure(response, call, pace)
            return read_answer(await read_body(response, pace), call)

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
        async with _post(call, pace, is_streamed=True) as response:
            await _refuse_failure(response, call, pace)
            chunks = ChunkReader(call)
            async with aclosing(read_events(response, pace)) as payloads:
                async for payload in payloads:
                    if payload == DONE:
                        break
                    event = chunks.read(payload)
                    pace.has_begun = True
                    yield event
            last = chunks.end()
            if last is not None:
                yield last
            await drain(response)


def _post(
    call: ProviderCall, pace: Pace, *, is_streamed: bool
) -> AbstractAsyncContextManager[Response]:
    return post(
        build_url(call.connection),
        body=encode(build_body(call, is_streamed=is_streamed)),
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
        await _refuse_failure(response, call, pace)
        return read_vectors(await read_body(response, pace), call)


async def _refuse_failure(response: Response, call: ProviderCall, pace: Pace) -> None:
    if 200 <= response.status < 300:
        return
    body = await read_error_body(response, pace)
    raise error_from_answer(
        response.status,
        body,
        headers=response.headers,
        secret=call.connection.secret,
    )
