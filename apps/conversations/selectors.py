"""Reads of conversations: their newest turns, and all of them in clear for who may see content."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, cast

from apps.accounts.enums import Role
from apps.accounts.selectors import roles_in_scope
from apps.conversations.models import Conversation
from apps.conversations.models import Turn as TurnRow
from apps.conversations.types import StoredTurn
from apps.core.chat import Role as TurnRole
from apps.core.chat import Text, Turn
from apps.core.crypto import unseal
from apps.core.turn_records import turn_of, turn_record

TURN_PURPOSE = "conversation.turn"
HOT_TURNS = 200


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn in clear: its texts, and all of its parts as records."""

    position: int
    role: str
    text: str
    parts: list[dict[str, Any]]
    tokens: int
    created_at: dt.datetime


def newest_turns(conversation: Conversation) -> tuple[StoredTurn, ...]:
    """Return what a request needs of the history: system messages and the newest turns."""
    first = max(conversation.turn_count - HOT_TURNS, 0)
    system = conversation.turns.filter(role="system", position__lt=first)
    newest = conversation.turns.filter(position__gte=first)
    rows = [*system.order_by("position"), *newest.order_by("position")]
    return tuple(StoredTurn(open_turn(row), row.tokens) for row in rows)


def open_turns(conversation: Conversation, *, first: int, limit: int) -> list[OpenTurn]:
    """Return turns in clear from a position on; the caller answers for the reader's right."""
    rows = conversation.turns.filter(position__gte=first).order_by("position")[:limit]
    return [_opened(row) for row in rows]


def open_turn(row: TurnRow) -> Turn:
    """Return a turn in full; the caller answers for the reader's right to see it."""
    text = unseal(row.ciphertext, purpose=TURN_PURPOSE, tenant_id=row.tenant_id, row_id=row.id)
    if row.is_record:
        return turn_of(json.loads(text))
    # Only roles of turns were ever saved.
    return Turn(cast("TurnRole", row.role), (Text(text),))


def may_read_content(user: Any) -> bool:
    """Tell whether a person may read prompts and answers: owners, and platform administrators."""
    return bool(user.is_superuser) or Role.OWNER in roles_in_scope(user)


def _opened(row: TurnRow) -> OpenTurn:
    turn = open_turn(row)
    parts = turn_record(turn)["parts"]
    text = turn.as_message().text
    return OpenTurn(row.position, row.role, text, parts, row.tokens, row.created_at)
