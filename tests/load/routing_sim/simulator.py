"""The event loop of the simulation, and what it asks of a policy."""

import heapq
import inspect
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from tests.load.routing_sim.world import Outcome, Request, Scenario, World

MAX_ATTEMPTS = 3
DEADLINE_SECONDS = 60.0
SLO_SECONDS = 12.0
SHORTEST_WAIT_SECONDS = 0.01

# A deployment, with or without the seconds that its first token may take; a float: wait and ask
# again; None: give up.
type Pick = str | tuple[str, float] | float | None


class Policy(Protocol):
    """Decides where requests go; `tried` are the deployments that failed in this request."""

    def choose(self, now: float, request: Request, tried: tuple[str, ...]) -> Pick: ...

    def on_start(self, now: float, dep_id: str, request: Request) -> None: ...

    def on_end(self, now: float, dep_id: str, request: Request, outcome: Outcome) -> None: ...


@runtime_checkable
class HearsFirstTokens(Protocol):
    """A policy that wants to know of first tokens, too."""

    def on_first_token(self, now: float, dep_id: str, request: Request, ttft: float) -> None: ...


class Place(NamedTuple):
    """Which of how many workers a policy serves; all workers of one run share the name `run`."""

    worker: int
    workers: int
    run: str


# Called with (deployments, seed), and with `place` or `world` when it has a parameter of that name.
type Factory = Callable[..., Policy]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run measures; rates are shares of all requests."""

    policy: str
    scenario: str
    requests: int
    success: float
    in_slo: float
    p50: float
    p99: float
    cost_per_1k: float
    attempts: float
    limited: float
    share: Mapping[str, float]


@dataclass(slots=True)
class Tally:
    """What is counted during a run."""

    latencies: list[float] = field(default_factory=list)
    cost: float = 0.0
    calls: int = 0
    limited: int = 0
    answers: dict[str, int] = field(default_factory=dict)


class Job(NamedTuple):
    """A request on its way: the worker that has it, and what it tried."""

    request: Request
    worker: int
    tried: tuple[str, ...] = ()
    attempt: int = 0


def simulate(
    scenario: Scenario, factory: Factory, seed: int = 1, workers: int = 1, name: str = ""
) -> Result:
    """Run one scenario; each of several workers has a policy of its own, dealt at random."""
    world = World(scenario)
    policies = _policies(scenario, factory, seed, workers, world)
    run = _Run(world, policies)
    requests = scenario.requests(seed)
    deal = random.Random(seed * 31 + 5)
    for request in requests:
        run.push(request.at, run.go, Job(request, deal.randrange(len(policies))))
    run.to_the_end()
    return _result(scenario, name, len(requests), run.tally)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Run:
    """Events in the order of their time; those of one moment in the order they were made."""

    def __init__(self, world: World, policies: Sequence[Policy]) -> None:
        self.tally = Tally(answers=dict.fromkeys(world.deps, 0))
        self._world = world
        self._policies = policies
        self._listeners = [
            policy if isinstance(policy, HearsFirstTokens) else None for policy in policies
        ]
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._made = 0

    def push(self, at: float, act: Callable[..., None], *arguments: Any) -> None:
        self._made += 1
        heapq.heappush(self._events, (at, self._made, act, arguments))

    def to_the_end(self) -> None:
        while self._events:
            now, _, act, arguments = heapq.heappop(self._events)
            act(now, *arguments)

    def go(self, now: float, job: Job) -> None:
        pick = self._policies[job.worker].choose(now, job.request, job.tried)
        if pick is None:
            return
        if isinstance(pick, float):
            if now + pick - job.request.at < DEADLINE_SECONDS:
                self.push(now + max(pick, SHORTEST_WAIT_SECONDS), self.go, job)
            return
        dep_id, patience = pick if isinstance(pick, tuple) else (pick, None)
        self._call(now, job, dep_id, patience)

    def _call(self, now: float, job: Job, dep_id: str, patience: float | None) -> None:
        request = job.request
        self._policies[job.worker].on_start(now, dep_id, request)
        outcome = self._world.start(dep_id, now, request, attempt=job.attempt, patience=patience)
        self.tally.calls += 1
        listener = self._listeners[job.worker]
        if outcome.ttft is not None and listener is not None:
            at = now + outcome.ttft
            self.push(at, listener.on_first_token, dep_id, request, outcome.ttft)
        self.push(now + outcome.latency, self._end, job, dep_id, outcome)

    def _end(self, now: float, job: Job, dep_id: str, outcome: Outcome) -> None:
        self._world.end(dep_id)
        self._policies[job.worker].on_end(now, dep_id, job.request, outcome)
        if outcome.status == "ok":
            self.tally.latencies.append(now - job.request.at)
            self.tally.cost += outcome.cost
            self.tally.answers[dep_id] += 1
            return
        self.tally.limited += outcome.status == "rate_limited"
        if job.attempt + 1 < MAX_ATTEMPTS and now - job.request.at < DEADLINE_SECONDS:
            tried = (*job.tried, dep_id)
            self.push(now, self.go, Job(job.request, job.worker, tried, job.attempt + 1))


def _policies(
    scenario: Scenario, factory: Factory, seed: int, workers: int, world: World
) -> list[Policy]:
    wants = inspect.signature(factory).parameters
    if "world" in wants:
        return [factory(scenario.deployments, seed, world=world)]
    if "place" not in wants:
        return [factory(scenario.deployments, seed + 1000 * worker) for worker in range(workers)]
    # Time begins at 0 in every run: what a run keeps in Redis must be its own.
    run = f"{scenario.name}:{seed}:{secrets.token_hex(4)}"
    return [
        factory(scenario.deployments, seed + 1000 * worker, place=Place(worker, workers, run))
        for worker in range(workers)
    ]


def _result(scenario: Scenario, name: str, count: int, tally: Tally) -> Result:
    latencies = tally.latencies
    done = len(latencies)
    answered = max(done, 1)
    return Result(
        policy=name,
        scenario=scenario.name,
        requests=count,
        success=done / count,
        in_slo=sum(latency <= SLO_SECONDS for latency in latencies) / count,
        p50=percentile(latencies, 0.5),
        p99=percentile(latencies, 0.99),
        cost_per_1k=1000 * tally.cost / answered,
        attempts=tally.calls / count,
        limited=tally.limited / count,
        share={dep: round(number / answered, 3) for dep, number in tally.answers.items()},
    )
