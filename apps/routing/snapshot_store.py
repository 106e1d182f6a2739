"""Holds published snapshots in memory: loads on first use, swaps on a publish, acknowledges.

One store per event loop. A request pins a pair of versions (platform, tenant) and keeps it.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from uuid import UUID
from weakref import WeakKeyDictionary

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from apps.core.clock import unix_ms
from apps.core.errors import RouterError, ServiceUnavailable
from apps.core.ids import new_id
from apps.core.redis import hot_redis
from apps.prompts.prompt_engine import CompiledPrompt
from apps.prompts.snapshot import load_prompts
from apps.prompts.template_grammar import TemplateProblem
from apps.providers.adapters.base import Connection
from apps.providers.snapshot import open_connections
from apps.routing.documents import (
    ACKS_SECONDS,
    CHANNEL,
    PLATFORM,
    VERSIONS_KEY,
    WORKERS_KEY,
    Document,
    acks_key,
    keep_on_disk,
    owner_of,
    read_document,
)
from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.types import Snapshot
from apps.routing.questions import Questions, questions_of

# What a document of another version of the code may raise when it is joined.
UNUSABLE = (ValueError, KeyError, TypeError, AttributeError, RouterError, TemplateProblem)
FORGET_WORKER_MS = 60_000
POLL_SECONDS = 0.5
RETRY_SECONDS = 0.5

log = structlog.get_logger(__name__)


class UnusableDocument(RuntimeError):
    """A published document cannot be compiled by this version of the code."""


@dataclass(frozen=True)
class Pinned:
    """What a request works with from its start to its end."""

    snapshot: Snapshot
    connections: Mapping[str, Connection]
    prompts: Mapping[str, CompiledPrompt]

    @cached_property
    def questions(self) -> Questions:
        """What its rules ask of a request, found with the first one."""
        return questions_of(self.snapshot)


class SnapshotStore:
    """The snapshots of one event loop."""

    def __init__(self) -> None:
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-8:]}"
        self._documents: dict[str, Document] = {}
        self._pinned: dict[UUID, Pinned] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._watcher: asyncio.Task[None] | None = None

    @property
    def is_ready(self) -> bool:
        """The platform's snapshot is in memory."""
        return PLATFORM in self._documents

    def version(self, tenant_id: UUID | None) -> int:
        """Return the version in memory, 0 when it is not loaded."""
        document = self._documents.get(owner_of(tenant_id))
        return document.version if document else 0

    async def pin(self, tenant_id: UUID) -> Pinned:
        """Return the tenant's current pair; raises ServiceUnavailable when nothing is published."""
        pinned = self._pinned.get(tenant_id)
        if pinned is not None:
            return pinned
        await self.start()
        await self._load(PLATFORM)
        await self._load(owner_of(tenant_id))
        pinned = self._pinned.get(tenant_id)
        if pinned is None:
            try:
                pinned = self._pinned[tenant_id] = self._join(tenant_id, self._documents)
            except UnusableDocument as error:
                raise ServiceUnavailable("the published routing cannot be read") from error
        return pinned

    async def start(self) -> None:
        """Begin to listen for publishes (once)."""
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch(), name="snapshot-watcher")

    async def warm(self) -> None:
        """Load the platform's snapshot early; when there is none that is told, not fatal."""
        await self.start()
        try:
            await self._load(PLATFORM)
        except ServiceUnavailable as error:
            log.warning("snapshot.not_published_yet", error=error.message)

    async def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None

    async def refresh(self, owner: str, version: int) -> None:
        """Take over a newer document, then acknowledge. Unloaded owners load on first use."""
        async with self._lock(owner):
            current = self._documents.get(owner)
            if current is not None and current.version < version:
                document = await read_document(owner)
                if document is None or document.version <= current.version:
                    return
                try:
                    self._swap(document)
                except UnusableDocument:
                    log.exception("snapshot.unusable", owner=owner, version=version)
                    return
                current = document
            if current is None or current.version >= version:
                await self._acknowledge(owner, current.version if current else version)

    async def _load(self, owner: str) -> None:
        if owner in self._documents:
            return
        async with self._lock(owner):
            if owner in self._documents:
                return
            document = await read_document(owner)
            if document is None:
                raise ServiceUnavailable("no routing snapshot has been published yet")
            self._documents[owner] = document
        await asyncio.get_running_loop().run_in_executor(None, keep_on_disk, document)

    def _lock(self, owner: str) -> asyncio.Lock:
        return self._locks.setdefault(owner, asyncio.Lock())

    def _swap(self, document: Document) -> None:
        """Join first, swap last: a document that cannot be used changes nothing."""
        documents = {**self._documents, document.owner: document}
        touched = [
            tenant for tenant in self._pinned if document.owner in (PLATFORM, owner_of(tenant))
        ]
        joined = {tenant: self._join(tenant, documents) for tenant in touched}
        self._documents = documents
        self._pinned.update(joined)
        save = partial(keep_on_disk, document)
        asyncio.get_running_loop().run_in_executor(None, save)
        log.info("snapshot.swapped", owner=document.owner, version=document.version)

    def _join(self, tenant_id: UUID, documents: Mapping[str, Document]) -> Pinned:
        platform, tenant = documents[PLATFORM], documents[owner_of(tenant_id)]
        try:
            snapshot = compile_snapshot(
                {**platform.records, "version": platform.version},
                {**tenant.records, "version": tenant.version},
            )
            prompts = load_prompts(tenant.records["prompts"])
        except UNUSABLE as error:
            raise UnusableDocument(str(error)) from error
        connections = open_connections({**platform.connections, **tenant.connections})
        return Pinned(snapshot, connections, prompts)

    async def _acknowledge(self, owner: str, version: int) -> None:
        async with hot_redis().pipeline(transaction=False) as pipe:
            pipe.hset(acks_key(owner), self.worker, str(version))
            pipe.expire(acks_key(owner), ACKS_SECONDS)
            await pipe.execute()

    async def _watch(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                log.warning("snapshot.watch_interrupted", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        # Its own client: the hot path's time-out is shorter than the wait for a message.
        async with (
            redis.asyncio.Redis.from_url(settings.REDIS_URL) as client,
            client.pubsub() as ps,
        ):
            await ps.subscribe(CHANNEL)
            beat_at = 0
            while True:
                if unix_ms() - beat_at > POLL_SECONDS * 1000:
                    beat_at = unix_ms()
                    await self._beat(client)
                message = await ps.get_message(ignore_subscribe_messages=True, timeout=POLL_SECONDS)
                if message is not None:
                    owner, _, version = message["data"].decode().partition(":")
                    # Anything else on the channel must not end the watch.
                    if version.isdecimal():
                        await self.refresh(owner, int(version))

    async def _beat(self, client: redis.asyncio.Redis) -> None:
        """Say that we live, and look for publishes whose announcement was lost."""
        await client.zadd(WORKERS_KEY, {self.worker: unix_ms()})
        await client.zremrangebyscore(WORKERS_KEY, "-inf", unix_ms() - FORGET_WORKER_MS)
        owners = list(self._documents)
        if not owners:
            return
        versions = await client.hmget(VERSIONS_KEY, owners)
        for owner, version in zip(owners, versions, strict=True):
            if version is not None:
                await self.refresh(owner, int(version))


_stores: WeakKeyDictionary[asyncio.AbstractEventLoop, SnapshotStore] = WeakKeyDictionary()


def snapshot_store() -> SnapshotStore:
    """Return the store of the running event loop."""
    loop = asyncio.get_running_loop()
    store = _stores.get(loop)
    if store is None:
        store = _stores[loop] = SnapshotStore()
    return store
