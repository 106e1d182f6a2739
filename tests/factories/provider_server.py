"""A provider in OpenAI's wire on a real socket that can be broken and mended while it is asked."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

type Mode = Literal["well", "dead", "silent", "cut"]

USAGE = {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28}
WORDS = ("A short ", "answer of ", "a few ", "words.")
SILENCE_SECONDS = 60.0


class ProviderServer:
    """Serves on a thread of its own; `mode` may change at any time, `calls` counts requests."""

    def __init__(self) -> None:
        self.mode: Mode = "well"
        self.calls = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        """End the connections with those that serve them."""
        self._server.close()
        serving = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await self._server.wait_closed()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = json.loads(await reader.readexactly(_length(head)))
                self.calls += 1
                await self._answer(writer, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        if self.mode == "dead":
            error = {"error": {"message": "down", "type": "server_error"}}
            _send(writer, 503, json.dumps(error).encode())
        elif self.mode == "silent":
            await asyncio.sleep(SILENCE_SECONDS)
        elif body.get("stream"):
            await self._stream(writer, body["model"])
        else:
            _send(writer, 200, json.dumps(_whole(body["model"])).encode())
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, model: str) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for word in WORDS:
            _send_event(writer, _chunk(model, {"content": word}))
            await writer.drain()
            await asyncio.sleep(0.005)
            if self.mode == "cut" and word == WORDS[1]:
                writer.transport.abort()
                raise ConnectionResetError
        _send_event(writer, {**_chunk(model, {}, "stop"), "usage": USAGE})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


@contextmanager
def running_provider() -> Iterator[ProviderServer]:
    """Serve on a free port of this machine until the block ends."""
    server = ProviderServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _send(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def _send_event(writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
    data = b"data: %s\n\n" % json.dumps(event).encode()
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def _whole(model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(WORDS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [choice],
        "usage": USAGE,
    }


def _chunk(model: str, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": model,
        "choices": [choice],
    }
