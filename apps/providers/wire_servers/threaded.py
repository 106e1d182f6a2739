"""The simulated provider on a thread of its own, for tests of any kind, with or without a loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from apps.providers.wire_servers.habits import Habits
from apps.providers.wire_servers.scripts import Script
from apps.providers.wire_servers.server import WireServer

START_SECONDS = 10.0


@contextmanager
def running_wire_server(
    *,
    script: Script | None = None,
    secret: str | None = None,
    habits: Habits | None = None,
) -> Iterator[WireServer]:
    """Serve on a free port of this machine until the block ends."""
    server = WireServer(script or Script(), secret, habits or Habits())
    host = _Host(server)
    thread = threading.Thread(target=lambda: asyncio.run(host.serve()), daemon=True)
    thread.start()
    if not host.is_listening.wait(START_SECONDS):
        raise TimeoutError("the simulated provider did not start")
    try:
        yield server
    finally:
        host.end()
        thread.join()


class _Host:
    """One server on the loop of its thread."""

    def __init__(self, server: WireServer) -> None:
        self.is_listening = threading.Event()
        self._server = server
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    async def serve(self) -> None:
        """Listen until the end, then leave whatever hangs."""
        self._loop = asyncio.get_running_loop()
        async with await self._server.start():
            self.is_listening.set()
            await self._ended.wait()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    def end(self) -> None:
        """Ask the thread to end, from another one."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
