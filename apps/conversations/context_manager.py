"""Context Manager: loads a conversation, fits it to a window, saves its next turns, deletes it.

Redis holds the hot copy, Postgres the truth. A turn is saved only on top of the turns it was asked
on: who comes second with another view of the history gets a conflict, and nothing is overwritten.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from apps.api_keys.types import Caller
from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.conversations import store
from apps.conversations.models import Conversation
from apps.conversations.models import Turn as TurnRow
from apps.conversations.selectors import HOT_TURNS, TURN_PURPOSE, newest_turns
from apps.conversations.store import hot_conversations
from apps.conversations.trimming import answered_calls, newest, trim
from apps.conversations.types import ID_PREFIX, Context, StoredTurn
from apps.core.chat import TokenUsage, Turn
from apps.core.crypto import seal
from apps.core.database import in_database
from apps.core.errors import (
    AccessDenied,
    Conflict,
    ContentStorageOff,
    NotFound,
    ServiceUnavailable,
)
from apps.core.ids import new_id, parse_public_id
from apps.core.scoping import tenant_scope
from apps.core.tokens import estimate_turn
from apps.core.turn_records import turn_record

NEW = "new"
SCOPE = "conversations"
LAST_TURNS = 40


async def load(caller: Caller, conversation_id: str) -> Context:
    """Return the conversation, or an empty one for "new" (its row is made by the first `append`).

    Raises ContentStorageOff, AccessDenied, NotFound, or ServiceUnavailable when a cold one cannot
    be read.
    """
    _require_leave(caller)
    if conversation_id == NEW:
        return Context(new_id(), caller.project_id, is_new=True)
    row_id = _parse(conversation_id)
    context = await store.read(caller.tenant_id, row_id)
    if context is None:
        context = await _load_cold(caller, row_id)
    if context.project_id != caller.project_id:
        raise _unknown()
    return context


def fit(
    context: Context,
    incoming: Sequence[Turn],
    *,
    model: str = "",
    max_tokens: int,
    last_turns: int = LAST_TURNS,
) -> tuple[Turn, ...]:
    """Return history and incoming turns that fit `max_tokens`; the incoming ones always stay.

    So do the calls whose results they bring.
    """
    taken = sum(estimate_turn(model, turn) for turn in incoming)
    kept = trim(
        context.turns,
        last_turns=last_turns,
        max_tokens=max(max_tokens - taken, 0),
        answered=answered_calls(incoming),
    )
    return (*(stored.turn for stored in kept), *incoming)


async def append(
    caller: Caller, context: Context, turns: Sequence[Turn], usage: TokenUsage | None = None
) -> Context:
    """Save the turns that were just made (the caller's and the answer).

    Raises Conflict when the conversation went on meanwhile, NotFound when it was deleted.
    """
    _require_leave(caller)
    added = [StoredTurn(turn, estimate_turn("", turn)) for turn in turns]
    if usage is not None and added and added[-1].turn.role == "assistant":
        added[-1] = replace(added[-1], tokens=usage.output_tokens)
    try:
        await in_database(_save, caller, context, added)
    except Conflict:
        # The hot copy may be what was stale: the retry reads the truth.
        await hot_conversations.forget(caller.tenant_id, context.conversation_id)
        raise
    except (OperationalError, InterfaceError) as error:
        raise ServiceUnavailable("the conversation cannot be saved now") from error
    following = replace(
        context,
        turns=newest((*context.turns, *added), HOT_TURNS),
        position=context.position + len(added),
        is_new=False,
    )
    await store.write(caller.tenant_id, following)
    return following


def delete_conversation(*, conversation: Conversation, actor: Actor, reason: str = "") -> None:
    """Delete a conversation with its turns and its hot copy."""
    record_change(
        actor=actor,
        action="conversations.deleted",
        obj=conversation,
        changes={"turns": conversation.turn_count},
        reason=reason,
    )
    tenant_id, row_id = conversation.tenant_id, conversation.id
    conversation.delete()
    hot_conversations.forget_now(tenant_id, row_id)
    # Again after the commit: a turn in flight may have put the copy back in between.
    transaction.on_commit(lambda: hot_conversations.forget_now(tenant_id, row_id))


def note_reading(*, conversation: Conversation, actor: Actor) -> None:
    """Write into the trail that a person reads what was said."""
    record_change(actor=actor, action="conversations.content_viewed", obj=conversation)


def _require_leave(caller: Caller) -> None:
    if SCOPE not in caller.scopes:
        raise AccessDenied(f"this API key lacks the scope {SCOPE!r}", param="conversation_id")
    if not caller.stores_content:
        raise ContentStorageOff(
            f"the project {caller.project_slug} does not store content: an owner can switch it on",
            param="conversation_id",
        )


def _parse(conversation_id: str) -> UUID:
    try:
        return parse_public_id(ID_PREFIX, conversation_id)
    except ValueError as error:
        raise _unknown() from error


async def _load_cold(caller: Caller, row_id: UUID) -> Context:
    try:
        context = await in_database(_read, caller.tenant_id, row_id)
    except (DatabaseError, InterfaceError) as error:
        raise ServiceUnavailable("the conversation cannot be read now") from error
    if context is None:
        raise _unknown()
    await store.write(caller.tenant_id, context)
    return context


def _read(tenant_id: UUID, row_id: UUID) -> Context | None:
    with tenant_scope(tenant_id):
        conversation = Conversation.objects.filter(id=row_id).first()
        if conversation is None:
            return None
        return Context(
            row_id,
            conversation.project_id,
            turns=newest_turns(conversation),
            position=conversation.turn_count,
        )


def _save(caller: Caller, context: Context, added: Sequence[StoredTurn]) -> None:
    with tenant_scope(caller.tenant_id):
        conversation = _locked(caller, context)
        TurnRow.objects.bulk_create(
            _row(conversation, context.position + offset, turn) for offset, turn in enumerate(added)
        )
        conversation.turn_count = context.position + len(added)
        conversation.save(update_fields=["turn_count", "updated_at"])


def _locked(caller: Caller, context: Context) -> Conversation:
    if context.is_new:
        created: Conversation = Conversation.objects.create(
            id=context.conversation_id, tenant_id=caller.tenant_id, project_id=caller.project_id
        )
        return created
    rows = Conversation.objects.select_for_update(of=("self",))
    conversation: Conversation | None = rows.filter(id=context.conversation_id).first()
    if conversation is None:
        raise _unknown()
    if conversation.turn_count != context.position:
        raise Conflict(
            "the conversation went on meanwhile: ask again to continue from its newest turn",
            param="conversation_id",
            details={"turns_seen": context.position, "turns_now": conversation.turn_count},
        )
    return conversation


def _row(conversation: Conversation, position: int, stored: StoredTurn) -> TurnRow:
    row = TurnRow(
        tenant_id=conversation.tenant_id,
        conversation=conversation,
        position=position,
        role=stored.turn.role,
        tokens=stored.tokens,
        is_record=True,
    )
    record = json.dumps(turn_record(stored.turn), ensure_ascii=False)
    row.ciphertext = seal(record, purpose=TURN_PURPOSE, tenant_id=row.tenant_id, row_id=row.id)
    return row


def _unknown() -> NotFound:
    return NotFound("there is no such conversation in this project", param="conversation_id")
