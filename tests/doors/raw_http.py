"""HTTP/1.1 by hand, for tests that must see every byte of an answer, or leave in its middle."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30.0
PIECE_BYTES = 65_536

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came: the first line with all headers, and the body without its framing."""

    status: int
    head: bytes
    body: bytes

    @property
    def bytes(self) -> bytes:
        return self.head + self.body

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return {name.lower(): value.strip() for name, _colon, value in pairs}

    @property
    def is_json(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/json")

    def events(self) -> list[Any]:
        """Return what the events of a stream hold; a text such as `[DONE]` as it is."""
        told = [
            line.removeprefix("data: ")
            for line in self.body.decode().split("\n")
            if line.startswith("data: ")
        ]
        return [json.loads(text) if text.startswith(("{", "[{")) else text for text in told]


def post(address: str, path: str, body: Json, headers: Mapping[str, str]) -> Raw:
    """Send a request and read its answer to the end of the connection."""
    with opened(address, path, body, headers) as connection:
        answer = bytearray()
        while piece := connection.recv(PIECE_BYTES):
            answer += piece
    return raw_of(bytes(answer))


def opened(address: str, path: str, body: Json, headers: Mapping[str, str]) -> socket.socket:
    """Send a request; the answer is the caller's to read, or to leave."""
    place = urlsplit(address)
    connection = socket.create_connection((place.hostname, place.port), TIMEOUT_SECONDS)
    connection.sendall(request_of(place.netloc, path, body, headers))
    return connection


def request_of(host: str, path: str, body: Json, headers: Mapping[str, str]) -> bytes:
    """Write a request that asks for the connection to end with the answer."""
    content = json.dumps(body).encode()
    fields = {
        "host": host,
        "connection": "close",
        "content-type": "application/json",
        "content-length": str(len(content)),
        **headers,
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def raw_of(answer: bytes) -> Raw:
    """Take an answer apart."""
    head, _blank, body = answer.partition(b"\r\n\r\n")
    is_chunked = b"transfer-encoding: chunked" in head.lower()
    status = int(head.split(b" ")[1]) if head else 0
    return Raw(status, head, _without_chunks(body) if is_chunked else body)


def _without_chunks(framed: bytes) -> bytes:
    """Join the chunks; what ends without the last, empty one is no answer."""
    body = bytearray()
    while framed:
        size, _line, framed = framed.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return bytes(body)
        body += framed[:length]
        framed = framed[length + 2 :]
    raise AssertionError("the answer ended in the middle of its chunks")
