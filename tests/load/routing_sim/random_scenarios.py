"""Fresh fleets, traffic and incidents, drawn from a printed seed: nothing can be tuned to them."""

import math
import random
from collections.abc import Callable, Iterator

from tests.load.routing_sim.scenarios import DURATION_SECONDS, steps
from tests.load.routing_sim.world import Deployment, Incident, Scenario

PREFIX = "random-"
NAMES = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")
MOST_INCIDENTS = 5
# Means of the log-normal lengths that `world` draws.
MEAN_TOKENS = 600 * math.exp(0.9**2 / 2) + 200 * math.exp(0.7**2 / 2)
MEAN_OUTPUT = 200 * math.exp(0.7**2 / 2)
# The share of what the healthy fleet could bear, in tokens and in calls at once.
LIGHTEST_LOAD, HEAVIEST_LOAD = 0.3, 0.7


def random_scenario(seed: int) -> Scenario:
    """Return the scenario of a seed: 2 to 8 deployments and up to five incidents."""
    rng = random.Random(f"fleet {seed}")
    fleet = tuple(_deployment(rng, name) for name in NAMES[: rng.randint(2, len(NAMES))])
    rate = _rate(rng, fleet)
    incidents = tuple(
        incident
        for _ in range(rng.randint(1, MOST_INCIDENTS))
        for incident in rng.choice(KINDS)(rng, rng.choice(fleet).id)
    )
    return Scenario(f"{PREFIX}{seed}", fleet, DURATION_SECONDS, rate, incidents)


def describe(scenario: Scenario) -> Iterator[str]:
    """Tell a scenario in lines, so that a printed result can be understood."""
    peak = max(scenario.rate(second) for second in range(int(scenario.duration) + 1))
    yield f"{scenario.rate(0):.1f} requests/s, at most {peak:.1f}"
    for dep in scenario.deployments:
        yield (
            f"{dep.id}: ${dep.price_in:.2f} / ${dep.price_out:.2f}, {dep.tpm} tokens/min, "
            f"first token {dep.ttft:.2f} s, {dep.tps:.0f} tokens/s, knee {dep.knee}"
        )
    for incident in scenario.incidents:
        factors = {
            name: round(value, 2)
            for name, value, usual in (
                ("slow", incident.slow, 1.0),
                ("error", incident.error, 0.0),
                ("hang", incident.hang, 0.0),
                ("storm", incident.storm, 0.0),
            )
            if value != usual
        }
        yield f"{incident.start:.0f}-{incident.end:.0f} s {incident.dep}: {factors}"


def brown_out(rng: random.Random, dep: str) -> list[Incident]:
    """Everything takes a multiple of its time."""
    start, end = _span(rng)
    return [Incident(dep, start, end, slow=rng.uniform(3.0, 12.0))]


def flapping(rng: random.Random, dep: str) -> list[Incident]:
    """Down and up again, every few seconds."""
    start, end = _span(rng)
    incidents = []
    while start < end:
        down = rng.uniform(5.0, 30.0)
        incidents.append(Incident(dep, start, start + down, error=1.0))
        start += down + rng.uniform(5.0, 30.0)
    return incidents


def hang(rng: random.Random, dep: str) -> list[Incident]:
    """Some calls never answer."""
    start, end = _span(rng)
    return [Incident(dep, start, end, hang=rng.uniform(0.2, 0.9))]


def down(rng: random.Random, dep: str) -> list[Incident]:
    """Every call fails."""
    start, end = _span(rng)
    return [Incident(dep, start, end, error=1.0)]


def error_rate(rng: random.Random, dep: str) -> list[Incident]:
    """Some calls fail."""
    start, end = _span(rng)
    return [Incident(dep, start, end, error=rng.uniform(0.05, 0.6))]


def rate_storm(rng: random.Random, dep: str) -> list[Incident]:
    """Others of the same account eat most of the tokens per minute: 429s that nobody foresees."""
    start, end = _span(rng)
    return [Incident(dep, start, end, storm=rng.uniform(0.5, 0.95))]


KINDS = (brown_out, flapping, hang, down, error_rate, rate_storm)


def _span(rng: random.Random) -> tuple[float, float]:
    start = rng.uniform(60.0, DURATION_SECONDS * 0.7)
    return start, min(start + rng.uniform(30.0, 300.0), DURATION_SECONDS)


def _deployment(rng: random.Random, name: str) -> Deployment:
    price_in = round(rng.lognormvariate(math.log(1.5), 0.7), 2)
    return Deployment(
        name,
        price_in=price_in,
        price_out=round(price_in * rng.uniform(3.0, 6.0), 2),
        tpm=rng.randrange(100_000, 500_001, 10_000),
        ttft=round(rng.uniform(0.25, 1.6), 2),
        tps=round(rng.uniform(25.0, 130.0)),
        knee=rng.randint(8, 60),
    )


def _rate(rng: random.Random, fleet: tuple[Deployment, ...]) -> Callable[[float], float]:
    by_tokens = sum(dep.tpm for dep in fleet) / 60 / MEAN_TOKENS
    by_calls = sum(dep.knee / (dep.ttft + MEAN_OUTPUT / dep.tps) for dep in fleet)
    bearable = min(by_tokens, by_calls)
    before = rng.uniform(LIGHTEST_LOAD, HEAVIEST_LOAD) * bearable
    after = rng.uniform(LIGHTEST_LOAD, HEAVIEST_LOAD) * bearable
    return steps(round(before, 2), round(after, 2), at=rng.uniform(200.0, 700.0))
