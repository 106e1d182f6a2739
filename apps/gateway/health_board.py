"""What is known of the deployments: dispatch tells what it sees, the exchange what others saw."""

from collections.abc import Mapping, Sequence

from apps.routing.engine.health import observe
from apps.routing.engine.health_merge import calls_of, merge, own_part
from apps.routing.engine.types import Health, HealthEvent


class HealthBoard:
    """Holds the current health; a reader keeps the one it took."""

    def __init__(self) -> None:
        self.health = Health()
        # Calls that other workers have under way, as counted in `health`.
        self._others: Mapping[str, int] = {}

    def note(self, event: HealthEvent) -> None:
        self.health = observe(self.health, event)

    def own(self) -> Health:
        """Return what this worker may tell: all that it knows, and only its own calls."""
        return own_part(self.health, self._others)

    def hear(self, peers: Sequence[Health]) -> None:
        """Take over what the peers know now; nobody to hear leaves the local view."""
        merged = merge(self.own(), peers)
        self._others = calls_of(peers)
        if merged != self.health:
            self.health = merged

    def clear(self) -> None:
        self.health = Health()
        self._others = {}


board = HealthBoard()
