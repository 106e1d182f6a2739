"""Drives the ASGI application in this process, as a server would."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from router_project.asgi import application


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    def events(self) -> list[Any]:
        """Return the server-sent events, the end marker left out."""
        lines = [line for line in self.body.split(b"\n\n") if line and line != b"data: [DONE]"]
        return [orjson.loads(line.removeprefix(b"data: ")) for line in lines]


async def post(path: str, body: Any, token: str = "", **headers: str) -> Answer:
    """Send a body (bytes as they are, anything else as JSON)."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return await _ask("POST", path, data, token, headers)


async def get(path: str, token: str = "", **headers: str) -> Answer:
    return await ask("GET", path, token, **headers)


async def ask(method: str, path: str, token: str = "", **headers: str) -> Answer:
    """Send a request without a body."""
    return await _ask(method, path, b"", token, headers)


async def leave_after(events: int, path: str, body: Any, token: str) -> None:
    """Begin a streamed answer and close the connection after some of its events."""
    enough = asyncio.Event()
    seen = 0

    async def send(message: dict[str, Any]) -> None:
        nonlocal seen
        seen += bool(message.get("body"))
        if seen >= events:
            enough.set()

    requests = iter([{"type": "http.request", "body": orjson.dumps(body), "more_body": False}])

    async def receive() -> dict[str, Any]:
        for request in requests:
            return request
        await enough.wait()
        return {"type": "http.disconnect"}

    await application(_scope("POST", path, token, {}), receive, send)


async def _ask(method: str, path: str, data: bytes, token: str, headers: dict[str, str]) -> Answer:
    sent: list[dict[str, Any]] = []
    requests = iter([{"type": "http.request", "body": data, "more_body": False}])
    stays_open = asyncio.Event()

    async def receive() -> dict[str, Any]:
        for request in requests:
            return request
        await stays_open.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(_scope(method, path, token, headers), receive, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], found, body)


def _scope(method: str, path: str, token: str, headers: dict[str, str]) -> dict[str, Any]:
    path, _, query = path.partition("?")
    pairs = {"host": "localhost", "content-type": "application/json", **headers}
    if token:
        pairs["authorization"] = f"Bearer {token}"
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in pairs.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
