"""The event loop of a process that is not a web server: one thread, started with the first work.

Celery forks its children, and a thread does not survive a fork, so each process starts its own.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any

from apps.api_keys.journal_keeper import JournalKeeper, start_keeper
from apps.core.redis import hot_redis
from apps.core.tokens import preload_tokenizer
from apps.gateway.health_exchange import HealthExchange
from apps.routing.snapshot_store import snapshot_store

STOP_SECONDS = 10.0


class WorkerLoop:
    """A daemon thread that runs coroutines, and the keeper of what they write to the journal."""

    def __init__(self) -> None:
        preload_tokenizer()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="worker-loop", daemon=True
        )
        self._thread.start()
        self._keeper: JournalKeeper = start_keeper()
        self._exchange = HealthExchange()
        self._loop.call_soon_threadsafe(self._exchange.start)

    def run[T](self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Return what the coroutine returns, raise what it raises, cancel it after `timeout`."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    def stop(self) -> None:
        """End the thread; work that still runs is cancelled first, so that it settles itself."""
        self._keeper.stop()
        self.run(_close(self._exchange), timeout=STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


_loops: dict[int, WorkerLoop] = {}
_starting = threading.Lock()


def submit[T](work: Coroutine[Any, Any, T], timeout: float) -> T:
    """Run a coroutine on this process's loop and wait for it, `timeout` seconds at most."""
    return _loop_of_process().run(work, timeout)


def stop_loop() -> None:
    """End this process's loop (tests; a worker's end takes the daemon thread with it)."""
    loop = _loops.pop(os.getpid(), None)
    if loop is not None:
        loop.stop()


def _loop_of_process() -> WorkerLoop:
    with _starting:
        loop = _loops.get(os.getpid())
        if loop is None:
            _loops.clear()
            loop = _loops[os.getpid()] = WorkerLoop()
        return loop


async def _close(exchange: HealthExchange) -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await exchange.stop()
    await snapshot_store().stop()
    await hot_redis().aclose()
