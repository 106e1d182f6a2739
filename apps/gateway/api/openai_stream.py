"""A streamed chat as server-sent events in OpenAI's dialect."""

from collections.abc import AsyncIterator
from typing import Self

from apps.core.errors import RouterError
from apps.gateway.streaming import AnswerStream
from apps.gateway.wire.openai_answers import ChunkRenderer, render_error
from apps.gateway.wire.sse import DONE, data_event


class ChatChunks:
    """Bytes of one answer; `aclose` settles the request."""

    def __init__(self, stream: AnswerStream, *, includes_usage: bool) -> None:
        run = stream.run
        self._stream = stream
        self._includes_usage = includes_usage
        self._renderer = ChunkRenderer(
            answer_id=f"chatcmpl-{run.ask.request_id.hex}",
            model=run.model,
            created=run.started_ms // 1000,
        )
        self._chunks = self._render()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _render(self) -> AsyncIterator[bytes]:
        try:
            async for event in self._stream:
                chunks = self._renderer.chunks(event)
                if chunks:
                    yield b"".join(data_event(chunk) for chunk in chunks)
        except RouterError as error:
            # The status is sent already: the SDKs raise on an event that holds an error.
            told = render_error(
                error.message, status=error.http_status, code=error.code, param=error.param
            )
            yield data_event(told)
            return
        usage = self._stream.usage
        if self._includes_usage and usage is not None:
            yield data_event(self._renderer.usage_chunk(usage))
        yield DONE
