"""What every compatible door does with a parsed request: run it, and render it in its dialect."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.api_keys.types import Caller
from apps.core.chat import ChatRequest, ChatResponse, TokenUsage
from apps.core.errors import RouterError
from apps.core.money import format_usd
from apps.gateway import pipeline, streaming
from apps.gateway.api.limit_headers import tell_rate
from apps.gateway.api.request_ids import request_id_headers, request_id_of
from apps.gateway.authentication import headers_of, tags_of
from apps.gateway.event_stream import EventStreamResponse
from apps.gateway.losses import shown_names
from apps.gateway.streaming import AnswerStream
from apps.gateway.types import Ask, Run
from apps.gateway.wire.rendering import AnswerHead, StreamRenderer

JSON = "application/json"

type RenderWhole = Callable[[ChatResponse, AnswerHead], Mapping[str, Any]]
type OpenRenderer = Callable[[AnswerHead], StreamRenderer]
# Called when the answer is whole, before its caller is told of its end.
type Keep = Callable[[TokenUsage | None], Awaitable[None]]


def ask_of(
    request: HttpRequest, caller: Caller, chat: ChatRequest, *, tags: tuple[str, ...] = ()
) -> Ask:
    """Return what the pipeline is asked; the door of a compatible dialect bears its name."""
    return Ask(
        caller=caller,
        chat=chat,
        door=chat.dialect,
        tags=tags_of(request, tags),
        headers=headers_of(request),
        request_id=request_id_of(request),
    )


async def answer(
    ask: Ask,
    *,
    whole: RenderWhole,
    streamed: OpenRenderer | None = None,
    keep: Keep | None = None,
) -> HttpResponseBase:
    """Return the answer, whole or streamed as the request says; raises RouterError."""
    if ask.chat.stream and streamed is not None:
        stream = await streaming.stream(ask)
        renderer = streamed(_head(stream.run))
        source = RenderedStream(stream, renderer, keep)
        response = EventStreamResponse(source, renderer.content_type)
        return with_run_headers(response, stream.run)
    done = await pipeline.complete(ask)
    body = whole(done.response, _head(done.run))
    if keep is not None:
        await keep(done.response.usage)
    told = json_response(body)
    told["x-router-cost"] = format_usd(done.run.cost)
    return with_run_headers(told, done.run)


def _head(run: Run) -> AnswerHead:
    ask = run.ask
    return AnswerHead(ask.request_id.hex, run.model, ask.chat.model, run.started_ms // 1000)


def json_response(value: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(value), JSON)


def with_run_headers[R: HttpResponseBase](response: R, run: Run) -> R:
    """Say in the headers what happened to the request."""
    for name in request_id_headers(run.ask.chat.dialect):
        response[name] = run.request_id
    response["x-router-decision-id"] = run.decision_id
    response["x-router-cache"] = run.cache
    response["x-router-model"] = run.model
    if run.dropped:
        response["x-router-dropped"] = shown_names(run.dropped)
    tell_rate(response, run.ask.chat.dialect, run.rate)
    return response


class RenderedStream:
    """Bytes of one answer; `aclose` settles the request."""

    def __init__(
        self, stream: AnswerStream, renderer: StreamRenderer, keep: Keep | None = None
    ) -> None:
        self._stream = stream
        self._renderer = renderer
        self._keep = keep
        self._pieces = self._render()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _render(self) -> AsyncIterator[bytes]:
        try:
            async for event in self._stream:
                piece = self._renderer.render(event)
                if piece:
                    yield piece
        except RouterError as error:
            yield self._renderer.error(error)
            return
        if self._keep is not None:
            await self._keep(self._stream.usage)
        yield self._renderer.end(self._stream.usage)
