"""Load Balancer: orders the deployments that can be called now, the one to call first at the front.

Score = expected seconds until the whole answer, times load, price and errors; the lowest is first.
The time is built on the time to the first token, in which a call that still waits counts with its
present age (Finagle's "peak EWMA"). Up to eight candidates all compete; above that the better of
two drawn ones is first: many must not herd on one (Mitzenmacher, "The power of two choices", 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import NamedTuple

from apps.routing.engine.filters import Candidate
from apps.routing.engine.hashing import luck, mix, spread, unit_interval
from apps.routing.engine.prediction import GUESS, pace_of, times_of, usual_seconds
from apps.routing.engine.pricing import expected_cost
from apps.routing.engine.readiness import Gatekeeper, Look, Readiness, Steps
from apps.routing.engine.types import (
    Choice,
    Effects,
    Health,
    RequestFacts,
    Scalar,
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
# Those that rest are not missed until the best of the others takes so many times its usual time.
MISSED_FACTOR = 1.5
# A request that is so old waits for nobody in particular.
LONGEST_WAITED_MS = 3_000
SCORE = attrgetter("score")


@dataclass(slots=True)
class Scored:
    """A candidate that can be called now; the lowest score comes first."""

    score: float
    expected_cost: int
    look: Look


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
        self._choices = facts.choices
        self._now_ms = facts.now_ms
        self._age_ms = facts.now_ms - facts.arrived_ms
        self._patience_wanted = effects.first_token_timeout_ms
        self._draw = spread(seed)
        self._keeper = Gatekeeper(facts, health, effects, unit_interval(self._draw))
        self._pace = GUESS

    def rank(self, candidates: Sequence[Candidate], choice: Choice, steps: Steps) -> Ranking:
        """Return the candidates in the order to call them; each left out gets a step."""
        found = self._keeper.check(candidates, steps)
        sound, ready, wait_ms, is_probe, held = found
        self._pace = pace_of([look.state for look in ready or sound])
        if held:
            back = self._called_back(found, choice, steps)
            sound, ready = [*sound, *back], [*ready, *back]
        if not ready:
            return Ranking([], wait_ms, None)
        if choice.strategy != "cheapest" and len(ready) < len(sound):
            moment = self._better_in_a_moment(ready, sound)
            if moment is not None:
                return Ranking([], moment, None)
        ranked = self._scored(ready, choice, steps)
        ranked.sort(key=SCORE)
        if len(ranked) > MOST_COMPARED:
            ranked = self._better_of_two(ranked)
        if is_probe:
            ranked.sort(key=lambda item: not item.look.owes_proof)
        return Ranking(ranked, None, self._patience(ranked[0].look, sound))

    def _scored(self, ready: Sequence[Look], choice: Choice, steps: Steps) -> list[Scored]:
        home = self._home(ready, choice)
        if choice.strategy == "cheapest":
            return [self._by_cost(look, steps, is_home=look is home) for look in ready]
        return self._by_time(ready, home, choice, steps)

    def _called_back(self, found: Readiness, choice: Choice, steps: Steps) -> list[Look]:
        """Return who is called although it rests or owes proof: all others would take longer.

        Only a group with room for everybody can spare one that fails now and then.
        """
        if found.is_probe or choice.strategy == "cheapest":
            self._keeper.tell_held(found.held, steps)
            return []
        others = self._seconds_without(found.ready or found.sound)
        back: list[Look] = []
        for look in found.held:
            seconds = self._burden(look)
            if seconds >= others:
                self._keeper.tell_held([look], steps)
                continue
            back.append(look)
            if steps is not None:
                name = look.candidate.deployment.name
                numbers: dict[str, Scalar] = {"seconds": seconds, "others": others}
                steps.append(TraceStep("deployment", "called_back", name, "kept", numbers))
        return back

    def _seconds_without(self, looks: Sequence[Look]) -> float:
        """Return the seconds of the best of them; 0 when it is about as quick as usual."""
        seconds, best = min(((self._promise(look), look) for look in looks), key=itemgetter(0))
        usual = usual_seconds(best.state, self._pace, best.output_tokens)
        return seconds if seconds > MISSED_FACTOR * usual else 0.0

    def _promise(self, look: Look) -> float:
        """Return the seconds until it has answered, with its wait.

        Who waited in vain already has to expect as much again: others want the same tokens.
        """
        wait_ms = max(look.wait_ms, self._age_ms) if look.wait_ms else 0
        return wait_ms / 1_000 + self._burden(look)

    def _better_in_a_moment(self, ready: Sequence[Look], sound: Sequence[Look]) -> int | None:
        """Return how long to wait for one that would answer much sooner all the same."""
        if self._age_ms > LONGEST_WAITED_MS:
            return None
        later = [
            (self._promise(look), look.wait_ms)
            for look in sound
            if 0 < look.wait_ms <= LONGEST_MOMENT_MS and not look.owes_proof
        ]
        if not later:
            return None
        best, wait_ms = min(later)
        now = min(self._burden(look) for look in ready)
        return wait_ms if now > WORTH_WAITING_FACTOR * best else None

    def _burden(self, look: Look) -> float:
        """Return the seconds that count: those until it has answered, times load and errors."""
        seconds, load, errors = times_of(look.state, self._pace, self._now_ms, look.output_tokens)
        return seconds * load * errors

    def _by_cost(self, look: Look, steps: Steps, *, is_home: bool) -> Scored:
        deployment = look.candidate.deployment
        cost = self._cost(look, cached=self._facts.prefix_tokens if is_home else 0)
        if steps is not None:
            steps.append(TraceStep("deployment", "priced", deployment.name, "kept", {"cost": cost}))
        tie = 1 + TIE_SHARE * luck(self._draw, _hash_of(deployment.id))
        return Scored(cost * tie, cost, look)

    def _by_time(
        self, ready: Sequence[Look], home: Look | None, choice: Choice, steps: Steps
    ) -> list[Scored]:
        weight, draw = choice.price_weight / BALANCED, self._draw
        tokens, choices = self._tokens, self._choices
        pace, now_ms = self._pace, self._now_ms
        times = [times_of(look.state, pace, now_ms, look.output_tokens) for look in ready]
        slowest = SLOWEST_FACTOR * min([seconds * load * errors for seconds, load, errors in times])
        scored = []
        for look, (seconds, load, errors) in zip(ready, times, strict=True):
            deployment, burden = look.candidate.deployment, seconds * load * errors
            cost = expected_cost(deployment, tokens, look.output_tokens * choices)
            late = price = stay = 1.0
            if weight:
                load **= 1 + weight
                price = (cost or LEAST_COST) ** weight
            if look is home:
                # A home is not left for its longer answers.
                stay = self._stay(look, choice, cost)
            elif weight and burden > slowest:
                late = (burden / slowest) ** 2
            score = seconds * load * errors * late * price * stay
            if steps is not None:
                numbers: dict[str, Scalar] = {
                    "seconds": seconds,
                    "load": load,
                    "errors": errors,
                    "late": late,
                    "cost": cost,
                    "stay": stay,
                    "score": score,
                }
                steps.append(TraceStep("deployment", "scored", deployment.name, "kept", numbers))
            tie = 1 + TIE_SHARE * luck(draw, _hash_of(deployment.id))
            scored.append(Scored(score * tie, cost, look))
        return scored

    def _cost(self, look: Look, cached: int) -> int:
        deployment = look.candidate.deployment
        written = look.output_tokens * self._choices
        return expected_cost(deployment, self._tokens, written, cached)

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

    def _better_of_two(self, ranked: list[Scored]) -> list[Scored]:
        """Put the better of two drawn ones first; the others stay behind it by their score."""
        first = self._draw % len(ranked)
        second = (first + 1 + mix(self._draw) % (len(ranked) - 1)) % len(ranked)
        place = min(first, second)
        return [ranked[place], *ranked[:place], *ranked[place + 1 :]]

    def _patience(self, first: Look, sound: Sequence[Look]) -> int | None:
        """Hang up on a deployment that is silent for unusually long while there is another one."""
        is_last = len(self._facts.tried_deployments) >= CALLS_WITH_PATIENCE or len(sound) < 2
        if is_last or self._patience_wanted is not None:
            return self._patience_wanted
        fastest = min([look.state.ttft_ms for look in sound])
        patience = PATIENCE_FACTOR * max(fastest, first.state.usual_ttft_ms)
        return round(min(max(SHORTEST_PATIENCE_MS, patience), LONGEST_PATIENCE_MS))


@lru_cache(maxsize=4_096)
def _hash_of(deployment_id: str) -> int:
    return spread(deployment_id)
