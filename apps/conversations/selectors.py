"""Reads of conversations: their newest turns, and all of them in clear for who may see content."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, cast

from apps.accounts.enums import Role
from apps.accounts.selectors import roles_in_scope
from apps.conversations.models import Conversation, Turn
from apps.conversations.types import StoredTurn
from apps.core.chat import Message
from apps.core.chat import Role as MessageRole
from apps.core.crypto import unseal

TURN_PURPOSE = "conversation.turn"
HOT_TURNS = 200


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn in clear."""

    position: int
    role: str
    text: str
    tokens: int
    created_at: dt.datetime


def newest_turns(conversation: Conversation) -> tuple[StoredTurn, ...]:
    """Return what a request needs of the history: system messages and the newest turns."""
    first = max(conversation.turn_count - HOT_TURNS, 0)
    system = conversation.turns.filter(role="system", position__lt=first)
    newest = conversation.turns.filter(position__gte=first)
    rows = [*system.order_by("position"), *newest.order_by("position")]
    return tuple(StoredTurn(_message(row), row.tokens) for row in rows)


def open_turns(conversation: Conversation, *, first: int, limit: int) -> list[OpenTurn]:
    """Return turns in clear from a position on; the caller answers for the reader's right."""
    rows = conversation.turns.filter(position__gte=first).order_by("position")[:limit]
    return [
        OpenTurn(row.position, row.role, open_text(row), row.tokens, row.created_at) for row in rows
    ]


def open_text(turn: Turn) -> str:
    """Return what a turn says; the caller answers for the reader's right to see it."""
    return unseal(turn.ciphertext, purpose=TURN_PURPOSE, tenant_id=turn.tenant_id, row_id=turn.id)


def may_read_content(user: Any) -> bool:
    """Tell whether a person may read prompts and answers: owners, and platform administrators."""
    return bool(user.is_superuser) or Role.OWNER in roles_in_scope(user)


def _message(turn: Turn) -> Message:
    # Only roles of messages are ever saved.
    return Message(cast("MessageRole", turn.role), open_text(turn))
