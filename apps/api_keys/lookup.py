"""From a bearer token to a Caller: memory (seconds), then Redis, then the data base.

The copy in Redis is sealed, so that who can write to Redis cannot make callers up. A change or a
revocation deletes it; memory forgets by itself within five seconds.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError

from apps.api_keys.hashing import is_genuine, parse_key
from apps.api_keys.models import ApiKey
from apps.api_keys.types import Caller
from apps.core.clock import monotonic_seconds, unix_ms
from apps.core.crypto import DecryptionFailed, seal, unseal
from apps.core.database import in_database
from apps.core.errors import AuthenticationFailed, ServiceUnavailable
from apps.core.redis import hot_redis
from apps.core.scoping import all_tenants

FRESH_SECONDS = 5.0
# While Redis and the data base are away, a copy in memory may serve this long.
STALE_SECONDS = 10.0
REDIS_SECONDS = 300
ABSENT_SECONDS = 10
MEMORY_ENTRIES = 50_000
PURPOSE = "api_key.caller"
ABSENT = b"absent"
# Stands where a copy was dropped: a reader that began before the change must not put it back.
CHANGED = b"changed"
CHANGED_SECONDS = 10
# A copy of before the last of them has none.
LISTS = ("tags", "allowed_models", "allowed_regions")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a key: the digest that proves it, and whom it stands for."""

    digest: str
    caller: Caller


_memory: dict[str, tuple[float, Record | None]] = {}


async def authenticate(token: str) -> Caller:
    """Return whom a key stands for; raises AuthenticationFailed or ServiceUnavailable."""
    parts = parse_key(token)
    record = await _find(parts.lookup) if parts else None
    if parts is None or record is None or not is_genuine(parts, record.digest):
        raise AuthenticationFailed("the API key is not valid: check it, or ask an owner for one")
    expiry = record.caller.expires_at_ms
    if expiry is not None and expiry <= unix_ms():
        raise AuthenticationFailed("the API key has expired: ask an owner for a new one")
    return record.caller


def redis_key(lookup: str) -> str:
    return f"router:key:{lookup}"


def forget_in_memory() -> None:
    """Drop what this process remembers (tests, and a signal of an operator)."""
    _memory.clear()


async def _find(lookup: str) -> Record | None:
    remembered = _memory.get(lookup)
    now = monotonic_seconds()
    if remembered is not None and now - remembered[0] < FRESH_SECONDS:
        return remembered[1]
    try:
        record = await _read_through(lookup)
    except (DatabaseError, InterfaceError) as error:
        if remembered is not None and now - remembered[0] < STALE_SECONDS:
            return remembered[1]
        raise ServiceUnavailable("API keys cannot be checked now") from error
    if len(_memory) >= MEMORY_ENTRIES:
        _memory.clear()
    _memory[lookup] = (now, record)
    return record


async def _read_through(lookup: str) -> Record | None:
    try:
        kept: Any = await hot_redis().get(redis_key(lookup))
    except RedisError as error:
        log.warning("api_key.redis_unreadable", error=str(error))
        return await in_database(read_from_database, lookup)
    if kept == ABSENT:
        return None
    record = _open(lookup, kept) if kept not in (None, CHANGED) else None
    if record is None:
        record = await in_database(read_from_database, lookup)
        if kept != CHANGED:
            await _keep(lookup, record, replaces=kept is not None)
    return record


async def _keep(lookup: str, record: Record | None, *, replaces: bool) -> None:
    value = ABSENT if record is None else _seal(lookup, record)
    seconds = ABSENT_SECONDS if record is None else REDIS_SECONDS
    try:
        await hot_redis().set(redis_key(lookup), value, ex=seconds, nx=not replaces)
    except RedisError as error:
        log.warning("api_key.redis_unwritable", error=str(error))


def read_from_database(lookup: str) -> Record | None:
    """Read a key that may be used: not revoked, its project and tenant active."""
    with all_tenants("API key look-up"):
        rows = ApiKey.objects.filter(
            lookup=lookup,
            revoked_at=None,
            project__is_active=True,
            tenant__is_active=True,
        )
        key: ApiKey | None = rows.select_related("project", "tenant").first()
        return None if key is None else Record(key.digest, caller_of(key))


def caller_of(key: ApiKey) -> Caller:
    """Return the frozen view of a key that the data plane works with."""
    tenant, project = key.tenant, key.project
    return Caller(
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        tenant_name=tenant.name,
        tenant_language=tenant.language,
        tenant_time_zone=tenant.time_zone,
        project_id=project.id,
        project_slug=project.slug,
        project_name=project.name,
        stores_content=project.store_content,
        key_id=key.id,
        key_name=key.name,
        scopes=frozenset(key.scopes),
        tags=tuple(key.tags),
        allowed_models=tuple(key.allowed_models),
        requests_per_minute=key.requests_per_minute,
        monthly_budget=key.monthly_budget,
        expires_at_ms=round(key.expires_at.timestamp() * 1000) if key.expires_at else None,
        allowed_regions=tuple(project.allowed_regions),
        data_class=project.data_class,
    )


def _row_id(lookup: str) -> UUID:
    return UUID(bytes=hashlib.sha256(lookup.encode()).digest()[:16])


def _seal(lookup: str, record: Record) -> bytes:
    fields = {name: getattr(record.caller, name) for name in Caller.__slots__}
    fields["scopes"] = sorted(record.caller.scopes)
    text = orjson.dumps({"digest": record.digest, "caller": fields}).decode()
    return seal(text, purpose=PURPOSE, tenant_id=None, row_id=_row_id(lookup)).encode()


def _open(lookup: str, sealed: bytes) -> Record | None:
    try:
        text = unseal(sealed.decode(), purpose=PURPOSE, tenant_id=None, row_id=_row_id(lookup))
        body: dict[str, Any] = orjson.loads(text)
        return Record(body["digest"], _caller_from(body["caller"]))
    except (DecryptionFailed, ValueError, KeyError, TypeError):
        # Tampered with, or written by another version of the code: the truth is in the data base.
        log.warning("api_key.copy_unusable", lookup=lookup)
        return None


def _caller_from(fields: dict[str, Any]) -> Caller:
    ids = {name: UUID(fields[name]) for name in ("tenant_id", "project_id", "key_id")}
    lists = {name: tuple(fields[name]) for name in LISTS if name in fields}
    return Caller(**{**fields, **ids, **lists, "scopes": frozenset(fields["scopes"])})
