"""Reads of conversations: their newest turns, and all of them in clear for who may see content."""

from apps.conversations.models import Conversation, Turn
from apps.conversations.types import StoredTurn
from apps.core.chat import Message
from apps.core.crypto import unseal

TURN_PURPOSE = "conversation.turn"
HOT_TURNS = 200


def newest_turns(conversation: Conversation) -> tuple[StoredTurn, ...]:
    """Return what a request needs of the history: system messages and the newest turns."""
    first = max(conversation.turn_count - HOT_TURNS, 0)
    system = conversation.turns.filter(role="system", position__lt=first)
    newest = conversation.turns.filter(position__gte=first)
    rows = [*system.order_by("position"), *newest.order_by("position")]
    return tuple(StoredTurn(Message(row.role, open_text(row)), row.tokens) for row in rows)


def open_text(turn: Turn) -> str:
    """Return what a turn says; the caller answers for the reader's right to see it."""
    return unseal(turn.ciphertext, purpose=TURN_PURPOSE, tenant_id=turn.tenant_id, row_id=turn.id)
