"""The simulator's command line: `python -m tests.load.routing_sim --help`."""

import argparse
import importlib
import json
import random
import sys
from collections.abc import Sequence

from tests.load.routing_sim.policies.catalogue import BASELINES, POLICIES
from tests.load.routing_sim.random_scenarios import PREFIX, describe, random_scenario
from tests.load.routing_sim.scenarios import SCENARIOS
from tests.load.routing_sim.simulator import Factory
from tests.load.routing_sim.table import Table, compare
from tests.load.routing_sim.world import Scenario


def main(arguments: Sequence[str]) -> None:
    """Run what was asked for and print one table for each scenario."""
    options = _parser().parse_args(arguments)
    scenarios = [scenario_of(name) for name in options.scenario]
    first = options.fleet_seed if options.fleet_seed is not None else random.randrange(10**6)
    scenarios += [random_scenario(first + number) for number in range(options.fleets)]
    policies = {name: factory_of(name) for name in options.policy}
    if not options.alone:
        policies = BASELINES | policies
    for scenario in scenarios:
        seeds = range(1, options.seeds + 1)
        table = compare(scenario, policies, seeds=seeds, workers=options.workers)
        _print(scenario, table, options)


def scenario_of(name: str) -> Scenario:
    """Return a published scenario, or the one of `random-<seed>`."""
    if name.startswith(PREFIX):
        return random_scenario(int(name.removeprefix(PREFIX)))
    return SCENARIOS[name]


def factory_of(name: str) -> Factory:
    """Return a policy of the catalogue, or import the one of `module:factory`."""
    if name in POLICIES:
        return POLICIES[name]
    module, _, attribute = name.partition(":")
    factory: Factory = getattr(importlib.import_module(module), attribute)
    return factory


def _print(scenario: Scenario, table: Table, options: argparse.Namespace) -> None:
    if options.json:
        for item in table.objects(options.workers):
            print(json.dumps(item))
        return
    print(f"\n{scenario.name}  (workers={options.workers}, seeds={options.seeds})")
    if scenario.name.startswith(PREFIX):
        print("\n".join(f"  {line}" for line in describe(scenario)))
    print("\n".join(table.lines()), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load.routing_sim")
    parser.add_argument("--scenario", nargs="*", default=list(SCENARIOS), metavar="NAME")
    parser.add_argument(
        "--policy", nargs="*", default=list(POLICIES), metavar="NAME|MODULE:FACTORY"
    )
    parser.add_argument("--alone", action="store_true", help="no baselines beside the policies")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each, from seed 1 on")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--fleets", type=int, default=0, help="random fleets to add")
    parser.add_argument("--fleet-seed", type=int, help="of the first random fleet; drawn if absent")
    parser.add_argument("--json", action="store_true", help="one object for each row")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
