"""The report of a back-test is the report of the simulation, request by request."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.backtest.comparison import Ruled, replay, report
from apps.routing.backtest.facts import columns_of_facts
from apps.routing.engine.simulate import Report, simulate
from apps.routing.engine.types import Health, RequestFacts, Snapshot
from tests.engine.records import make_facts, make_snapshot, rule_record
from tests.routing.backtest.random_rules import (
    CALENDARS,
    random_facts,
    random_rule,
    random_snapshot,
)


def back_test(facts: list[RequestFacts], first: Snapshot, second: Snapshot | None) -> Report:
    columns = columns_of_facts(facts)
    after = None if second is None else replay(columns, Ruled(second, CALENDARS))
    return report(replay(columns, Ruled(first, CALENDARS)), after)


def simulation(facts: list[RequestFacts], first: Snapshot, second: Snapshot | None) -> Report:
    return simulate(
        facts,
        first,
        second,
        health_of=lambda _: Health(),
        seed_of=lambda item: item.request_id,
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**12))
def test_report__of_any_two_sites__is_that_of_the_simulation(seed: int) -> None:
    rng = Random(seed)
    rules = [random_rule(rng, f"r{number}") for number in range(6)]
    facts = [random_facts(rng, number) for number in range(40)]
    first, second = random_snapshot(rng, rules), random_snapshot(rng, rules[2:])
    found = back_test(facts, first, second)
    assert found == simulation(facts, first, second)
    assert found.requests == 40


def test_report__of_one_site__has_no_other_side() -> None:
    facts, site = [make_facts(), make_facts(requested_model="gone")], make_snapshot()
    found = back_test(facts, site, None)
    assert found == simulation(facts, site, None)
    assert (found.second, found.moved, found.cost_difference) == (None, 0, (0, 0, 0))


@pytest.mark.parametrize(
    ("provider", "field"), [("acme-ai", "provider_down"), ("acme-ai", "provider_degraded")]
)
def test_replay__of_requests_logged_in_an_outage__takes_everybody_for_well(
    provider: str, field: str
) -> None:
    clause = {"field": field, "operator": "has", "value": provider}
    site = make_snapshot(rules=[rule_record("outage", condition={"all": [clause]})])
    facts = [make_facts(providers_down=(provider,), providers_degraded=(provider,))]
    found = back_test(facts, site, None)
    assert found == simulation(facts, site, None)
    assert found.first.rules == {"": 1}
