"""A provider of our own on a real socket: three wires, every fault that providers have."""

import json
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, cast, override

from tests.providers.wires import WIRES, Script, Wire, wire_of

HANG_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Upstream:
    """The server's address, what it shall say next, and what it was told."""

    url: str
    script: Script = field(default_factory=Script)
    received: list[Received] = field(default_factory=list)
    # Set when a streamed answer found its reader gone.
    was_abandoned: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    connections: set[int] = field(default_factory=set)


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """Serve on a free port of this machine until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    upstream = Upstream(url=f"http://127.0.0.1:{server.server_address[1]}")
    server.upstream = upstream
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upstream: Upstream


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def upstream(self) -> Upstream:
        return cast("_Server", self.server).upstream

    @override
    def handle(self) -> None:
        # Clients of these tests leave as they like.
        with suppress(ConnectionResetError, BrokenPipeError):
            super().handle()

    @override
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the tests read `received`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        request = Received(self.path, {k.lower(): v for k, v in self.headers.items()}, _json(body))
        self.upstream.received.append(request)
        self.upstream.connections.add(self.client_address[1])
        wire = wire_of(self.path)
        script = self.upstream.script
        if script.delay:
            self.upstream.stop.wait(script.delay)
        if script.status != 200:
            return self._send_error_of(wire, script)
        if WIRES[wire].is_streamed(self.path, request.body):
            return self._send_events(WIRES[wire], script)
        return self._send_whole(WIRES[wire], script)

    def _send_error_of(self, wire: str, script: Script) -> None:
        body = script.body or json.dumps(WIRES[wire].error(script)).encode()
        self._send(script.status, body, script.headers)

    def _send_whole(self, wire: Wire, script: Script) -> None:
        body = script.body or json.dumps(wire.whole(script)).encode()
        if script.is_cut:
            self._begin(200, {"content-length": str(len(body)), **script.headers})
            self.wfile.write(body[: len(body) // 2])
            return self._reset()
        return self._send(200, body, script.headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._begin(status, {"content-length": str(len(body)), **headers})
        self.wfile.write(body)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_events(self, wire: Wire, script: Script) -> None:
        self._begin(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        try:
            for piece in _pieces(b"".join(wire.events(script)), script):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
                time.sleep(script.pause)
            if script.hangs:
                self.upstream.stop.wait(HANG_SECONDS)
            if script.is_cut:
                return self._reset()
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.upstream.was_abandoned.set()
            self.close_connection = True

    def _reset(self) -> None:
        """Close without a good-bye: the reader sees a reset, not an end."""
        self.close_connection = True
        self.wfile.flush()
        time.sleep(0.05)
        self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _pieces(data: bytes, script: Script) -> Iterator[bytes]:
    size = script.piece_bytes or len(data)
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _json(body: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(body) if body else {}
    return parsed
