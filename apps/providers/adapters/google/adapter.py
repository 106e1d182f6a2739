"""Gemini through google-genai: text, whole and streamed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, override

import httpx2
from google import genai
from google.genai import errors, types

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.base import Connection, ProviderAdapter, ProviderCall
from apps.providers.adapters.google.embeddings import build_inputs, read_vectors
from apps.providers.adapters.google.errors import error_of
from apps.providers.adapters.google.requests import build_config, build_contents
from apps.providers.adapters.google.responses import AnswerReader
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.per_loop import PerLoop
from apps.providers.adapters.registry import CARRIED
from apps.providers.adapters.sdk import (
    KEYLESS,
    refuse_what_is_lost,
    shared_client,
    watch,
    watch_opening,
)

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
API_VERSION = "v1beta"
KEPT_CLIENTS = 128

type ReadNext = Callable[[], Awaitable[Any]]

_clients: PerLoop[genai.Client] = PerLoop(size=KEPT_CLIENTS)


class GoogleAdapter(ProviderAdapter):
    """The SDK never retries here: failing over is the router's decision."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        refuse_what_is_lost(call.request, CARRIED["google"])
        pace = Pace(call.timeouts, is_streamed=False)
        system, contents = build_contents(call)
        asking = _client(call.connection).aio.models.generate_content(
            model=call.connection.upstream_model,
            contents=contents,
            config=build_config(call, system=system),
        )
        reader = AnswerReader(call)
        reader.read(await _watch(watch(pace, asking), call, pace))
        return reader.whole()

    @override
    async def embed(self, call: ProviderCall) -> ChatResponse:
        pace = Pace(call.timeouts, is_streamed=False)
        contents, config = build_inputs(call)
        asking = _client(call.connection).aio.models.embed_content(
            model=call.connection.upstream_model, contents=list(contents), config=config
        )
        return read_vectors(await _watch(watch(pace, asking), call, pace), call)

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        refuse_what_is_lost(call.request, CARRIED["google"])
        pace = Pace(call.timeouts, is_streamed=True)
        reader = AnswerReader(call)
        async with _opened(call, pace) as read_next:
            while (chunk := await read_next()) is not None:
                event = reader.read(chunk)
                if event is not None:
                    pace.has_begun = True
                    yield event
            yield reader.end()


@asynccontextmanager
async def _opened(call: ProviderCall, pace: Pace) -> AsyncIterator[ReadNext]:
    """Yield what reads the next chunk; the SDK sends the request when asked for the first one."""
    system, contents = build_contents(call)
    chunks = await _client(call.connection).aio.models.generate_content_stream(
        model=call.connection.upstream_model,
        contents=contents,
        config=build_config(call, system=system),
    )
    opened: list[httpx2.Response] = []

    async def read_next() -> Any:
        return await _watch(watch_opening(pace, anext(chunks, None), opened), call, pace)

    try:
        yield read_next
    finally:
        await _close(chunks, opened)


async def _close(chunks: Any, opened: list[httpx2.Response]) -> None:
    """Close the connection, then let the failure of the next read unwind the SDK's generators.

    Left to the garbage collector they would close each other at once, and the connection never.
    """
    for response in opened:
        await response.aclose()
    try:
        while await anext(chunks, None) is not None:
            pass
    except (httpx2.HTTPError, httpx2.StreamError, errors.APIError, ValueError):
        return


async def _watch(piece: Awaitable[Any], call: ProviderCall, pace: Pace) -> Any:
    try:
        return await piece
    except errors.APIError as error:
        raise error_of(error, pace=pace, secret=call.connection.secret) from error


def _client(connection: Connection) -> genai.Client:
    base_url = connection.base_url or DEFAULT_BASE_URL
    return _clients.get(
        (base_url, connection.secret), lambda: _build_client(base_url, connection.secret)
    )


def _build_client(base_url: str, secret: str) -> genai.Client:
    # `vertexai` is said aloud, because the SDK would otherwise ask the environment.
    return genai.Client(
        api_key=secret or KEYLESS,
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=base_url,
            api_version=API_VERSION,
            httpx_async_client=shared_client(),
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )
