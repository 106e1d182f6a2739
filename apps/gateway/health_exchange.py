"""Merges the health boards of all workers through Redis, once a second.

Each worker writes one field of a hash and reads the others'. Those that died are not heard after
five seconds; while Redis is away every worker goes on with what it sees itself.
"""

import asyncio
import os
import socket
from contextlib import suppress
from itertools import islice
from typing import Any

import structlog
from redis.exceptions import RedisError

from apps.core.clock import unix_ms
from apps.core.ids import new_id
from apps.core.redis import hot_redis
from apps.gateway.health_board import HealthBoard, board
from apps.gateway.health_messages import PeerNews, decode_news, encode_news

HEALTH_KEY = "router:health"
PERIOD_SECONDS = 1.0
# The hash goes after the last worker, a field when its worker is dead for sure.
KEEP_MS = 60_000
MOST_PEERS = 500

log = structlog.get_logger(__name__)


class HealthExchange:
    """The exchange of one worker, a task of its event loop."""

    def __init__(self, shown: HealthBoard = board) -> None:
        self.worker = _name()
        self._board = shown
        self._heard: dict[bytes, PeerNews] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_away = False

    def start(self) -> None:
        """Begin to exchange; needs a running event loop."""
        # Made before a fork, perhaps.
        self.worker = _name()
        self._task = asyncio.create_task(self._run(), name="health-exchange")

    async def stop(self) -> None:
        """End the exchange and take this worker's calls out of the others' counts."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        with suppress(RedisError):
            await hot_redis().hdel(HEALTH_KEY, self.worker)

    async def exchange(self) -> None:
        """Tell what this worker knows and hear the others, in one trip."""
        now_ms = unix_ms()
        try:
            fields = await self._trip(encode_news(self._board.own(), now_ms))
            self._heard = await self._read(fields, now_ms)
            await self._bury(fields, now_ms)
        except RedisError as error:
            if not self._is_away:
                log.warning("health.redis_away", error=str(error))
            self._is_away = True
        else:
            self._is_away = False
        alive = [news.health for news in self._heard.values() if news.is_alive(now_ms)]
        self._board.hear(alive)

    async def _run(self) -> None:
        while True:
            await self.exchange()
            await asyncio.sleep(PERIOD_SECONDS)

    async def _trip(self, message: bytes) -> dict[bytes, bytes]:
        trip = hot_redis().pipeline(transaction=False)
        trip.hset(HEALTH_KEY, self.worker, message)
        trip.pexpire(HEALTH_KEY, KEEP_MS)
        trip.hgetall(HEALTH_KEY)
        replies: list[Any] = await trip.execute()
        fields: dict[bytes, bytes] = replies[-1]
        fields.pop(self.worker.encode(), None)
        return fields

    async def _read(self, fields: dict[bytes, bytes], now_ms: int) -> dict[bytes, PeerNews]:
        heard = {}
        for worker, message in islice(fields.items(), MOST_PEERS):
            news = decode_news(worker.decode(errors="replace"), message, now_ms)
            if news is not None:
                heard[worker] = news
            # Requests go on between the messages of a large fleet.
            await asyncio.sleep(0)
        return heard

    async def _bury(self, fields: dict[bytes, bytes], now_ms: int) -> None:
        """Delete what the long dead left, and what nobody can read."""
        dead = [
            worker
            for worker in islice(fields, MOST_PEERS)
            if worker not in self._heard or self._heard[worker].at_ms < now_ms - KEEP_MS
        ]
        if dead:
            await hot_redis().hdel(HEALTH_KEY, *dead)


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-8:]}"
