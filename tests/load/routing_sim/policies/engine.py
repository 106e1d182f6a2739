"""Our engine as a policy: choose is `decide`, everything else is `observe`."""

from functools import partial
from typing import Any

from apps.routing.engine.health import HEALTHY, observe
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Health
from tests.load.routing_sim.policies.engine_site import event_of, facts_of, fleet_snapshot
from tests.load.routing_sim.simulator import Pick
from tests.load.routing_sim.world import Deployment, Outcome, Request


class Engine:
    def __init__(self, fleet: list[Deployment], seed: int, price_weight: int = 0) -> None:
        self.snapshot, self.health, self.seed = fleet_snapshot(fleet, price_weight), Health(), seed
        self.fleet = {item.id: item for item in fleet}
        self.asked: dict[tuple[int, int], float] = {}

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> Pick:
        seed = f"{self.seed}:{request.id}:{len(tried)}"
        decision = decide(facts_of(now, request, tried), self.snapshot, self.health, seed)
        for attempt in decision.attempts:
            patience = attempt.first_token_timeout_ms
            return (attempt.deployment_id, patience / 1000) if patience else attempt.deployment_id
        wait = max(decision.retry_after_ms / 1000, 0.05)
        asked = self.asked.setdefault((request.id, len(tried)), now)
        return wait if now + wait - asked <= 10 else None

    def on_start(self, now: float, dep_id: str, request: Request) -> None:
        self.note(now, dep_id, request, "started", tokens=request.prompt_tokens + self.mean(dep_id))

    def on_first_token(self, now: float, dep_id: str, request: Request, ttft: float) -> None:
        self.note(now, dep_id, request, "first_token", outcome=Outcome("ok", ttft, ttft=ttft))

    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        spare = self.mean(dep_id) - outcome.output_tokens
        self.note(now, dep_id, request, outcome.status, tokens=spare, outcome=outcome)

    def mean(self, dep_id: str) -> float:
        return self.health.deployments.get(dep_id, HEALTHY).mean_output_tokens

    def note(self, now: float, dep_id: str, *what: Any, **numbers: Any) -> None:
        self.health = observe(self.health, event_of(now, self.fleet[dep_id], *what, **numbers))


Quarter, Balanced, ThreeQuarters, Cheapest = (
    partial(Engine, price_weight=weight) for weight in (25, 50, 75, 100)
)
