"""`make bench`: how long the engine takes to decide, whole and in parts.

50 rules of four clauses, of which the last one matches, 20 deployments of four models that all
compete, trace and counterfactual included. The goal on a quiet machine: p50 150 us, p99 500 us.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.explain import explain
from apps.routing.engine.filters import Candidate, keep_candidates, limits_of
from apps.routing.engine.load_balancer import Balancer
from apps.routing.engine.request_router import decide
from apps.routing.engine.rules import first_match, match_after
from apps.routing.engine.trace import pack_trace
from apps.routing.engine.types import DeploymentHealth, Effects, Health, RequestFacts, Snapshot
from tests.engine.records import (
    NOW,
    deployment_record,
    make_facts,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)
from tests.load.figures import calibration_ms, percentile, print_machine, print_rows

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CALLS = int(os.environ.get("BENCH_CALLS", "4000"))
RULES = 50
MODELS = ("m0", "m1", "m2", "m3")
DEPLOYMENTS = 20
REQUESTS = 64
# Clauses that hold for every request of the benchmark.
HOLDING: tuple[tuple[str, str, Any], ...] = (
    ("tag", "has", ["internal", "vip"]),
    ("prompt_tokens", "at_most", 200_000),
    ("metadata.plan", "is_not", "trial"),
    ("time_of_day", "between", ["08:00", "20:00"]),
)


@pytest.mark.load
def test_decide__fifty_rules_and_twenty_deployments__prints_its_times() -> None:
    print_machine()
    snapshot, health = make_site(), make_states()
    requests = [make_request(number) for number in range(REQUESTS)]
    assert all(decide(facts, snapshot, health, "s").rule_id == "r49" for facts in requests)
    rows: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        rows.setdefault("calibration loop (ms)", []).append(calibration_ms())
        for name, call in parts(snapshot, health, requests[0]).items():
            times = timed(call, requests)
            rows.setdefault(f"{name} p50 (us)", []).append(percentile(times, 50))
            rows.setdefault(f"{name} p99 (us)", []).append(percentile(times, 99))
    print_rows(f"decide, median of {ROUNDS}", rows)


def parts(
    snapshot: Snapshot, health: Health, first: RequestFacts
) -> dict[str, Callable[[RequestFacts], object]]:
    """Return the whole, and what it consists of."""
    matched = first_match(snapshot.rules, first, [])
    assert matched.rule is not None
    choice = matched.rule.choice
    limits = limits_of(first, Effects(), snapshot)
    group = candidates(snapshot, first)
    decision = decide(first, snapshot, health, "s")
    return {
        "decide, all": lambda facts: decide(facts, snapshot, health, facts.request_id),
        "rules with trace": lambda facts: first_match(snapshot.rules, facts, []),
        "rules after the match": lambda _facts: match_after(snapshot.rules, matched),
        "filters": lambda _facts: [keep_candidates(name, limits, snapshot, []) for name in MODELS],
        "balancer with trace": lambda facts: Balancer(
            facts, health, matched.effects, facts.request_id
        ).rank(group, choice, []),
        "packed for the log": lambda _facts: pack_trace(
            decision.trace, lambda value: len(orjson.dumps(value))
        ),
        "explained": lambda _facts: explain(decision, "pt-br"),
    }


def timed(call: Callable[[RequestFacts], object], requests: Sequence[RequestFacts]) -> list[float]:
    """Return the sorted times of many calls in microseconds."""
    times = []
    for number in range(CALLS):
        facts = requests[number % len(requests)]
        begun = time.perf_counter_ns()
        call(facts)
        times.append((time.perf_counter_ns() - begun) / 1_000)
    return sorted(times)


def candidates(snapshot: Snapshot, facts: RequestFacts) -> list[Candidate]:
    limits = limits_of(facts, Effects(), snapshot)
    return [item for name in MODELS for item in keep_candidates(name, limits, snapshot, [])]


def make_site() -> Snapshot:
    pool = [
        deployment_record(
            f"d{number}",
            MODELS[number % len(MODELS)],
            input_price=100_000 * (number + 1),
            tokens_per_minute=2_000_000,
        )
        for number in range(DEPLOYMENTS)
    ]
    rules = [make_rule(number) for number in range(RULES)]
    return compile_snapshot(
        platform_records(models={name: model_record() for name in MODELS}, deployments=pool),
        tenant_records(rules=rules, granted=list(MODELS)),
    )


def make_rule(number: int) -> dict[str, Any]:
    """Return a rule; all but the last one fail, at the first to the fourth clause in turn."""
    clauses = [{"field": f, "operator": o, "value": v} for f, o, v in HOLDING]
    if number < RULES - 1:
        failing = {"field": "user", "operator": "is", "value": [f"user-{number}", "nobody"]}
        clauses[number % len(clauses)] = failing
    return rule_record(
        f"r{number}", condition={"all": clauses}, targets=list(MODELS), strategy="adaptive"
    )


def make_request(number: int) -> RequestFacts:
    return make_facts(
        request_id=f"req_{number}",
        tags=("vip", f"team-{number % 7}"),
        prompt_tokens=500 + 100 * number,
        user=f"someone-{number}",
        metadata={"plan": "gold"},
        local_time=("2026-11-25", 600 + number, 2),
        needs=("tools",),
    )


def make_states() -> Health:
    return Health(
        {
            f"d{number}": DeploymentHealth(
                ttft_ms=300.0 + 20 * number, seen_ms=NOW, in_flight=number % 4
            )
            for number in range(DEPLOYMENTS)
        }
    )
