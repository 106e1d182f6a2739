"""Power of two choices over a predicted answer time, and its variants."""

import math
from collections.abc import Sequence
from typing import override

from tests.load.routing_sim.policies.simple import Base, price_of
from tests.load.routing_sim.world import BURSTS_PER_MINUTE, Deployment, Outcome, Request


class P2CEwma(Base):
    """The strongest fair baseline.

    * the prediction is a peak-sensitive EWMA of time to first token plus one of seconds per output
      token (total latency alone says too little, too late);
    * a call that still waits for its first token counts at its present age;
    * failures raise the score, and three in a row (or over 15 %) eject the deployment for 5 s,
      10 s, ... 30 s, never more than half of the group;
    * a deployment coming back is on probation: one call at a time until three have succeeded;
    * Retry-After is obeyed, and a local token bucket avoids most 429s;
    * if nothing is ready it waits (at most `max_wait`) instead of failing;
    * with an alternative left, a call is abandoned when the first token is late.
    """

    decay = 10.0
    price_power = 0.0
    fan = 2
    max_wait = 10.0
    hang_up = True

    def __init__(self, deployments: Sequence[Deployment], seed: int) -> None:
        super().__init__(deployments, seed)
        names = list(self.deps)
        self.ttft = dict.fromkeys(names, 0.5)
        self.tpot = dict.fromkeys(names, 0.015)
        self.err = dict.fromkeys(names, 0.0)
        self.stamp = dict.fromkeys(names, 0.0)
        self.inflight = dict.fromkeys(names, 0)
        self.streak = dict.fromkeys(names, 0)
        self.blocked = dict.fromkeys(names, 0.0)
        self.ejected = dict.fromkeys(names, 0.0)
        self.times = dict.fromkeys(names, 0)
        # Successes still owed.
        self.probation = dict.fromkeys(names, 0)
        self.level = {name: self.deps[name].tpm / BURSTS_PER_MINUTE for name in names}
        self.filled = dict.fromkeys(names, 0.0)
        # Start of each call, by request, until its first token.
        self.waiting: dict[str, dict[int, float]] = {name: {} for name in names}
        self.mean_out = 250.0

    def choose(
        self, now: float, request: Request, tried: tuple[str, ...]
    ) -> str | tuple[str, float] | float | None:
        need = request.prompt_tokens + self.mean_out
        sound = self._sound_ones(now, tried)
        ready = [name for name in sound if self._ready_in(name, now, need) <= 0.0]
        if not ready:
            wait = min(self._ready_in(name, now, need) for name in sound)
            return None if now + wait - request.at > self.max_wait else float(max(wait, 0.05))
        probed = [name for name in ready if self.probation[name]]
        if probed and len(ready) > 1 and self.rng.random() < 0.8:
            # Let probes trickle.
            ready = [name for name in ready if name not in probed] or ready
        pair = self.rng.sample(ready, min(self.fan, len(ready)))
        best = min(pair, key=lambda name: self._score(name, now))
        if self.hang_up and len(tried) < 2 and len(sound) > 1:
            usual = min(self.ttft[name] for name in sound)
            return best, min(15.0, max(2.5, 5.0 * usual))
        return best

    @override
    def on_start(self, now: float, dep_id: str, request: Request) -> None:
        self.inflight[dep_id] += 1
        self.waiting[dep_id][request.id] = now
        self.level[dep_id] = self._budget(dep_id, now) - request.prompt_tokens - self.mean_out
        self.filled[dep_id] = now

    def on_first_token(self, now: float, dep_id: str, request: Request, ttft: float) -> None:
        self.waiting[dep_id].pop(request.id, None)
        self._learn(self.ttft, dep_id, ttft, now)
        self.stamp[dep_id] = now

    @override
    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        self.inflight[dep_id] -= 1
        self.waiting[dep_id].pop(request.id, None)
        if outcome.status == "rate_limited":
            self.blocked[dep_id] = now + (outcome.retry_after or 2.0)
            self.level[dep_id] = min(self.level[dep_id], 0.0)
            return
        is_bad = outcome.status != "ok"
        self.err[dep_id] = 0.95 * self.err[dep_id] + 0.05 * is_bad
        if is_bad:
            self._note_failure(now, dep_id, outcome)
        else:
            self._note_answer(now, dep_id, outcome)
        self.stamp[dep_id] = now

    def _note_failure(self, now: float, name: str, outcome: Outcome) -> None:
        self.streak[name] += 1
        if outcome.status == "timeout":
            self._learn(self.ttft, name, outcome.latency, now)
            self.stamp[name] = now
        if self.streak[name] >= 3 or self.err[name] > 0.15 or self.probation[name]:
            if self.ejected[name] <= now:
                self.times[name] = min(self.times[name] + 1, 6)
                self.ejected[name] = now + 5.0 * self.times[name]
            self.probation[name] = 3

    def _note_answer(self, now: float, name: str, outcome: Outcome) -> None:
        self.streak[name] = 0
        self.probation[name] = max(0, self.probation[name] - 1)
        if not self.probation[name]:
            self.err[name] = min(self.err[name], 0.14)
            if self.err[name] < 0.02:
                self.times[name] = 0
        generating = outcome.latency - (outcome.ttft or 0.0)
        self._learn(self.tpot, name, generating / max(1, outcome.output_tokens), now)
        # Settle the estimate.
        self.level[name] += self.mean_out - outcome.output_tokens
        self.mean_out = 0.98 * self.mean_out + 0.02 * outcome.output_tokens

    def _learn(self, table: dict[str, float], name: str, sample: float, now: float) -> None:
        keep = math.exp(-(now - self.stamp[name]) / self.decay)
        keep = min(keep, 0.6) if sample > 1.5 * table[name] else max(keep, 0.8)
        table[name] = keep * table[name] + (1 - keep) * sample

    def _budget(self, name: str, now: float) -> float:
        """Return the tokens per minute that are left, as this worker sees it."""
        tpm = self.deps[name].tpm
        refilled = self.level[name] + (now - self.filled[name]) * tpm / 60
        return min(tpm / BURSTS_PER_MINUTE, refilled)

    def _ready_in(self, name: str, now: float, need: float) -> float:
        short = max(0.0, need - self._budget(name, now)) / (self.deps[name].tpm / 60)
        return max(self.blocked[name] - now, short, 0.0)

    def _late(self, name: str, now: float) -> float:
        return now - next(iter(self.waiting[name].values())) if self.waiting[name] else 0.0

    def _score(self, name: str, now: float) -> float:
        ttft = max(self.ttft[name], self._late(name, now))
        # Forget old bad news.
        idle = math.exp(-max(0.0, now - self.stamp[name] - 20.0) / 20.0)
        per_token = 0.015 + idle * (self.tpot[name] - 0.015)
        expected = 0.5 + idle * (ttft - 0.5) + self.mean_out * per_token
        load = 1 + self.inflight[name] / 20
        price: float = price_of(self.deps[name]) ** self.price_power
        return float(expected * load * price / max(0.05, 1.0 - self.err[name]) ** 3)

    def _sound_ones(self, now: float, tried: tuple[str, ...]) -> list[str]:
        fresh = [name for name in self.deps if name not in tried] or list(self.deps)
        sound = [name for name in fresh if self._is_sound(name, now)]
        if 2 * len(sound) >= len(fresh):
            return sound
        # The panic threshold: rather the least bad half than too few.
        ordered = sorted(fresh, key=lambda name: (self.ejected[name], self.inflight[name]))
        return ordered[: (len(fresh) + 1) // 2]

    def _is_sound(self, name: str, now: float) -> bool:
        return self.ejected[name] <= now and not (self.probation[name] and self.inflight[name])


class P2CEwmaCost(P2CEwma):
    """Price counts as much as time."""

    price_power = 1.0


class P2CNoHangUp(P2CEwma):
    """Waits for a late first token."""

    hang_up = False


class BestOfAllEwma(P2CEwma):
    """Compares all instead of two."""

    fan = 99


class BestOfAllCost(BestOfAllEwma):
    """Compares all, and price counts as much as time."""

    price_power = 1.0
