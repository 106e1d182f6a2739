"""The pooled HTTP client of the hot path: no redirects, no surprises in size, typed failures.

Whoever leaves a call, hangs up: a provider would else write, and bill, what nobody reads. Clients
that work on threads of their own go on with a request whose task was cancelled.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from ssl import SSLContext
from urllib.request import getproxies, proxy_bypass

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from httpx2 import create_ssl_context
from yarl import URL

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
# What a finished stream may still have on the wire: the end marker of its body.
DRAIN_SECONDS = 0.05
NO_LIMIT = 0

_sessions: PerLoop[ClientSession] = PerLoop(size=1)


async def close_clients() -> None:
    """Close this event loop's client; a process does so when it ends."""
    for session in _sessions.take_all():
        await session.close()


def _build_session() -> ClientSession:
    return ClientSession(
        connector=TCPConnector(limit=NO_LIMIT, keepalive_timeout=POOL_IDLE_SECONDS, ssl=_trusted()),
        cookie_jar=DummyCookieJar(),
        headers={"user-agent": "llm-router"},
        # Compressed streams are held back by proxies, and a compressed body can hide its size.
        skip_auto_headers=("accept-encoding",),
        auto_decompress=False,
    )


@lru_cache(maxsize=1)
def _trusted() -> SSLContext:
    """Return what this process trusts; reading the certificates takes a while."""
    return create_ssl_context()


@asynccontextmanager
async def post(
    url: str, *, body: bytes, headers: Mapping[str, str], pace: Pace, connect_seconds: float
) -> AsyncIterator[ClientResponse]:
    """Send a body and yield the answer once its headers are here; leaving closes it."""
    async with AsyncExitStack() as stack:
        try:
            address = URL(url)
            call = _sessions.get("session", _build_session).post(
                address,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=_proxy_for(address.scheme, address.host or ""),
                timeout=_connecting(connect_seconds),
            )
            response = await pace.wait(stack.enter_async_context(call))
        except ConnectionTimeoutError as error:
            raise pace.failed("connecting to the provider took too long") from error
        except ClientConnectorError as error:
            raise pace.failed("the provider refused the connection") from error
        except ValueError as error:
            raise AttemptError("credential", "the provider's address is not usable") from error
        except ClientError as error:
            raise pace.failed("the connection to the provider broke") from error
        yield response


@lru_cache(maxsize=64)
def _connecting(seconds: float) -> ClientTimeout:
    """Limit connecting alone: the pace of the call knows how long to wait for the rest."""
    return ClientTimeout(total=None, sock_connect=seconds)


@lru_cache(maxsize=1_024)
def _proxy_for(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment names for a host, as the SDKs' client does."""
    return None if proxy_bypass(host) else getproxies().get(scheme)


async def read_chunk(response: ClientResponse, pace: Pace) -> bytes | None:
    """Return the next bytes of a body, None at its end."""
    try:
        return await pace.wait(response.content.readany()) or None
    except ClientError as error:
        raise pace.failed("the connection to the provider broke") from error


async def read_body(response: ClientResponse, pace: Pace, *, most: int = 0) -> bytes:
    """Return a whole body; raises AttemptError beyond `most` bytes (0: the usual)."""
    most = most or MAX_ANSWER_BYTES
    pieces, size = [], 0
    while (chunk := await read_chunk(response, pace)) is not None:
        pieces.append(chunk)
        size += len(chunk)
        if size > most:
            raise pace.failed(f"the answer is larger than {most} bytes")
    return b"".join(pieces)


async def read_events(response: ClientResponse, pace: Pace) -> AsyncGenerator[bytes]:
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


async def read_error_body(response: ClientResponse, pace: Pace) -> bytes:
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


async def drain(response: ClientResponse) -> None:
    """Read the end of a finished stream, so that its connection can serve the next request."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while await response.content.readany():
                pass
    except (ClientError, TimeoutError):
        return
