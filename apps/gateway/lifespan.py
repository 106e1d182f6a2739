"""What a web process does before its first request and after its last."""

import asyncio
from typing import Any

from apps.api_keys.journal_keeper import JournalKeeper, start_keeper
from apps.core.tokens import preload_tokenizer
from apps.gateway.health_exchange import HealthExchange
from apps.routing.snapshot_store import snapshot_store
from apps.usage.journal import process_journal


class Lifespan:
    """Speaks the ASGI lifespan protocol."""

    def __init__(self) -> None:
        self._keeper: JournalKeeper | None = None
        self._exchange = HealthExchange()

    async def __call__(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def start(self) -> None:
        """Load what the first request would otherwise wait for."""
        await asyncio.get_running_loop().run_in_executor(None, preload_tokenizer)
        await snapshot_store().warm()
        self._keeper = start_keeper()
        self._exchange.start()

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.stop()
        await self._exchange.stop()
        await snapshot_store().stop()
        process_journal().close()
