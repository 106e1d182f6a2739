"""The data plane's ASGI handler: Django's requests, URLs and responses, without their costs.

No thread per request, no spooled file, no synchronous signals, no middleware. A caller who leaves
cancels the work, which settles itself. See docs/decisions/0005.
"""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any, override

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from apps.core.errors import PayloadTooLarge
from apps.gateway.api.errors import error_response, readable
from apps.gateway.event_stream import EventStreamResponse

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]


class CallerLeft(Exception):
    """The connection closed before the request was whole."""


class LeanHandler(ASGIHandler):
    """Serves `router_project.urls_gateway`."""

    urlconf = "router_project.urls_gateway"

    @override
    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(
            self._get_response_async  # type: ignore[attr-defined]  # not in the stubs
        )

    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await _read_body(receive)
        except CallerLeft:
            return
        except PayloadTooLarge as error:
            unread = self.request_class(scope, BytesIO())
            await self._send(error_response(unread, error), send)
            return
        request = self.request_class(scope, BytesIO(body))
        request.urlconf = self.urlconf
        work = asyncio.create_task(self._answer(request, send))
        watch = asyncio.create_task(_wait_for_disconnect(receive))
        try:
            await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            if not work.done():
                work.cancel()
        try:
            await work
        except asyncio.CancelledError:
            if not watch.done() or watch.cancelled():
                raise

    async def _answer(self, request: Any, send: Send) -> None:
        chain: Any = self._middleware_chain
        response = await chain(request)
        await self._send(readable(request, response), send)

    async def _send(self, response: HttpResponseBase, send: Send) -> None:
        headers = [
            (name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()
        ]
        start = {"type": "http.response.start", "status": response.status_code}
        if isinstance(response, EventStreamResponse):
            try:
                await send({**start, "headers": headers})
                async for chunk in response.source:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            finally:
                await response.source.aclose()
            return
        if not isinstance(response, HttpResponse):
            raise TypeError("the data plane answers with HttpResponse or EventStreamResponse")
        headers.append((b"Content-Length", str(len(response.content)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})


async def _read_body(receive: Receive) -> bytes:
    """Return the body; raises PayloadTooLarge as soon as it is."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        part = message.get("body", b"")
        size += len(part)
        if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            raise PayloadTooLarge(f"the body is larger than {limit} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
