"""Deployments named by one letter each, and what the balancer makes of them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from apps.routing.engine.filters import Candidate
from apps.routing.engine.load_balancer import Balancer, Ranking
from apps.routing.engine.types import Choice, Effects, Health, TraceStep
from tests.engine.records import NOW, Records, make_deployment, make_facts

BY_TIME = Choice(price_weight=0)
SEEDS = 1_000


def answered(ttft_ms: float, ms_per_token: float = 10.0, /, **fields: Any) -> Records:
    """Return the state of a deployment that has just answered, as fast as usual."""
    return {
        "ttft_ms": float(ttft_ms),
        "ms_per_token": float(ms_per_token),
        "usual_ttft_ms": float(ttft_ms),
        "usual_ms_per_token": float(ms_per_token),
        "borne": 100,
        "seen_ms": NOW,
        **fields,
    }


def rank(
    health: Health | None = None,
    names: str = "ab",
    *,
    choice: Choice = BY_TIME,
    seed: str = "seed",
    effects: Effects | None = None,
    deployments: Mapping[str, Records] | None = None,
    steps: list[TraceStep] | None = None,
    **facts: Any,
) -> Ranking:
    """Rank deployments that differ in what is named only; an answer has 500 tokens at most."""
    fields = deployments or {}
    given = [
        Candidate(make_deployment(name, **fields.get(name, {})), 500) for name in names
    ]  # fmt: skip
    facts = {"arrived_ms": NOW, **facts}
    balancer = Balancer(make_facts(**facts), health or Health(), effects or Effects(), seed)
    return balancer.rank(given, choice, steps)


def ids(ranking: Ranking) -> str:
    return "".join(item.look.candidate.deployment.id for item in ranking.ready)


def scored(
    health: Health | None = None, names: str = "ab", choice: Choice = BY_TIME, **facts: Any
) -> dict[str, Records]:
    """Return the numbers that are told of each one that is ranked."""
    steps: list[TraceStep] = []
    rank(health, names, choice=choice, steps=steps, **facts)
    return {step.subject: dict(step.numbers) for step in steps if step.code in ("scored", "priced")}


def shares(health: Health, names: str, choice: Choice = BY_TIME, **facts: Any) -> dict[str, float]:
    """Return how often each is first, over many seeds."""
    first = Counter(
        ids(rank(health, names, choice=choice, seed=f"seed-{number}", **facts))[0]
        for number in range(SEEDS)
    )
    return {name: first[name] / SEEDS for name in names}
