"""Who acts: a person, an API key or the system itself."""

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["user", "api_key", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change, as labels that outlive the user or key."""

    kind: ActorKind
    id: str
    label: str
    address: str | None = None


# Commands, schedules and migrations act under this name.
SYSTEM = Actor(kind="system", id="", label="system")
