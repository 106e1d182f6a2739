"""What the rules of a snapshot ask of a request: nothing else need be gathered before deciding."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.routing.engine.fields import HEADER
from apps.routing.engine.types import Snapshot
from apps.routing.headers import SECRET_HEADERS
from apps.routing.message_search import MessageSearch


@dataclass(frozen=True, slots=True)
class Questions:
    """Names of fields and headers, texts to look for; `needs_prefix`: some rule is sticky."""

    reads: frozenset[str]
    headers: frozenset[str]
    search: MessageSearch | None
    needs_prefix: bool

    def asks(self, names: Iterable[str]) -> bool:
        """Say whether some rule reads one of these fields."""
        return not self.reads.isdisjoint(names)


def questions_of(snapshot: Snapshot) -> Questions:
    """Walk the rules once; patterns are compiled here and not for each request."""
    named = {field.removeprefix(HEADER).lower() for field in snapshot.reads if _is_header(field)}
    return Questions(
        reads=snapshot.reads,
        headers=frozenset(named - SECRET_HEADERS),
        search=MessageSearch(snapshot.patterns) if snapshot.patterns else None,
        needs_prefix=any(rule.choice.affinity for rule in snapshot.rules),
    )


def _is_header(field: str) -> bool:
    return field.startswith(HEADER)
