"""Baselines written from the public descriptions of what others do."""

import math
import random
from collections import deque
from collections.abc import Sequence
from typing import override

from tests.load.routing_sim.world import Deployment, Outcome, Request

DEFAULT_COOLDOWN_SECONDS = 5.0


class Base:
    """Knows the fleet, has luck of its own, and hears nothing."""

    def __init__(self, deployments: Sequence[Deployment], seed: int) -> None:
        self.deps = {deployment.id: deployment for deployment in deployments}
        self.rng = random.Random(seed)

    def on_start(self, now: float, dep_id: str, request: Request) -> None:
        pass

    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        pass


class Cooldowns(Base):
    """A 429 cools a deployment for its Retry-After, else 5 s; so do more than half (of at least 5)
    failures within a clock minute. With everything cooling a request fails at once."""

    def __init__(self, deployments: Sequence[Deployment], seed: int) -> None:
        super().__init__(deployments, seed)
        self.until = dict.fromkeys(self.deps, 0.0)
        self.minute = dict.fromkeys(self.deps, (-1, 0, 0))

    def healthy(self, now: float) -> list[str]:
        return [name for name in self.deps if self.until[name] <= now]

    @override
    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        minute, good, bad = self.minute[dep_id]
        if minute != int(now // 60):
            good = bad = 0
        good, bad = good + (outcome.status == "ok"), bad + (outcome.status != "ok")
        self.minute[dep_id] = (int(now // 60), good, bad)
        if outcome.status == "rate_limited":
            self.until[dep_id] = now + (outcome.retry_after or DEFAULT_COOLDOWN_SECONDS)
        elif outcome.status != "ok" and good + bad >= 5 and bad / (good + bad) > 0.5:
            self.until[dep_id] = now + DEFAULT_COOLDOWN_SECONDS


class Shuffle(Cooldowns):
    """At random, weighted by the configured tokens per minute."""

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> str | None:
        live = self.healthy(now)
        if not live:
            return None
        return self.rng.choices(live, [self.deps[name].tpm for name in live])[0]


class LeastBusy(Cooldowns):
    """The one with the fewest calls under way."""

    def __init__(self, deployments: Sequence[Deployment], seed: int) -> None:
        super().__init__(deployments, seed)
        self.inflight = dict.fromkeys(self.deps, 0)

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> str | None:
        live = self.healthy(now)
        return min(live, key=self._busy) if live else None

    @override
    def on_start(self, now: float, dep_id: str, request: Request) -> None:
        self.inflight[dep_id] += 1

    @override
    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        self.inflight[dep_id] -= 1
        super().on_end(now, dep_id, request, outcome)

    def _busy(self, name: str) -> tuple[int, float]:
        return self.inflight[name], self.rng.random()


class LeastLatency(Cooldowns):
    """Lowest mean of the last ten latencies per output token; a timeout counts as 1000 s."""

    def __init__(self, deployments: Sequence[Deployment], seed: int) -> None:
        super().__init__(deployments, seed)
        self.seen: dict[str, deque[float]] = {name: deque(maxlen=10) for name in self.deps}

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> str | None:
        live = self.healthy(now)
        if not live:
            return None
        self.rng.shuffle(live)
        return min(live, key=self._mean)

    @override
    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        if outcome.status == "ok":
            self.seen[dep_id].append(outcome.latency / max(outcome.output_tokens, 1))
        elif outcome.status == "timeout":
            self.seen[dep_id].append(1000.0)
        super().on_end(now, dep_id, request, outcome)

    def _mean(self, name: str) -> float:
        seen = self.seen[name]
        return sum(seen) / len(seen) if seen else 0.0


class LowestCost(Cooldowns):
    """The cheapest that is not cooling."""

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> str | None:
        live = self.healthy(now)
        return min(live, key=lambda name: price_of(self.deps[name])) if live else None


class InverseSquarePrice(Base):
    """Weight 1 / price^2 among deployments without a significant outage in the last 30 s; the
    others only as fall-backs."""

    def __init__(self, deployments: Sequence[Deployment], seed: int) -> None:
        super().__init__(deployments, seed)
        self.recent: dict[str, deque[tuple[float, bool]]] = {name: deque() for name in self.deps}

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> str:
        left = [name for name in self.deps if name not in tried] or list(self.deps)
        stable = [name for name in left if not self._is_bad(name, now)] or left
        return self.rng.choices(stable, [price_of(self.deps[name]) ** -2 for name in stable])[0]

    @override
    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        self.recent[dep_id].append((now, outcome.status == "ok"))

    def _is_bad(self, name: str, now: float) -> bool:
        recent = self.recent[name]
        while recent and recent[0][0] < now - 30:
            recent.popleft()
        return len(recent) >= 5 and sum(1 for _, good in recent if not good) / len(recent) > 0.1


class PeakEwmaClassic(Cooldowns):
    """Power of two choices on the peak EWMA of whole calls x (in flight + 1), with cooldowns."""

    def __init__(self, deployments: Sequence[Deployment], seed: int) -> None:
        super().__init__(deployments, seed)
        self.cost = dict.fromkeys(self.deps, 0.0)
        self.stamp = dict.fromkeys(self.deps, 0.0)
        self.inflight = dict.fromkeys(self.deps, 0)

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> str | None:
        live = self.healthy(now)
        if not live:
            return None
        pair = self.rng.sample(live, min(2, len(live)))
        return min(pair, key=lambda name: self._load(name, now))

    @override
    def on_start(self, now: float, dep_id: str, request: Request) -> None:
        self.inflight[dep_id] += 1

    @override
    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None:
        self.inflight[dep_id] -= 1
        if outcome.status in ("ok", "timeout"):
            self._learn(now, dep_id, outcome.latency)
        super().on_end(now, dep_id, request, outcome)

    def _load(self, name: str, now: float) -> float:
        faded = self.cost[name] * math.exp(-(now - self.stamp[name]) / 10)
        return faded * (self.inflight[name] + 1)

    def _learn(self, now: float, name: str, latency: float) -> None:
        keep = math.exp(-(now - self.stamp[name]) / 10)
        faded = self.cost[name] * keep
        if latency > self.cost[name]:
            self.cost[name] = max(latency, faded)
        else:
            self.cost[name] = faded + (1 - keep) * latency
        self.stamp[name] = now


def price_of(deployment: Deployment) -> float:
    """Return both prices together, as a plain yardstick."""
    return deployment.price_in + deployment.price_out
