"""The engine against the fleet simulator's goals: prints its figures beside the best baseline.

Seeds are printed; FLEET_SEED repeats the random fleets of another run.
"""

import os
import random
from functools import partial

import pytest

from tests.load.figures import print_machine
from tests.load.routing_sim.policies.catalogue import BASELINES, ORACLES
from tests.load.routing_sim.policies.engine import Engine
from tests.load.routing_sim.policies.engine_shared import SharedEngine
from tests.load.routing_sim.random_scenarios import describe, random_scenario
from tests.load.routing_sim.scenarios import SCENARIOS
from tests.load.routing_sim.simulator import Factory
from tests.load.routing_sim.table import compare
from tests.load.routing_sim.world import Scenario

SEEDS = range(1, int(os.environ.get("FLEET_SEEDS", "3")) + 1)
FLEETS = int(os.environ.get("FLEETS", "4"))
WEIGHTS = (0, 25, 50, 75, 100)


def show(scenario: Scenario, policies: dict[str, Factory], workers: int = 1) -> None:
    print(f"\n{scenario.name}, {workers} worker(s), seeds {SEEDS[0]} to {SEEDS[-1]}")
    print("\n".join(compare(scenario, policies, seeds=SEEDS, workers=workers).lines()), flush=True)


@pytest.mark.load
def test_published_scenarios__beside_every_baseline__print_what_the_engine_does() -> None:
    print_machine()
    for scenario in SCENARIOS.values():
        show(scenario, {**BASELINES, **ORACLES, "engine": Engine})


@pytest.mark.load
def test_random_fleets__beside_every_baseline__print_what_the_engine_does() -> None:
    first = int(os.environ.get("FLEET_SEED") or random.randrange(10**6))
    print(f"FLEET_SEED={first}")
    for number in range(FLEETS):
        scenario = random_scenario(first + number)
        print("\n".join(describe(scenario)))
        show(scenario, {**BASELINES, **ORACLES, "engine": Engine})


@pytest.mark.load
def test_price_slider__from_speed_to_price__prints_what_answers_cost() -> None:
    engines: dict[str, Factory] = {
        f"engine, slider at {weight}": partial(Engine, price_weight=weight) for weight in WEIGHTS
    }
    show(SCENARIOS["mixed"], engines)


@pytest.mark.load
def test_32_workers__with_shared_buckets__print_their_429s() -> None:
    for name in ("mixed", "tight"):
        show(SCENARIOS[name], {"alone": Engine, "shared buckets": SharedEngine}, workers=32)
