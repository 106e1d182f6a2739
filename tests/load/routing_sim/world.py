"""The providers' side of the simulation: token buckets, incidents, latency, prices.

All luck is drawn per (request, deployment, attempt) before a run, so that every policy meets the
same luck and an oracle can look at it.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

ATTEMPT_TIMEOUT_SECONDS = 30.0
# What a provider's bucket holds: 15 s of its tokens per minute.
BURSTS_PER_MINUTE = 4
# Attempts with luck of their own; later ones reuse the last.
NOISE_SLOTS = 8
REFUSAL_SECONDS = 0.05
ERROR_SECONDS = 0.4
MAX_TOKENS = 2048

type Status = Literal["ok", "rate_limited", "error", "timeout"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment; a fair policy reads only the first four fields, the others are the truth.

    Prices are USD per million tokens; `ttft`: seconds to the first token (median), `tps`: tokens
    per second from there on, `knee`: concurrent calls after which it slows down.
    """

    id: str
    price_in: float
    price_out: float
    tpm: int
    ttft: float = 0.6
    tps: float = 60.0
    knee: int = 30


@dataclass(frozen=True, slots=True)
class Incident:
    """Something wrong with a deployment for a while.

    `slow`: factor of latency; `error`: probability of a 5xx; `hang`: probability that a call never
    answers; `storm`: share of the tokens per minute that others of the same account eat.
    """

    dep: str
    start: float
    end: float
    slow: float = 1.0
    error: float = 0.0
    hang: float = 0.0
    storm: float = 0.0


