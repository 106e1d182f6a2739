"""A streamed response whose source is closed asynchronously, however the stream ends."""

from typing import Protocol, Self

from django.http import StreamingHttpResponse


class ClosableSource(Protocol):
    """Bytes to be sent; `aclose` releases what is behind them."""

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> bytes: ...

    async def aclose(self) -> None: ...


class EventStreamResponse(StreamingHttpResponse):
    """Pieces sent as they come, never buffered by a proxy."""

    def __init__(self, source: ClosableSource, content_type: str) -> None:
        # The lean handler reads `source`; Django's own iterator stays empty.
        super().__init__((), content_type=content_type)
        self["Cache-Control"] = "no-cache"
        self["X-Accel-Buffering"] = "no"
        self.source = source
