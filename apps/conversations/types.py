"""What the pipeline knows of a conversation."""

from dataclasses import dataclass
from uuid import UUID

from apps.core.chat import Turn
from apps.core.ids import public_id

ID_PREFIX = "conv"


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn in full with the tokens it was counted at when it was saved."""

    turn: Turn
    tokens: int


@dataclass(frozen=True, slots=True)
class Context:
    """A conversation as it was loaded. `position` is how many turns it had then.

    `turns` are the newest ones (and every system message), oldest first.
    """

    conversation_id: UUID
    project_id: UUID
    turns: tuple[StoredTurn, ...] = ()
    position: int = 0
    is_new: bool = False

    @property
    def id(self) -> str:
        """The outside form of the id."""
        return public_id(ID_PREFIX, self.conversation_id)

    @property
    def history(self) -> tuple[Turn, ...]:
        return tuple(stored.turn for stored in self.turns)
