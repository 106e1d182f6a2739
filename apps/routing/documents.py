"""Published documents: sealed, in Redis for every worker, and on disk for a start without Redis.

A document is the records of one owner (the platform or a tenant) with their version, their sealed
connections. It is sealed as a whole: who can write to Redis cannot send our keys elsewhere.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from apps.core.clock import unix_ms
from apps.core.crypto import DecryptionFailed, seal, unseal
from apps.core.ids import new_id
from apps.core.redis import control_redis, hot_redis

PURPOSE = "routing.document"
PLATFORM = "platform"
# The sealing is bound to the owner; the platform has no row, so it gets the nil id.
NIL = UUID(int=0)
VERSIONS_KEY = "router:versions"
CHANNEL = "router:published"
WORKERS_KEY = "router:workers"
ACKS_SECONDS = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """What one owner has published. `records` as `snapshot.build_records` made them."""

    owner: str
    version: int
    records: dict[str, Any]
    connections: dict[str, Any]


def owner_of(tenant_id: UUID | None) -> str:
    return tenant_id.hex if tenant_id else PLATFORM


def document_key(owner: str) -> str:
    return f"router:snapshot:{owner}"


def acks_key(owner: str) -> str:
    return f"router:acks:{owner}"


def publish_document(document: Document) -> None:
    """Put the document before its announcement, so that whoever hears of it can read it."""
    sealed = _seal(document)
    with control_redis().pipeline(transaction=True) as pipe:
        pipe.set(document_key(document.owner), sealed)
        pipe.hset(VERSIONS_KEY, document.owner, document.version)
        pipe.publish(CHANNEL, f"{document.owner}:{document.version}")
        pipe.execute()


def published_version(owner: str) -> int:
    """Return the version in Redis, 0 when there is none."""
    return int(control_redis().hget(VERSIONS_KEY, owner) or 0)


def has_document(owner: str) -> bool:
    """Tell whether Redis holds the owner's document (memory limits may have driven it out)."""
    return bool(control_redis().exists(document_key(owner)))


def worker_acks(owner: str, alive_ms: int) -> dict[str, int]:
    """Return, for each worker heard of within `alive_ms`, the version that it acknowledged."""
    client = control_redis()
    workers = client.zrangebyscore(WORKERS_KEY, unix_ms() - alive_ms, "+inf")
    acks: dict[bytes, bytes] = client.hgetall(acks_key(owner))  # type: ignore[assignment]  # sync client
    names: list[bytes] = list(workers)  # type: ignore[arg-type]  # sync client
    return {name.decode(): int(acks.get(name, 0)) for name in names}


async def read_document(owner: str) -> Document | None:
    """Return the published document, from Redis or, when Redis is away or empty, from disk."""
    try:
        sealed: Any = await hot_redis().get(document_key(owner))
    except RedisError as error:
        log.warning("snapshot.redis_unreadable", owner=owner, error=str(error))
        sealed = None
    if sealed is None:
        return _open(owner, _read_disk(owner))
    return _open(owner, sealed.decode())


def keep_on_disk(document: Document) -> None:
    """Keep the last good document beside the process; a full disk is told, not fatal."""
    folder: Path = settings.SNAPSHOT_DIR
    path = folder / f"{document.owner}.sealed"
    partial = path.with_suffix(f".{new_id().hex}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(_seal(document), encoding="ascii")
        partial.rename(path)
    except OSError as error:
        log.warning("snapshot.disk_unwritable", owner=document.owner, error=str(error))


def _read_disk(owner: str) -> str:
    path: Path = settings.SNAPSHOT_DIR / f"{owner}.sealed"
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def _seal(document: Document) -> str:
    body = {
        "version": document.version,
        "records": document.records,
        "connections": document.connections,
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return seal(text, purpose=PURPOSE, tenant_id=_bound_to(document.owner), row_id=NIL)


def _open(owner: str, sealed: str) -> Document | None:
    if not sealed:
        return None
    try:
        text = unseal(sealed, purpose=PURPOSE, tenant_id=_bound_to(owner), row_id=NIL)
    except DecryptionFailed:
        log.exception("snapshot.tampered", owner=owner)
        return None
    body = json.loads(text)
    return Document(owner, body["version"], body["records"], body["connections"])


def _bound_to(owner: str) -> UUID | None:
    return None if owner == PLATFORM else UUID(hex=owner)
