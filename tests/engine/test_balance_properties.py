"""What holds for any events, any health and any group: states stay sane, orders are whole."""

import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import reduce
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.engine.filters import Candidate
from apps.routing.engine.hashing import spread, unit_interval
from apps.routing.engine.health import MOST_RETRIES, observe, retries_left, token_level
from apps.routing.engine.load_balancer import LONGEST_MOMENT_MS, Balancer, Ranking
from apps.routing.engine.readiness import Gatekeeper, Readiness
from apps.routing.engine.types import (
    Choice,
    DeploymentHealth,
    Effects,
    Health,
    HealthEvent,
    RequestFacts,
    TraceStep,
)
from tests.engine.random_cases import DEPLOYMENTS, PROVIDERS, random_facts, random_health
from tests.engine.records import NOW, make_deployment
from tests.scale import scaled

EXAMPLES = settings(max_examples=scaled(150, 3_000))
KINDS = (
    *("started", "first_token", "ok", "error", "timeout", "rate_limited", "rejected"),
    *("credential", "cancelled", "budget"),
)
PER_MINUTE = 60_000
ROUNDING = 1e-6
TIMES = st.sampled_from([0.0, 0.4, 1.0, 90.0, 3_000.0, 10.0**7])

pytestmark = pytest.mark.slow

events = st.builds(
    HealthEvent,
    st.sampled_from(["a", "b"]),
    st.sampled_from(KINDS),
    st.sampled_from([NOW, NOW + 1, NOW + 900, NOW + 6_000, NOW + 90_000, NOW + 10**10]),
    call_id=st.sampled_from(["", "c1", "c2"]),
    provider=st.sampled_from(["", "p"]),
    credential=st.sampled_from(["", "k"]),
    is_retry=st.booleans(),
    elapsed_ms=TIMES,
    ttft_ms=TIMES,
    retry_after_ms=st.sampled_from([0, 1, 5_000]),
    output_tokens=st.sampled_from([0, 1, 400, 10**6]),
    tokens=st.sampled_from([-900.0, 0.0, 900.0]),
    tokens_per_minute=st.sampled_from([None, PER_MINUTE]),
)
numbers = st.integers(0, 2**32 - 1)


# --- health --------------------------------------------------------------------------------------


def faults_of(state: DeploymentHealth) -> list[str]:
    """Return the fields that have no sense."""
    sane = {
        "ttft_ms": 0 < state.ttft_ms < math.inf,
        "ms_per_token": 0 < state.ms_per_token < math.inf,
        "usual_ttft_ms": 0 <= state.usual_ttft_ms < math.inf,
        "usual_ms_per_token": 0 <= state.usual_ms_per_token < math.inf,
        "error_rate": 0 <= state.error_rate <= 1,
        "mean_output_tokens": 0 < state.mean_output_tokens < math.inf,
        "in_flight": state.in_flight >= 0,
        "borne": state.borne >= 0,
        "failures": state.failures >= 0,
        "ejections": 0 <= state.ejections <= 6,
        "probation": 0 <= state.probation <= 3,
        "waiting": set(state.waiting) <= {"", "c1", "c2"},
        "token_level": token_level(state, PER_MINUTE, NOW + 10**10) <= PER_MINUTE / 4,
    }
    return [name for name, is_sane in sane.items() if not is_sane]


@EXAMPLES
@given(st.lists(events, max_size=40))
def test_observe__any_events__keeps_every_number_sane(told: list[HealthEvent]) -> None:
    health = Health()
    for event in told:
        before, health = health, observe(health, event)
        assert [fault for state in health.deployments.values() for fault in faults_of(state)] == []
        assert 0 <= retries_left(health, "p", event.at_ms) <= MOST_RETRIES
        old = before.deployments.get(event.deployment_id, DeploymentHealth())
        new = health.deployments[event.deployment_id]
        assert new.retry_after_ms >= old.retry_after_ms
        # An average of equal numbers may come out a rounding below them.
        assert event.kind != "timeout" or new.ttft_ms >= old.ttft_ms - ROUNDING
        begun = event.kind == "started"
        assert new.in_flight == old.in_flight + 1 if begun else new.in_flight <= old.in_flight


@EXAMPLES
@given(st.lists(events, max_size=20))
def test_observe__the_same_events__make_the_same_health_and_change_no_old_one(
    told: list[HealthEvent],
) -> None:
    healths = [Health()]
    copies = [asdict(Health())]
    for event in told:
        healths.append(observe(healths[-1], event))
        copies.append(asdict(healths[-1]))
    assert reduce(observe, told, Health()) == healths[-1]
    assert [asdict(health) for health in healths] == copies