class Luck(NamedTuple):
    """What chance has in store for one attempt."""

    noise: float
    error: float
    hang: float


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `output_tokens` and `luck` are the truth that only oracles read."""

    id: int
    at: float
    prompt_tokens: int
    output_tokens: int
    max_tokens: int
    luck: Mapping[str, Sequence[Luck]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ends."""

    status: Status
    latency: float
    retry_after: float | None = None
    cost: float = 0.0
    output_tokens: int = 0
    ttft: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fleet, its traffic (`rate`: requests per second at a moment) and what goes wrong."""

    name: str
    deployments: Sequence[Deployment]
    duration: float
    rate: Callable[[float], float]
    incidents: Sequence[Incident] = ()

    def requests(self, seed: int) -> list[Request]:
        """Draw the requests of a seed, each with its luck."""
        rng = random.Random(seed * 7919 + 17)
        peak = max(self.rate(second) for second in range(int(self.duration) + 1))
        at = 0.0
        drawn: list[Request] = []
        while True:
            at += rng.expovariate(peak)
            if at >= self.duration:
                return drawn
            if rng.random() <= self.rate(at) / peak:
                drawn.append(self._draw(rng, len(drawn), at))

    def _draw(self, rng: random.Random, number: int, at: float) -> Request:
        prompt = max(20, min(16000, int(rng.lognormvariate(math.log(600), 0.9))))
        output = max(5, min(2000, int(rng.lognormvariate(math.log(200), 0.7))))
        luck = {
            deployment.id: tuple(
                Luck(rng.lognormvariate(0, 0.25), rng.random(), rng.random())
                for _ in range(NOISE_SLOTS)
            )
            for deployment in self.deployments
        }
        return Request(number, at, prompt, output, MAX_TOKENS, luck)


class Condition(NamedTuple):
    """What the incidents of a moment add up to."""

    slow: float = 1.0
    error: float = 0.0
    hang: float = 0.0
    storm: float = 0.0


class World:
    """The state of all deployments during one run."""

    def __init__(self, scenario: Scenario) -> None:
        self.deps = {deployment.id: deployment for deployment in scenario.deployments}
        self.inflight = dict.fromkeys(self.deps, 0)
        self._incidents: dict[str, list[Incident]] = {name: [] for name in self.deps}
        for incident in scenario.incidents:
            self._incidents[incident.dep].append(incident)
        self._level = {name: float(dep.tpm) / BURSTS_PER_MINUTE for name, dep in self.deps.items()}
        self._stamp = dict.fromkeys(self.deps, 0.0)

    def condition(self, dep_id: str, now: float) -> Condition:
        """Return what is wrong with a deployment now."""
        slow, error, hang, storm = Condition()
        for incident in self._incidents[dep_id]:
            if incident.start <= now < incident.end:
                slow *= incident.slow
                error = max(error, incident.error)
                hang = max(hang, incident.hang)
                storm = max(storm, incident.storm)
        return Condition(slow, error, hang, storm)

    def available_tokens(self, dep_id: str, now: float) -> float:
        """Return what the deployment's bucket holds now."""
        dep = self.deps[dep_id]
        refilling = (now - self._stamp[dep_id]) - self._stormed(dep_id, self._stamp[dep_id], now)
        return min(dep.tpm / BURSTS_PER_MINUTE, self._level[dep_id] + refilling * dep.tpm / 60)

    def peek(self, dep_id: str, now: float, request: Request, attempt: int) -> Outcome:
        """Return how a call that began now would end."""
        dep = self.deps[dep_id]
        need = request.prompt_tokens + request.output_tokens
        have = self.available_tokens(dep_id, now)
        slow, error, hang, storm = self.condition(dep_id, now)
        if have < need:
            refill = dep.tpm / 60 if not storm else dep.tpm / 60 * (1.0 - storm)
            retry_after = math.ceil((need - have) / refill)
            return Outcome("rate_limited", REFUSAL_SECONDS, retry_after=retry_after)
        luck = request.luck[dep_id][min(attempt, NOISE_SLOTS - 1)]
        if luck.hang < hang:
            return Outcome("timeout", ATTEMPT_TIMEOUT_SECONDS)
        if luck.error < error:
            return Outcome("error", ERROR_SECONDS * luck.noise)
        return self._answer(dep, request, luck.noise, slow)

    def start(
        self, dep_id: str, now: float, request: Request, *, attempt: int, patience: float | None
    ) -> Outcome:
        """Begin a call and return how it will end; `patience`: seconds for the first token."""
        outcome = self.peek(dep_id, now, request, attempt)
        answers = outcome.status in ("ok", "timeout")
        if patience and answers and (outcome.ttft is None or outcome.ttft > patience):
            # Hung up before the first token: not billed.
            outcome = Outcome("timeout", patience)
        if outcome.status != "rate_limited":
            left = self.available_tokens(dep_id, now)
            self._level[dep_id] = left - request.prompt_tokens - request.output_tokens
            self._stamp[dep_id] = now
        self.inflight[dep_id] += 1
        return outcome

    def end(self, dep_id: str) -> None:
        """Note that a call is over."""
        self.inflight[dep_id] -= 1

    def _answer(self, dep: Deployment, request: Request, noise: float, slow: float) -> Outcome:
        crowd = 1.0 + max(0, self.inflight[dep.id] + 1 - dep.knee) / dep.knee
        ttft = dep.ttft * noise * slow * crowd
        latency = ttft + request.output_tokens / dep.tps * slow * crowd
        if latency > ATTEMPT_TIMEOUT_SECONDS:
            return Outcome("timeout", ATTEMPT_TIMEOUT_SECONDS, ttft=ttft)
        cost = (request.prompt_tokens * dep.price_in + request.output_tokens * dep.price_out) / 1e6
        tokens = request.output_tokens
        return Outcome("ok", latency, cost=cost, output_tokens=tokens, ttft=ttft)

    def _stormed(self, dep_id: str, since: float, now: float) -> float:
        """Return the seconds of refill that storms have eaten."""
        return sum(
            incident.storm * max(0.0, min(now, incident.end) - max(since, incident.start))
            for incident in self._incidents[dep_id]
            if incident.storm
        )
