"""Our engine in many workers that take the providers' tokens from shared buckets in Redis."""

from typing import override

from apps.api_keys.provider_tokens import correct_tokens_now, reserve_tokens_now
from apps.api_keys.types import AttemptNeeds, TokenCorrection
from tests.load.routing_sim.policies.engine import Engine
from tests.load.routing_sim.simulator import Pick, Place
from tests.load.routing_sim.world import Deployment, Outcome, Request


class SharedEngine(Engine):
    """As `Engine`, but a pick holds only when the shared bucket has its tokens."""

    def __init__(self, fleet: list[Deployment], seed: int, place: Place) -> None:
        super().__init__(fleet, seed)
        self.namespace = place.run
        self.taken: dict[tuple[int, str], int] = {}

    @override
    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> Pick:
        pick = super().choose(now, request, tried)
        if not isinstance(pick, str | tuple):
            return pick
        name = pick if isinstance(pick, str) else pick[0]
        tokens = round(request.prompt_tokens + self.mean(name))
        need = AttemptNeeds(name, self.fleet[name].tpm, tokens)
        taken = reserve_tokens_now([need], now_ms=round(now * 1000), namespace=self.namespace)
        self.note(now, name, request, "budget", tokens=taken.levels[name])
        if taken.chosen < 0:
            # Its level is known now: somebody else, or a short wait.
            return max(min(taken.wait_ms / 1000, 0.05), 0.01)
        self.taken[request.id, name] = tokens
        return pick

    @override
    def on_start(self, now: float, dep_id: str, request: Request) -> None:
        self.note(now, dep_id, request, "started", tokens=0.0)

    @override
    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        super().on_end(now, dep_id, request, outcome)
        taken, now_ms = self.taken.pop((request.id, dep_id)), round(now * 1000)
        spare, block = 0, 0
        if outcome.status == "ok":
            spare = taken - request.prompt_tokens - outcome.output_tokens
        elif outcome.status == "rate_limited":
            spare, block = taken, now_ms + round((outcome.retry_after or 0.0) * 1000)
        correction = TokenCorrection(dep_id, self.fleet[dep_id].tpm, spare, block)
        correct_tokens_now([correction], now_ms=now_ms, namespace=self.namespace)
