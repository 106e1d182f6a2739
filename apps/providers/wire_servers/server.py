"""A simulated provider on a real socket: every vendor's wire at its own addresses."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from apps.providers.wire_servers.delivery import Delivery
from apps.providers.wire_servers.exchange import (
    Endpoint,
    Event,
    Exchange,
    Framing,
    Json,
    Memory,
    Refusal,
    Request,
    Vendor,
    framed,
)
from apps.providers.wire_servers.habits import ErrorShape, Habits
from apps.providers.wire_servers.http import MAX_HEAD_BYTES, read_request
from apps.providers.wire_servers.openai.compatible import shaped
from apps.providers.wire_servers.openai.vendor import OPENAI
from apps.providers.wire_servers.routes import find_route, vendor_of
from apps.providers.wire_servers.scripts import SCRIPTS, Script, after_tools, chosen_name

SCRIPT_HEADER = "x-script"
BASE_PATHS = {"openai": "/v1", "anthropic": "", "google": "", "gemini": "", "palm": ""}
HEALTH_PATHS = ("/", "/health")


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came, and what the provider had against it ("" for nothing)."""

    request: Request
    refusal: str = ""

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def headers(self) -> dict[str, str]:
        return self.request.headers

    @property
    def body(self) -> dict[str, Any]:
        return self.request.body


@dataclass
class WireServer:
    """Says `script`, unless something is planned, or the request itself chooses a script.

    A request chooses by the header `x-script: tools` or by its model: `script:tools`.
    Wrong requests are refused before any script is said, as the vendor would.
    """

    script: Script = field(default_factory=Script)
    # The only key that is right; None takes any.
    secret: str | None = None
    # On OpenAI's wire only: what this kind of server does in its own way.
    habits: Habits = field(default_factory=Habits)
    port: int = 0
    received: list[Received] = field(default_factory=list)
    # The bodies of its answers to requests that it admitted, as far as they have left.
    said: list[bytearray] = field(default_factory=list)
    # Ports of clients, to see which connections were used again.
    connections: set[int] = field(default_factory=set)
    # Set when a client left before its answer was complete.
    was_abandoned: threading.Event = field(default_factory=threading.Event)
    _planned: deque[Script] = field(default_factory=deque)
    _memory: Memory = field(default_factory=Memory)
    _number: int = 0

    def url_of(self, wire: str) -> str:
        """Return the base address that a client of this wire is given."""
        return f"http://127.0.0.1:{self.port}{BASE_PATHS[wire]}"

    def plan(self, *scripts: str | Script) -> None:
        """Queue what the next requests are told, one script for each."""
        self._planned.extend(SCRIPTS[one] if isinstance(one, str) else one for one in scripts)

    def forget(self) -> None:
        """Be as new: nothing received, nothing planned, healthy."""
        self.script = Script()
        self.received.clear()
        self.said.clear()
        self._planned.clear()
        self.was_abandoned.clear()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """Listen; port 0 takes a free one."""
        server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer.get_extra_info("peername")[1])
        ahead: bytes = b""
        with suppress(ConnectionError, asyncio.CancelledError):
            while (request := await read_request(reader, ahead)) is not None:
                ahead = await self._while_connected(reader, self._answer(request, writer))
        writer.close()

    async def _while_connected(
        self, reader: asyncio.StreamReader, answer: Coroutine[Any, Any, None]
    ) -> bytes:
        """Answer for as long as the client listens; return what it has sent meanwhile."""
        answering = asyncio.ensure_future(answer)
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() and not leaving.result():
                raise ConnectionResetError
            await answering
        except ConnectionError:
            # A client that leaves bytes unread is heard of as a broken pipe, not as an end.
            self.was_abandoned.set()
            raise
        else:
            return leaving.result() if leaving.done() else b""
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path in HEALTH_PATHS:
            return await Delivery(writer, Script()).send_whole(200, b'{"status": "ok"}', {})
        self._number += 1
        request_id = f"req_sim{self._number:06d}"
        vendor = vendor_of(request)
        try:
            exchange, endpoint = self._admit(request)
        except Refusal as refusal:
            self.received.append(Received(request, refusal.message))
            error = _told(vendor, refusal, request_id, self.habits.error_shape)
            body = json.dumps(error).encode()
            headers = vendor.headers(request_id)
            return await Delivery(writer, Script()).send_whole(refusal.status, body, headers)
        self.received.append(Received(request))
        delivery = Delivery(writer, exchange.script)
        self.said.append(delivery.said)
        return await _say(exchange, endpoint, delivery, request_id)

    def _admit(self, request: Request) -> tuple[Exchange, Endpoint]:
        """Check key, address and body, in the order of a real provider; raises Refusal."""
        vendor_of(request).check_key(request, self.secret)
        route = find_route(request)
        script, is_chosen = self._script_for(request, route.model)
        exchange = Exchange(request, script, route.model, self._number, self._memory, self.habits)
        if request.method == "POST" and not request.body:
            raise Refusal(400, "We could not parse the JSON body of your request.")
        _check(route.endpoint, exchange)
        if is_chosen and request.body and route.endpoint.answers_tools(request.body):
            exchange = replace(exchange, script=after_tools(script))
        return exchange, route.endpoint

    def _script_for(self, request: Request, model: str) -> tuple[Script, bool]:
        name = request.headers.get(SCRIPT_HEADER, "") or chosen_name(model)
        if name and name not in SCRIPTS:
            raise Refusal(404, f"There is no script {name}; there are {', '.join(SCRIPTS)}.")
        if name:
            return SCRIPTS[name], True
        return (self._planned.popleft() if self._planned else self.script), False


