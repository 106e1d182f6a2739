"""What this process has seen of the deployments; dispatch keeps it up to date."""

from apps.core.clock import unix_ms
from apps.routing.engine.health import observe
from apps.routing.engine.types import Health, HealthEvent


class HealthBoard:
    """Holds the current health; a reader keeps the one it took."""

    def __init__(self) -> None:
        self.health = Health()

    def note(self, event: HealthEvent) -> None:
        self.health = observe(self.health, event)

    def started(self, deployment_id: str) -> None:
        self.note(HealthEvent(deployment_id, "started", unix_ms()))

    def first_token(self, deployment_id: str, ttft_ms: float) -> None:
        self.note(HealthEvent(deployment_id, "first_token", unix_ms(), ttft_ms=ttft_ms))

    def clear(self) -> None:
        self.health = Health()


board = HealthBoard()
