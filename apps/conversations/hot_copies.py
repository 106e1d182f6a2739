"""Hot copies in Redis, sealed, under the tenant, gone an hour after they were written.

Redis is a cache here: every fault of it is a miss, logged, never an error of the request.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from apps.core.crypto import DecryptionFailed, seal, unseal
from apps.core.errors import ServiceUnavailable
from apps.core.redis import control_redis, hot_redis

HOT_SECONDS = 3600
# No sealed value looks like it.
GONE = b"gone"
# Beyond this a copy costs more than it saves: images and documents are kept in full.
MOST_CHARACTERS = 4_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HotCopies:
    """The copies of one kind of thing: JSON values under the ids of their rows.

    `are_final`: a thing never changes, so what is deleted leaves a mark in the place of its copy,
    and a reader who comes late with what it read before cannot put it back.
    """

    kind: str
    are_final: bool = False

    @property
    def purpose(self) -> str:
        return f"{self.kind}.hot"

    def key(self, tenant_id: UUID, row_id: UUID) -> str:
        """Return the Redis key: the tenant in clear, the rest as an HMAC."""
        digest = hmac.new(settings.API_KEY_PEPPER, row_id.bytes, hashlib.sha256).hexdigest()
        return f"{tenant_id}:{self.kind}:{digest}"

    async def read(self, tenant_id: UUID, row_ids: Sequence[UUID]) -> list[Any]:
        """Return the values in the order of their ids, None for each that cannot be had."""
        if not row_ids:
            return []
        keys = [self.key(tenant_id, row_id) for row_id in row_ids]
        try:
            found: list[Any] = await hot_redis().mget(keys)
        except RedisError as error:
            log.warning("hot_copy.unreadable", kind=self.kind, error=str(error))
            return [None] * len(keys)
        pairs = zip(row_ids, found, strict=True)
        return [self._open(tenant_id, row_id, sealed) for row_id, sealed in pairs]

    async def write(self, tenant_id: UUID, row_id: UUID, value: Any) -> None:
        """Keep a value; when Redis is away, or it is too large, the next reader asks the truth."""
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > MOST_CHARACTERS:
            await self.forget(tenant_id, row_id)
            return
        sealed = seal(text, purpose=self.purpose, tenant_id=tenant_id, row_id=row_id)
        try:
            key = self.key(tenant_id, row_id)
            await hot_redis().set(key, sealed, ex=HOT_SECONDS, nx=self.are_final)
        except RedisError as error:
            log.warning("hot_copy.unwritable", kind=self.kind, error=str(error))

    async def forget(self, tenant_id: UUID, row_id: UUID) -> None:
        """Drop a copy that is stale, so that the next reader asks the truth."""
        try:
            await hot_redis().delete(self.key(tenant_id, row_id))
        except RedisError as error:
            log.warning("hot_copy.unwritable", kind=self.kind, error=str(error))

    def forget_now(self, tenant_id: UUID, row_id: UUID) -> None:
        """Drop a copy with its row; raises, because a deletion must be complete."""
        key = self.key(tenant_id, row_id)
        try:
            if self.are_final:
                control_redis().set(key, GONE, ex=HOT_SECONDS)
            else:
                control_redis().delete(key)
        except RedisError as error:
            raise ServiceUnavailable("the copy in Redis cannot be deleted now") from error

    def _open(self, tenant_id: UUID, row_id: UUID, sealed: bytes | None) -> Any:
        if sealed is None or sealed == GONE:
            return None
        try:
            text = unseal(sealed.decode(), purpose=self.purpose, tenant_id=tenant_id, row_id=row_id)
        except (DecryptionFailed, UnicodeDecodeError):
            log.warning("hot_copy.tampered", kind=self.kind, row_id=str(row_id))
            return None
        return json.loads(text)
