"""The hot copy of a conversation: what a cold load would bring, without asking Postgres."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog

from apps.conversations.hot_copies import HotCopies
from apps.conversations.types import Context, StoredTurn
from apps.core.turn_records import turn_of, turn_record

VERSION = 2

hot_conversations = HotCopies("conversation")
log = structlog.get_logger(__name__)


async def read(tenant_id: UUID, conversation_id: UUID) -> Context | None:
    """Return the hot copy, None when there is none that can be read."""
    (data,) = await hot_conversations.read(tenant_id, [conversation_id])
    if data is None:
        return None
    try:
        return _decode(conversation_id, data)
    except (KeyError, ValueError):
        log.info("conversation.hot_copy_of_another_version", conversation_id=str(conversation_id))
        return None


async def write(tenant_id: UUID, context: Context) -> None:
    """Keep the context; where it cannot be kept, the next turn reads the truth."""
    await hot_conversations.write(tenant_id, context.conversation_id, _encode(context))


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
