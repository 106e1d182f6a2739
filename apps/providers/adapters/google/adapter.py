"""Gemini through google-genai, whole and streamed: raw bodies and raw chunks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, override

import httpx2
import orjson
from google.genai import errors

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.base import Connection, ProviderAdapter, ProviderCall
from apps.providers.adapters.google.client import client_for
from apps.providers.adapters.google.embeddings import build_inputs, read_vectors
from apps.providers.adapters.google.errors import error_in_body, error_of
from apps.providers.adapters.google.reading import AnswerReader
from apps.providers.adapters.google.requests import Outgoing, build_request, path_of
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.sdk import (
    refuse_what_is_lost,
    watch,
    watch_opening,
)

type ReadNext = Callable[[], Awaitable[dict[str, Any] | None]]


class GoogleAdapter(ProviderAdapter):
    """The SDK never retries here: failing over is the router's decision.

    Its typed methods would lose what they do not know, in both directions; the requests beneath
    them take a body and give back what came.
    """

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        refuse_what_is_lost(call)
        pace = Pace(call.timeouts, is_streamed=False)
        outgoing = build_request(call)
        path = path_of(call.connection.upstream_model, is_streamed=False)
        asking = _api(call.connection).async_request("post", path, outgoing.body)
        answer = await _watch(watch(pace, asking), call, pace)
        reader = AnswerReader(call, outgoing)
        reader.read(_read_chunk(answer, call, pace))
        return reader.whole()

    @override
    async def embed(self, call: ProviderCall) -> ChatResponse:
        pace = Pace(call.timeouts, is_streamed=False)
        contents, config = build_inputs(call)
        asking = client_for(call.connection).aio.models.embed_content(
            model=call.connection.upstream_model, contents=list(contents), config=config
        )
        return read_vectors(await _watch(watch(pace, asking), call, pace), call)

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        refuse_what_is_lost(call)
        pace = Pace(call.timeouts, is_streamed=True)
        outgoing = build_request(call)
        reader = AnswerReader(call, outgoing)
        async with _opened(call, outgoing, pace) as read_next:
            while (chunk := await read_next()) is not None:
                for event in reader.read(chunk):
                    yield _begun(event, outgoing, pace)
            for event in reader.end():
                yield _begun(event, outgoing, pace)


def _begun(event: StreamEvent, outgoing: Outgoing, pace: Pace) -> StreamEvent:
    """Return the event; the first one tells what the request lost."""
    if pace.has_begun:
        return event
    pace.has_begun = True
    return replace(event, dropped=tuple(dict.fromkeys(outgoing.dropped)))


@asynccontextmanager
async def _opened(call: ProviderCall, outgoing: Outgoing, pace: Pace) -> AsyncIterator[ReadNext]:
    """Send the request, and yield what reads the next chunk."""
    opened: list[httpx2.Response] = []
    path = path_of(call.connection.upstream_model, is_streamed=True)
    asking = _api(call.connection).async_request_streamed("post", path, outgoing.body)
    chunks: Any = await _watch(watch_opening(pace, asking, opened), call, pace)

    async def read_next() -> dict[str, Any] | None:
        chunk = await _watch(watch(pace, anext(chunks, None)), call, pace)
        return None if chunk is None else _read_chunk(chunk, call, pace)

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
    except (AttributeError, TypeError) as error:
        # The SDK stumbles over errors in a stream that are not shaped like the provider's.
        raise pace.failed("the provider's answer cannot be read") from error


def _read_chunk(answer: Any, call: ProviderCall, pace: Pace) -> dict[str, Any]:
    """Parse a body or a chunk; raises AttemptError for an error in it, and for rubbish."""
    try:
        chunk = orjson.loads(answer.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise pace.failed("the provider's answer is not JSON") from error
    # A stream that was not asked to be one of events is an array, and fails as one.
    found = chunk[0] if isinstance(chunk, list) and chunk else chunk
    if not isinstance(found, dict):
        raise pace.failed("the provider's answer is not a JSON object")
    if "error" in found:
        raise error_in_body(found, pace=pace, secret=call.connection.secret)
    return found


def _api(connection: Connection) -> Any:
    """Return what the SDK's typed methods send their requests with."""
    return client_for(connection)._api_client
