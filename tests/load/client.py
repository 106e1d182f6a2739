"""A load client: kept connections, each sending its next request when the answer has come."""

import asyncio
import time
from dataclasses import dataclass

from tests.load.figures import percentile

HOST = "127.0.0.1"
READ_BYTES = 65_536


class WrongAnswer(RuntimeError):
    """The server did not answer 200: figures of errors would mislead."""


@dataclass(frozen=True, slots=True)
class Load:
    """Latencies in milliseconds, sorted, of all answers within the time."""

    latencies: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        return percentile(self.latencies, percent)


def request_bytes(path: str, body: bytes, token: str) -> bytes:
    """Return a whole HTTP/1.1 request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run_load(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Keep `connections` requests under way for `seconds`; raises WrongAnswer."""
    latencies: list[float] = []
    begun = time.perf_counter()
    end = begun + seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_one(port, request, end, latencies))
    elapsed = time.perf_counter() - begun
    return Load(sorted(latencies), elapsed)


async def run_requests(port: int, request: bytes, *, connections: int, count: int) -> list[int]:
    """Send the request `count` times over kept connections; return the statuses."""
    numbers, statuses = iter(range(count)), list[int]()

    async def one() -> None:
        reader, writer = await asyncio.open_connection(HOST, port, limit=READ_BYTES)
        try:
            for _ in numbers:
                writer.write(request)
                head = await _read_answer(reader)
                statuses.append(int(head.split(b" ", 2)[1]))
        finally:
            writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one())
    return statuses


async def _one(port: int, request: bytes, end: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port, limit=READ_BYTES)
    try:
        while time.perf_counter() < end:
            begun = time.perf_counter()
            writer.write(request)
            head = await _read_answer(reader)
            if not head.startswith(b"HTTP/1.1 200"):
                raise WrongAnswer(head.decode(errors="replace"))
            latencies.append((time.perf_counter() - begun) * 1000)
    finally:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer to its end and return its head."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    await reader.readexactly(length)
    return head