def _check(endpoint: Endpoint, exchange: Exchange) -> None:
    """Check a body; one that is not even shaped like the vendor's stumbles over the checks."""
    try:
        endpoint.check(exchange)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise Refusal(400, f"Invalid type in the request body ({error!r}).") from error


async def _say(exchange: Exchange, endpoint: Endpoint, delivery: Delivery, request_id: str) -> None:
    script, request = exchange.script, exchange.request
    headers = endpoint.vendor.headers(request_id) | dict(script.headers)
    is_streamed = endpoint.events is not None and endpoint.is_streamed(request)
    framing = endpoint.framing(request)
    if script.status != 200:
        shape = exchange.habits.error_shape
        error = _told(endpoint.vendor, _failure_of(exchange, endpoint), request_id, shape)
        # A stream that is an array fails as one of one element.
        told = [error] if is_streamed and framing is Framing.ARRAY else error
        body = json.dumps(told, ensure_ascii=False).encode()
        return await delivery.send_whole(script.status, script.body or body, headers)
    if not is_streamed:
        return await delivery.send_whole(200, _whole(exchange, endpoint), headers)
    if script.has_crlf and framing is Framing.SSE:
        framing = Framing.SSE_CRLF
    events = _events(exchange, endpoint, request_id)
    return await delivery.send_stream(framed(events, framing), framing, headers)


def _told(vendor: Vendor, refusal: Refusal, request_id: str, shape: ErrorShape) -> Json:
    error = vendor.error(refusal, request_id)
    return shaped(error, refusal.status, shape) if vendor is OPENAI else error


def _failure_of(exchange: Exchange, endpoint: Endpoint) -> Refusal:
    script = exchange.script
    if script.is_too_long:
        return endpoint.vendor.too_long
    wait = script.headers.get("retry-after", "1")
    return Refusal(script.status, script.message, code=script.code, wait=wait)


def _events(exchange: Exchange, endpoint: Endpoint, request_id: str) -> list[Event]:
    """Return the events, with the scripted failure among them."""
    script, failure = exchange.script, _failure_of(exchange, endpoint)
    events = endpoint.events(exchange) if endpoint.events else []
    if script.has_malformed_event:
        return _with_malformed(events, endpoint.vendor.malformed_event)
    if script.error_after is None:
        return events
    said = events[: script.error_after]
    if endpoint.error_event:
        return [*said, endpoint.error_event(failure, len(said))]
    return [*said, endpoint.vendor.error_event(failure, request_id)]


def _whole(exchange: Exchange, endpoint: Endpoint) -> bytes:
    script = exchange.script
    body = json.dumps(endpoint.answer(exchange), ensure_ascii=False).encode()
    if script.has_malformed_event:
        body = body[: len(body) // 2]
    return script.body if script.body is not None else body


def _with_malformed(events: list[Event], malformed: Event) -> list[Event]:
    middle = len(events) // 2
    return [*events[:middle], malformed, *events[middle + 1 :]]
