"""The pooled HTTP client of the hot path: no redirects, no surprises in size, typed failures."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, ConnectError, ConnectTimeoutError, PyreqwestError
from pyreqwest.response import Response

from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.per_loop import PerLoop
from apps.providers.adapters.sse import EventTooLarge, SseParser

MAX_ANSWER_BYTES = 32 * 1024 * 1024
# Vectors of the most inputs, each of some thousand numbers, in digits.
MAX_VECTORS_BYTES = 256 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
MAX_STREAM_BYTES = 256 * 1024 * 1024
# Providers and proxies close idle connections after a minute or more.
POOL_IDLE_SECONDS = 50
MAX_CONNECT_SECONDS = 10
# What a finished stream may still have on the wire: the end marker of its body.
DRAIN_SECONDS = 0.05
CREDENTIAL_HEADERS = frozenset({"authorization", "x-api-key", "x-goog-api-key", "api-key"})

_clients: PerLoop[Client] = PerLoop(size=MAX_CONNECT_SECONDS)


def client_for(connect_seconds: float) -> Client:
    """Return this event loop's client; the connect limit is the client's, in whole seconds."""
    seconds = min(max(1, math.ceil(connect_seconds)), MAX_CONNECT_SECONDS)
    return _clients.get(seconds, lambda: _build_client(seconds))


async def close_clients() -> None:
    """Close this event loop's clients; a process does so when it ends."""
    for client in _clients.take_all():
        await client.close()


def _build_client(connect_seconds: int) -> Client:
    builder = ClientBuilder().follow_redirects(False).referer(False)
    # Compressed streams are held back by proxies, and a compressed body can hide its size.
    builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
    builder = builder.connect_timeout(timedelta(seconds=connect_seconds))
    builder = builder.pool_idle_timeout(timedelta(seconds=POOL_IDLE_SECONDS))
    return builder.user_agent("llm-router").build()


@asynccontextmanager
async def post(
    url: str, *, body: bytes, headers: Mapping[str, str], pace: Pace, connect_seconds: float
) -> AsyncIterator[Response]:
    """Send a body and yield the answer once its headers are here; leaving closes it."""
    async with AsyncExitStack() as stack:
        try:
            request = client_for(connect_seconds).post(url)
            for name, value in headers.items():
                request = request.header(name, value, is_sensitive=name in CREDENTIAL_HEADERS)
            # By default the client holds back the first 64 kB of a stream: every token of it.
            request = request.body_bytes(body).streamed_read_buffer_limit(0)
            response = await pace.wait(stack.enter_async_context(request.build_streamed()))
        except BuilderError as error:
            raise AttemptError("credential", "the provider's address is not usable") from error
        except ConnectTimeoutError as error:
            raise pace.failed("connecting to the provider took too long") from error
        except ConnectError as error:
            raise pace.failed("the provider refused the connection") from error
        except PyreqwestError as error:
            raise pace.failed("the connection to the provider broke") from error
        yield response


async def read_chunk(response: Response, pace: Pace) -> bytes | None:
    """Return the next bytes of a body, None at its end."""
    try:
        chunk = await pace.wait(response.body_reader.read_chunk())
    except PyreqwestError as error:
        raise pace.failed("the connection to the provider broke") from error
    return None if chunk is None else bytes(chunk)


async def read_body(response: Response, pace: Pace, *, most: int = 0) -> bytes:
    """Return a whole body; raises AttemptError beyond `most` bytes (0: the usual)."""
    most = most or MAX_ANSWER_BYTES
    pieces, size = [], 0
    while (chunk := await read_chunk(response, pace)) is not None:
        pieces.append(chunk)
        size += len(chunk)
        if size > most:
            raise pace.failed(f"the answer is larger than {most} bytes")
    return b"".join(pieces)


async def read_events(response: Response, pace: Pace) -> AsyncGenerator[bytes]:
    """Yield the data of each event; raises AttemptError beyond MAX_STREAM_BYTES."""
    parser, received = SseParser(), 0
    try:
        while (chunk := await read_chunk(response, pace)) is not None:
            received += len(chunk)
            if received > MAX_STREAM_BYTES:
                raise pace.failed(f"the stream is larger than {MAX_STREAM_BYTES} bytes")
            for payload in parser.feed(chunk):
                yield payload
        for payload in parser.end():
            yield payload
    except EventTooLarge as error:
        raise pace.failed(str(error)) from error


async def read_error_body(response: Response, pace: Pace) -> bytes:
    """Return the beginning of an error's body; whatever hinders reading it is of no interest."""
    body = b""
    try:
        while len(body) < MAX_ERROR_BYTES:
            chunk = await read_chunk(response, pace)
            if chunk is None:
                break
            body += chunk
    except AttemptError:
        return body
    return body[:MAX_ERROR_BYTES]


async def drain(response: Response) -> None:
    """Read the end of a finished stream, so that its connection can serve the next request."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while await response.body_reader.read_chunk() is not None:
                pass
    except (PyreqwestError, TimeoutError):
        return
