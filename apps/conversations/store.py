"""The hot copy of a conversation in Redis: sealed, under the tenant, gone after an hour of silence.

Redis is a cache here: every fault of it is a miss, logged, never an error of the request.
"""

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from apps.conversations.types import Context, StoredTurn
from apps.core.crypto import DecryptionFailed, seal, unseal
from apps.core.errors import ServiceUnavailable
from apps.core.redis import control_redis, hot_redis
from apps.core.turn_records import turn_of, turn_record

HOT_SECONDS = 3600
PURPOSE = "conversation.hot"
VERSION = 2
# Beyond this the copy costs more than it saves: images and documents are kept in full.
MOST_CHARACTERS = 4_000_000

log = structlog.get_logger(__name__)


def hot_key(tenant_id: UUID, conversation_id: UUID) -> str:
    """Return the Redis key: the tenant in clear, the rest as an HMAC."""
    digest = hmac.new(settings.API_KEY_PEPPER, conversation_id.bytes, hashlib.sha256).hexdigest()
    return f"{tenant_id}:conversation:{digest}"


async def read(tenant_id: UUID, conversation_id: UUID) -> Context | None:
    """Return the hot copy, None when there is none that can be read."""
    try:
        sealed: Any = await hot_redis().get(hot_key(tenant_id, conversation_id))
    except RedisError as error:
        log.warning("conversation.hot_copy_unreadable", error=str(error))
        return None
    if sealed is None:
        return None
    try:
        text = unseal(sealed.decode(), purpose=PURPOSE, tenant_id=tenant_id, row_id=conversation_id)
    except (DecryptionFailed, UnicodeDecodeError):
        log.warning("conversation.hot_copy_tampered", conversation_id=str(conversation_id))
        return None
    try:
        return _decode(conversation_id, json.loads(text))
    except (KeyError, ValueError):
        log.info("conversation.hot_copy_of_another_version", conversation_id=str(conversation_id))
        return None


async def write(tenant_id: UUID, context: Context) -> None:
    """Keep the context; when Redis is away, or it is too large, the next turn reads the truth."""
    text = json.dumps(_encode(context), ensure_ascii=False)
    if len(text) > MOST_CHARACTERS:
        await forget(tenant_id, context.conversation_id)
        return
    sealed = seal(text, purpose=PURPOSE, tenant_id=tenant_id, row_id=context.conversation_id)
    key = hot_key(tenant_id, context.conversation_id)
    try:
        await hot_redis().set(key, sealed, ex=HOT_SECONDS)
    except RedisError as error:
        log.warning("conversation.hot_copy_unwritable", error=str(error))


async def forget(tenant_id: UUID, conversation_id: UUID) -> None:
    """Drop the hot copy, so that the next turn reads the truth."""
    try:
        await hot_redis().delete(hot_key(tenant_id, conversation_id))
    except RedisError as error:
        log.warning("conversation.hot_copy_unwritable", error=str(error))


def forget_now(tenant_id: UUID, conversation_id: UUID) -> None:
    """Drop the hot copy from the control path; raises, because a deletion must be complete."""
    try:
        control_redis().delete(hot_key(tenant_id, conversation_id))
    except RedisError as error:
        raise ServiceUnavailable("the copy in Redis cannot be deleted now") from error


def _encode(context: Context) -> dict[str, Any]:
    return {
        "version": VERSION,
        "project": context.project_id.hex,
        "position": context.position,
        "turns": [[turn_record(stored.turn), stored.tokens] for stored in context.turns],
    }


def _decode(conversation_id: UUID, data: dict[str, Any]) -> Context:
    if data["version"] != VERSION:
        raise ValueError("a copy of another version")
    turns = tuple(StoredTurn(turn_of(record), tokens) for record, tokens in data["turns"])
    context = Context(conversation_id, UUID(hex=data["project"]), position=data["position"])
    return replace(context, turns=turns)
