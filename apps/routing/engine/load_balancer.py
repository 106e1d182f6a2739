"""Load Balancer: orders the deployments that can be called now, the one to call first at the front.

Score = expected seconds until the whole answer, times load, price and errors; the lowest is first.
The time is built on the time to the first token, in which a call that still waits counts with its
present age (Finagle's "peak EWMA"). Up to eight candidates all compete; above that the better of
two drawn ones is first: many must not herd on one (Mitzenmacher, "The power of two choices", 2001).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from apps.routing.engine.filters import Candidate
from apps.routing.engine.hashing import luck, mix, spread, unit_interval
from apps.routing.engine.prediction import GUESS, Times, pace_of, times_of
from apps.routing.engine.pricing import expected_cost
from apps.routing.engine.readiness import Gatekeeper, Look, Steps
from apps.routing.engine.types import (
    Choice,
    Effects,
    Health,
    RequestFacts,
    TraceStep,
)

MOST_COMPARED = 8
# Scores closer than this are luck; herding on the luckier one would overload it.
TIE_SHARE = 0.03
# The price weight at which a cost counts as much as a time. Price draws everybody to the same cheap
# one, so there load counts twice, too.
BALANCED = 50
# Nobody is cheap enough to take so many times as long as the fastest; what is cut is paid twice.
SLOWEST_FACTOR = 2.0
# What a conversation gains at least by staying, even before anything is known to be cached.
LEAST_AFFINITY = 0.15
PATIENCE_FACTOR = 5.0
SHORTEST_PATIENCE_MS = 2_500.0
LONGEST_PATIENCE_MS = 15_000.0
CALLS_WITH_PATIENCE = 2
# Below this a cost is no number to weigh with: free models compete by time alone.
LEAST_COST = 1.0
# A deployment that is free in a moment is waited for when the others would take so much longer.
WORTH_WAITING_FACTOR = 1.5
LONGEST_MOMENT_MS = 1_000
# A request that is so old waits for nobody in particular.
LONGEST_WAITED_MS = 3_000


class Scored(NamedTuple):
    """A candidate that can be called now; the lowest score comes first."""

    candidate: Candidate
    score: float
    expected_cost: int
    needed_tokens: int


class Ranking(NamedTuple):
    """What a group offers now, best first; else when to ask again. `patience_ms` None: no limit."""

    ready: list[Scored]
    wait_ms: int | None
    patience_ms: int | None


class Balancer:
    """Ranks the groups of one decision."""

    def __init__(self, facts: RequestFacts, health: Health, effects: Effects, seed: str) -> None:
        self._facts = facts
        self._tokens = facts.input_tokens
        self._patience_wanted = effects.first_token_timeout_ms
        self._draw = spread(seed)
        self._keeper = Gatekeeper(facts, health, effects, unit_interval(self._draw))
        self._pace = GUESS

    def rank(self, candidates: Sequence[Candidate], choice: Choice, steps: Steps) -> Ranking:
        """Return the candidates in the order to call them; each left out gets a step."""
        sound, ready, wait_ms, is_probe = self._keeper.check(candidates, steps)
        if not ready:
            return Ranking([], wait_ms, None)
        self._pace = pace_of([look.state for look in ready])
        if choice.strategy != "cheapest" and len(ready) < len(sound):
            moment = self._better_in_a_moment(ready, sound)
            if moment is not None:
                return Ranking([], moment, None)
        ranked = sorted(self._scored(ready, choice, steps), key=lambda pair: pair[0].score)
        if len(ranked) > MOST_COMPARED:
            ranked = self._better_of_two(ranked)
        if is_probe:
            ranked.sort(key=lambda pair: not pair[1].owes_proof)
        patience = self._patience(ranked[0][1], sound)
        return Ranking([scored for scored, _ in ranked], None, patience)

    def _scored(
        self, ready: Sequence[Look], choice: Choice, steps: Steps
    ) -> list[tuple[Scored, Look]]:
        home = self._home(ready, choice)
        if choice.strategy == "cheapest":
            return [(self._by_cost(look, steps, is_home=look is home), look) for look in ready]
        times = [self._times(look) for look in ready]
        slowest = SLOWEST_FACTOR * min(time.burden for time in times)
        return [
            (self._by_time(look, time, slowest, choice, steps, is_home=look is home), look)
            for look, time in zip(ready, times, strict=True)
        ]

    def _better_in_a_moment(self, ready: Sequence[Look], sound: Sequence[Look]) -> int | None:
        """Return how long to wait for one that would answer much sooner all the same."""
        if self._facts.now_ms - self._facts.arrived_ms > LONGEST_WAITED_MS:
            return None
        later = [
            (look.wait_ms / 1_000 + self._times(look).burden, look.wait_ms)
            for look in sound
            if 0 < look.wait_ms <= LONGEST_MOMENT_MS and not look.owes_proof
        ]
        if not later:
            return None
        best, wait_ms = min(later)
        now = min(self._times(look).burden for look in ready)
        return wait_ms if now > WORTH_WAITING_FACTOR * best else None

    def _times(self, look: Look) -> Times:
        return times_of(look.state, self._pace, self._facts.now_ms, look.output_tokens)

    def _by_cost(self, look: Look, steps: Steps, *, is_home: bool) -> Scored:
        cost = self._cost(look, cached=self._facts.prefix_tokens if is_home else 0)
        if steps is not None:
            name = look.candidate.deployment.name
            steps.append(TraceStep("deployment", "priced", name, "kept", {"cost": cost}))
        return Scored(look.candidate, cost * self._tie(look), cost, look.needed_tokens)

    def _by_time(
        self,
        look: Look,
        times: Times,
        slowest: float,
        choice: Choice,
        steps: Steps,
        *,
        is_home: bool,
    ) -> Scored:
        candidate, weight = look.candidate, choice.price_weight
        cost = expected_cost(candidate.deployment, self._tokens, look.output_tokens)
        load, late, price = times.load, 1.0, 1.0
        if weight:
            load **= 1 + weight / BALANCED
            price = (cost or LEAST_COST) ** (weight / BALANCED)
            # A home is not left for its longer answers.
            late = 1.0 if is_home else max(times.burden / slowest, 1.0) ** 2
        stay = self._stay(look, choice, cost) if is_home else 1.0
        score = times.seconds * load * times.errors * late * price * stay
        if steps is not None:
            numbers = {
                "seconds": times.seconds,
                "load": load,
                "errors": times.errors,
                "late": late,
                "cost": cost,
                "stay": stay,
                "score": score,
            }
            name = candidate.deployment.name
            steps.append(TraceStep("deployment", "scored", name, "kept", numbers))
        return Scored(candidate, score * self._tie(look), cost, look.needed_tokens)

    def _cost(self, look: Look, cached: int = 0) -> int:
        deployment = look.candidate.deployment
        return expected_cost(deployment, self._tokens, look.output_tokens, cached)

    def _home(self, ready: Sequence[Look], choice: Choice) -> Look | None:
        """Return where this conversation or prefix is at home: where a stable hash puts it.

        Nothing has to be remembered (Thaler and Ravishankar, "Rendezvous hashing", 1998).
        """
        facts = self._facts
        unit = facts.conversation if choice.affinity == "conversation" else facts.prefix
        if not choice.affinity or not unit or len(ready) < 2:
            return None
        wanted = spread(unit)
        return max(ready, key=lambda look: luck(wanted, _hash_of(look.candidate.deployment.id)))

    def _stay(self, look: Look, choice: Choice, cost: int) -> float:
        """Return the factor of the home: staying is worth the tokens likely in its cache."""
        cached = self._cost(look, self._facts.prefix_tokens)
        power = max(choice.price_weight / BALANCED, 1.0)
        kept: float = (max(cached, LEAST_COST) / max(cost, LEAST_COST)) ** power
        return min(kept, 1 - LEAST_AFFINITY)

    def _tie(self, look: Look) -> float:
        """Return a factor that parts equal scores by luck, the same for the same seed."""
        return 1 + TIE_SHARE * luck(self._draw, _hash_of(look.candidate.deployment.id))

    def _better_of_two(self, ranked: list[tuple[Scored, Look]]) -> list[tuple[Scored, Look]]:
        """Put the better of two drawn ones first; the others stay behind it by their score."""
        first = self._draw % len(ranked)
        second = (first + 1 + mix(self._draw) % (len(ranked) - 1)) % len(ranked)
        best = ranked[min(first, second)]
        return [best, *(item for item in ranked if item is not best)]

    def _patience(self, first: Look, sound: Sequence[Look]) -> int | None:
        """Hang up on a deployment that is silent for unusually long while there is another one."""
        is_last = len(self._facts.tried_deployments) >= CALLS_WITH_PATIENCE or len(sound) < 2
        if is_last or self._patience_wanted is not None:
            return self._patience_wanted
        fastest = min(look.state.ttft_ms for look in sound)
        patience = PATIENCE_FACTOR * max(fastest, first.state.usual_ttft_ms)
        return round(min(max(SHORTEST_PATIENCE_MS, patience), LONGEST_PATIENCE_MS))


@lru_cache(maxsize=4_096)
def _hash_of(deployment_id: str) -> int:
    return spread(deployment_id)
