"""What the adapters on vendors' SDKs share: one bounded HTTP client per loop, typed failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextvars import ContextVar
from types import ModuleType
from typing import Any, override

import httpx2

from apps.core.chat import ChatDetails, ChatRequest, Message
from apps.core.errors import InvalidRequest
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.failures import attempt_error, not_expressible
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.per_loop import PerLoop
from apps.providers.adapters.registry import WIRES
from apps.providers.adapters.transport import (
    MAX_ANSWER_BYTES,
    MAX_STREAM_BYTES,
    POOL_IDLE_SECONDS,
)

MAX_CONNECTIONS = 1_000
# What the list of a provider's models may take.
LISTING_SECONDS = 15.0
MOST_LISTED = 2_000
CONNECT_SECONDS = Timeouts().connect
SSE = "text/event-stream"
# What a server without a key is told. Given nothing, the SDKs would take the platform's own key
# from the environment, and send it wherever a tenant's deployment points.
KEYLESS = "none"

_clients: PerLoop[httpx2.AsyncClient] = PerLoop(size=1)
_opened: ContextVar[list[httpx2.Response] | None] = ContextVar("opened_responses", default=None)


def shared_client() -> httpx2.AsyncClient:
    """Return this event loop's client: no redirects, no cookies worth keeping, bounded bodies."""
    return _clients.get("shared", _build_client)


async def close_sdk_clients() -> None:
    """Close this event loop's client; a process does so when it ends."""
    for client in _clients.take_all():
        await client.aclose()


async def watch[T](pace: Pace, piece: Awaitable[T]) -> T:
    """Await a piece of an SDK's answer; transport failures become AttemptError."""
    try:
        return await pace.wait(piece)
    except AnswerTooLarge as error:
        raise pace.failed(str(error)) from error
    except httpx2.HTTPError as error:
        raise pace.failed("the connection to the provider broke") from error
    except ValueError as error:
        # The SDKs parse and validate; their words may quote the answer, so ours are said.
        raise pace.failed("the provider's answer cannot be read") from error


async def watch_opening[T](pace: Pace, piece: Awaitable[T], opened: list[httpx2.Response]) -> T:
    """Like `watch`, and note the responses that the SDK opens meanwhile."""
    token = _opened.set(opened)
    try:
        return await watch(pace, piece)
    finally:
        _opened.reset(token)


def refuse_what_is_lost(call: ProviderCall) -> None:
    """Refuse a request that needs what the wire does not carry."""
    lost = sorted(call.request.needs - WIRES[call.connection.adapter].carried)
    if lost:
        message = f"this provider's wire does not carry {', '.join(lost)}"
        raise not_expressible(message, param=None)


async def listed(names: AsyncIterator[str | None]) -> list[str]:
    """Return the names of a provider's list, within bounds of time and number; raises AttemptError.

    What an SDK stumbles over is told as what cannot be read; its own errors pass.
    """
    found: list[str] = []
    try:
        async with asyncio.timeout(LISTING_SECONDS):
            async for name in names:
                found += [name] if isinstance(name, str) and name else []
                if len(found) >= MOST_LISTED:
                    break
    except TimeoutError as error:
        raise AttemptError("timeout", "the provider's list did not come in time") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise AttemptError("unavailable", "the provider's list cannot be read") from error
    return found


async def list_by(vendor: ModuleType, client: Any, connection: Connection) -> list[str]:
    """Return the ids of a provider's list, page by page; raises AttemptError.

    `vendor` is the module of the client: OpenAI's and Anthropic's come out of one generator, so
    that their lists and errors have the same names.
    """
    try:
        return await listed(model.id async for model in client.models.list())
    except vendor.APIStatusError as error:
        secret = connection.secret
        raise attempt_error(error.status_code, error.message, secret=secret) from error
    except vendor.APIError as error:
        raise AttemptError("unavailable", "the provider's list cannot be read") from error


def listing_options(connection: Connection) -> dict[str, Any]:
    """Return how a client that only lists is made, its address apart."""
    return {
        "api_key": connection.secret or KEYLESS,
        "max_retries": 0,
        "timeout": LISTING_SECONDS,
        "http_client": shared_client(),
    }


def read_details(request: ChatRequest) -> ChatDetails:
    """Return the request in full; one that cannot be read may still please another wire."""
    try:
        return request.details()
    except InvalidRequest as error:
        raise not_expressible(error.message, param=error.param) from error


def split_system(messages: tuple[Message, ...]) -> tuple[str, list[Message]]:
    """Return the system text, and the turns: never empty, merged by role, beginning with a user."""
    system = "\n\n".join(turn.text for turn in messages if turn.role == "system" and turn.text)
    turns: list[Message] = []
    for turn in messages:
        if turn.role == "system" or not turn.text.strip():
            continue
        role = turn.role if turn.role == "assistant" else "user"
        if turns and turns[-1].role == role:
            turns[-1] = Message(role, f"{turns[-1].text}\n\n{turn.text}")
        else:
            turns.append(Message(role, turn.text))
    if not turns:
        # Instructions alone are legal elsewhere: they become the question.
        return "", [Message("user", system or "…")]
    if turns[0].role != "user":
        turns.insert(0, Message("user", "…"))
    return system, turns


class AnswerTooLarge(Exception):
    """A body passed its bound."""


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > self._limit:
                raise AnswerTooLarge(f"the answer is larger than {self._limit} bytes")
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


def _build_client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
        limits=httpx2.Limits(
            max_connections=MAX_CONNECTIONS, keepalive_expiry=float(POOL_IDLE_SECONDS)
        ),
        event_hooks={"request": [_limit_connecting], "response": [_bound]},
    )


async def _limit_connecting(request: httpx2.Request) -> None:
    """Limit connecting where an SDK sets no limit of its own."""
    limits = request.extensions.get("timeout") or {}
    if limits.get("connect") is None:
        request.extensions["timeout"] = {**limits, "connect": CONNECT_SECONDS}


async def _bound(response: httpx2.Response) -> None:
    opened = _opened.get()
    if opened is not None:
        opened.append(response)
    is_stream = SSE in response.headers.get("content-type", "")
    limit = MAX_STREAM_BYTES if is_stream else MAX_ANSWER_BYTES
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream, limit)
