"""HTTP/1.1 by hand, because faults need every byte: requests in, heads and chunks out."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from apps.providers.wire_servers.exchange import Json, Request

MAX_HEAD_BYTES = 64 * 1024
PHRASES = {529: "Overloaded"}
LAST_CHUNK = b"0\r\n\r\n"


async def read_request(reader: asyncio.StreamReader, ahead: bytes) -> Request | None:
    """Read the next request of a connection, which may have begun; None when the client left."""
    try:
        head = (ahead + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")[:-2]
        headers = {
            name.strip().lower(): value.strip()
            for name, _colon, value in (line.partition(":") for line in lines)
        }
        raw = await _read_body(reader, headers)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    method, target, _version = first.split(" ")
    address = urlsplit(target)
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    return Request(method, unquote(address.path), query, headers, raw, _object(raw), head)


def head_of(status: int, headers: Mapping[str, str]) -> bytes:
    """Write the first line and the headers of an answer."""
    phrase = PHRASES.get(status) or HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {headers[name]}" for name in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk_of(data: bytes) -> bytes:
    """Write a piece of a body whose length nobody knows yet; an empty one would end it."""
    return data and b"%x\r\n%s\r\n" % (len(data), data)


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = bytearray()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return bytes(body)


def _object(raw: bytes) -> Json:
    try:
        parsed: Any = json.loads(raw)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
