"""Lets a synchronous client send over the pooled asynchronous one, so that a call can be left.

The client runs in a thread; its requests go back to the event loop that waits for it. There they
have the bounds, the proxies and the hanging up of all other calls.
"""

import asyncio
from concurrent.futures import CancelledError, Future
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, override

from requests import ConnectionError as CannotConnect
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from apps.providers.adapters.pace import Pace
from apps.providers.adapters.transport import post, read_body

# What the client says of the call itself; the rest is of the connection, which is not the client's.
CARRIED = ("content-type", "x-goog-api-key", "x-goog-api-client", "x-goog-request-params")

_bridge: ContextVar["Bridge"] = ContextVar("bridge")


class Bridge:
    """One call's way back from its thread; what leaves its `with` block ends the call."""

    def __init__(self, pace: Pace, *, connect_seconds: float) -> None:
        self._pace = pace
        self._connect_seconds = connect_seconds
        self._loop = asyncio.get_running_loop()
        self._sending: Future[Response] | None = None
        self._is_left = False

    def __enter__(self) -> Self:
        _bridge.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_left = True
        if self._sending is not None:
            self._sending.cancel()

    def send(self, request: PreparedRequest) -> Response:
        """Send a request, in the thread, and wait for its answer."""
        self._sending = asyncio.run_coroutine_threadsafe(self._exchange(request), self._loop)
        if self._is_left:
            self._sending.cancel()
        try:
            return self._sending.result()
        except CancelledError as error:
            raise CannotConnect("nobody waits for the answer any more") from error

    async def _exchange(self, request: PreparedRequest) -> Response:
        sending = post(
            str(request.url),
            body=_bytes(request.body),
            headers=_headers(request),
            pace=self._pace,
            connect_seconds=self._connect_seconds,
        )
        async with sending as answer:
            response = Response()
            response.status_code = answer.status
            response.reason = answer.reason or ""
            response.headers = CaseInsensitiveDict(answer.headers)
            response.encoding = answer.charset
            response.url, response.request = str(request.url), request
            response._content = await read_body(answer, self._pace)
            return response


class BridgedTransport(BaseAdapter):
    """What a session sends with: over the bridge of the thread that it is used in."""

    @override
    def send(self, request: PreparedRequest, *_arguments: Any, **_options: Any) -> Response:
        return _bridge.get().send(request)

    @override
    def close(self) -> None:
        """Nothing is held: connections are the pool's."""


def _headers(request: PreparedRequest) -> dict[str, str]:
    given = {name: request.headers[name] for name in CARRIED if name in request.headers}
    return {k: v.decode("latin-1") if isinstance(v, bytes) else v for k, v in given.items()}


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")