# --- order ---------------------------------------------------------------------------------------


class Group:
    """A random group with everything that a decision about it takes."""

    def __init__(self, number: int) -> None:
        chance = Random(number)
        self.facts: RequestFacts = random_facts(chance)
        self.health = random_health(chance)
        self.effects = Effects(
            latency_cap_ms=chance.choice((None, None, 501)),
            first_token_timeout_ms=chance.choice((None, 700)),
        )
        self.choice = Choice(
            strategy=chance.choice(("adaptive", "cheapest")),
            price_weight=chance.randint(0, 100),
            affinity=chance.choice(("", "conversation", "prefix")),
        )
        self.seed = f"{chance.randrange(999)}"
        names = chance.sample(DEPLOYMENTS, chance.randint(0, len(DEPLOYMENTS)))
        self.candidates = [_candidate(chance, name) for name in names]
        self.shuffled = chance.sample(self.candidates, len(self.candidates))

    def rank(
        self, candidates: Iterable[Candidate], steps: list[TraceStep] | None = None
    ) -> Ranking:
        balancer = Balancer(self.facts, self.health, self.effects, self.seed)
        return balancer.rank([*candidates], self.choice, steps)

    def check(self) -> Readiness:
        draw = unit_interval(spread(self.seed))
        keeper = Gatekeeper(self.facts, self.health, self.effects, draw)
        return keeper.check(self.candidates, None)


def _candidate(chance: Random, name: str) -> Candidate:
    deployment = make_deployment(
        name,
        provider=chance.choice(PROVIDERS),
        credential=chance.choice(("", "k0", "k1")),
        input_price=chance.choice((0, 400_000, 3_000_000)),
        tokens_per_minute=chance.choice((None, None, PER_MINUTE)),
    )
    return Candidate(deployment, chance.choice((1, 500)))


groups = numbers.map(Group)


@EXAMPLES
@given(groups)
def test_rank__of_any_group__has_each_ready_one_once_or_a_wait(group: Group) -> None:
    found, readiness = group.rank(group.candidates), group.check()
    ready = {look.candidate.deployment.id for look in readiness.ready}
    held = {look.candidate.deployment.id for look in readiness.held}
    assert not ready & held
    if found.ready:
        ids = [item.look.candidate.deployment.id for item in found.ready]
        assert len(ids) == len(set(ids))
        assert ready <= set(ids) <= ready | held
        assert found.wait_ms is None
        assert all(math.isfinite(item.score) and item.score >= 0 for item in found.ready)
    elif ready:
        # A better one is free in a moment.
        assert found.wait_ms is not None
        assert 0 < found.wait_ms <= LONGEST_MOMENT_MS
    else:
        assert found.wait_ms == readiness.wait_ms
    assert found.patience_ms is None or found.patience_ms > 0


@EXAMPLES
@given(groups)
def test_rank__of_the_same_group_in_any_order__is_the_same(group: Group) -> None:
    found = group.rank(group.candidates)
    assert group.rank(group.candidates, []) == found
    assert group.rank(group.shuffled) == found


@EXAMPLES
@given(groups)
def test_rank__of_any_group__tells_of_each_candidate_once_with_numbers(group: Group) -> None:
    steps: list[TraceStep] = []
    group.rank(group.candidates, steps)
    ends = [step for step in steps if step.code not in {"panic", "called_back"}]
    told = [step.subject for step in ends]
    assert sorted(told) == sorted(item.deployment.name for item in group.candidates)
    assert all(step.numbers for step in ends)


@EXAMPLES
@given(groups, st.integers(0, 99))
def test_rank__a_higher_price__brings_nobody_forward(group: Group, weight: int) -> None:
    """The dearest one never gains a place when the price counts more."""
    health = Health()
    places = []
    for price_weight in (weight, weight + 1):
        balancer = Balancer(group.facts, health, Effects(), group.seed)
        choice = Choice(price_weight=price_weight)
        pool = [replace(item, output_tokens=500) for item in group.candidates[:8]]
        ranked = balancer.rank(pool, choice, None).ready
        dearest = max((item.expected_cost for item in ranked), default=0)
        places.append([n for n, item in enumerate(ranked) if item.expected_cost == dearest])
    before, after = places
    assert all(old <= new for old, new in zip(before, after, strict=True))
