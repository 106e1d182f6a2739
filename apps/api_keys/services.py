"""Writes of API keys: create, change, revoke. The secret is returned once and never kept."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from redis.exceptions import RedisError

from apps.api_keys.hashing import digest_of, new_key
from apps.api_keys.lookup import CHANGED, CHANGED_SECONDS, redis_key
from apps.api_keys.models import ApiKey
from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.clock import utc_now
from apps.core.errors import ServiceUnavailable
from apps.core.redis import control_redis
from apps.tenants.models import Project


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key and its clear text, to be shown once."""

    row: ApiKey
    clear: str


def create_key(*, project: Project, name: str, actor: Actor, **fields: Any) -> CreatedKey:
    """Create a key of a project; `fields` are scopes, tags, limits, budget and expiry."""
    row = ApiKey(tenant_id=project.tenant_id, project=project, name=name, **fields)
    clear = issue_secret(row)
    row.save(force_insert=True)
    shown = {"name": name, "project": project.slug, "lookup": row.lookup}
    record_change(actor=actor, action="api_keys.created", obj=row, changes=shown)
    forget_keys([row.lookup])
    return CreatedKey(row, clear)


def issue_secret(row: ApiKey) -> str:
    """Give an unsaved key its secret; returns the clear text."""
    parts = new_key()
    row.lookup, row.digest = parts.lookup, digest_of(parts)
    return parts.clear


def revoke_key(*, row: ApiKey, actor: Actor, reason: str = "") -> ApiKey:
    """End a key for good; requests that come later than five seconds are refused everywhere."""
    if row.revoked_at is None:
        row.revoked_at = utc_now()
        row.save(update_fields=["revoked_at"])
        record_change(
            actor=actor,
            action="api_keys.revoked",
            obj=row,
            changes={"revoked_at": [None, row.revoked_at.isoformat(timespec="seconds")]},
            reason=reason,
        )
        forget_keys([row.lookup])
    return row


def forget_keys(lookups: Iterable[str]) -> None:
    """Drop the copies in Redis once the change is committed; raises ServiceUnavailable."""
    names = [redis_key(lookup) for lookup in lookups]

    def drop() -> None:
        try:
            with control_redis().pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.set(name, CHANGED, ex=CHANGED_SECONDS)
                pipe.execute()
        except RedisError as error:
            message = "the change is saved, but keys in use may keep the old state for 5 minutes"
            raise ServiceUnavailable(message) from error

    transaction.on_commit(drop)


def forget_keys_of(*, tenant_id: UUID | None = None, project_id: UUID | None = None) -> None:
    """Drop the copies of all keys of a tenant or a project."""
    rows = ApiKey.objects.all()
    rows = rows.filter(tenant_id=tenant_id) if tenant_id else rows.filter(project_id=project_id)
    forget_keys(rows.values_list("lookup", flat=True))


def is_expired(row: ApiKey, now: dt.datetime | None = None) -> bool:
    return row.expires_at is not None and row.expires_at <= (now or utc_now())
