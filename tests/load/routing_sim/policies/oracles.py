"""Policies that look at the world's luck: bounds, not rivals."""

from collections.abc import Sequence

from tests.load.routing_sim.policies.simple import Base
from tests.load.routing_sim.world import Deployment, Request, World


class Oracle(Base):
    """Takes the fastest answer; with an `slo` the cheapest of those within it."""

    slo: float | None = None

    def __init__(self, deployments: Sequence[Deployment], seed: int, world: World) -> None:
        super().__init__(deployments, seed)
        self.world = world

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> str | float:
        peeks = {name: self.world.peek(name, now, request, len(tried)) for name in self.deps}
        good = {name: outcome for name, outcome in peeks.items() if outcome.status == "ok"}
        if not good:
            waits = [outcome.retry_after for outcome in peeks.values() if outcome.retry_after]
            return 0.25 if waits else next(iter(self.deps))
        if self.slo:
            waited = now - request.at
            quick = [name for name, got in good.items() if waited + got.latency <= self.slo]
            if quick:
                return min(quick, key=lambda name: good[name].cost)
        return min(good, key=lambda name: good[name].latency)


class OracleCheap(Oracle):
    """The cheapest answer within 12 s."""

    slo = 12.0
