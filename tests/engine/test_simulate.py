"""Simulation: what many requests meet under one snapshot, and what a second one changes."""

from collections.abc import Iterator

import pytest

from apps.routing.engine.rules import TRACED_RULES
from apps.routing.engine.simulate import (
    CostRange,
    Place,
    Report,
    Unsure,
    compare_each,
    simulate,
    summarize,
)
from apps.routing.engine.types import Health, RequestFacts, Snapshot
from tests.engine.records import (
    Records,
    deployment_record,
    make_facts,
    make_health,
    make_snapshot,
    rule_record,
)

SMALL = Place("route", "small", "d1")
LARGE = Place("route", "large", "d2")


def run(facts: list[RequestFacts], first: Snapshot, second: Snapshot | None = None) -> Report:
    return simulate(
        facts,
        first,
        second,
        health_of=lambda _: Health(),
        seed_of=lambda item: item.request_id,
    )


def site(*rules: Records) -> Snapshot:
    dear = deployment_record("d2", "large", input_price=10_000_000, output_price=20_000_000)
    return make_snapshot({"deployments": [deployment_record(), dear]}, rules=list(rules))


def to(model: str, **condition: str) -> Records:
    clauses = [{"field": f, "operator": "is", "value": value} for f, value in condition.items()]
    targets = [{"model": model, "weight": 1}]
    return rule_record(f"to-{model}", condition={"all": clauses}, targets=targets)


def test_report__of_one_snapshot__counts_outcomes_rules_and_costs() -> None:
    facts = [make_facts(project="support"), make_facts(project="sales", requested_model="nobody")]
    found = run(facts, site(to("small", project="support")))
    assert found.requests == 2
    assert found.first.outcomes == {"route": 1, "unknown_model": 1}
    assert found.first.rules == {"to-small": 1, "": 1}
    # 1,000 tokens in at 1 USD; 0, 250 or 500 out at 2 USD.
    assert found.first.cost == CostRange(1_000, 1_500, 2_000)
    assert (found.second, found.moves, found.cost_difference) == (None, {}, CostRange())


def test_report__of_two_snapshots__tells_who_goes_where_and_what_it_costs() -> None:
    facts = [make_facts(project="support"), make_facts(project="sales")]
    found = run(facts, site(to("small")), site(to("large", project="sales"), to("small")))
    assert found.moves == {(SMALL, LARGE): 1}
    assert found.moved == 1
    assert found.cost_difference == CostRange(9_000, 13_500, 18_000)
    assert found.second is not None
    assert found.second.rules == {"to-large": 1, "to-small": 1}


def test_difference__that_shrinks_with_the_answer__is_told_from_the_least_to_the_most() -> None:
    assert CostRange(10, 20, 30).change_to(CostRange(12, 15, 20)) == CostRange(-10, -5, 2)
    assert CostRange(1, 2, 3).plus(CostRange(10, 20, 30)) == CostRange(11, 22, 33)


@pytest.mark.parametrize(
    ("second", "rejected", "unroutable"),
    [
        (site(rule_record("no", action="reject", reject_message="no")), 1, 0),
        (site(to("nobody")), 0, 1),
        (site(to("large")), 0, 0),
    ],
)
def test_report__of_requests_that_find_nobody__counts_the_new_ones(
    second: Snapshot, rejected: int, unroutable: int
) -> None:
    # The second request is unknown on both sides: that is not new.
    facts = [make_facts(), make_facts(requested_model="nobody")]
    found = run(facts[:1], site(to("small")), second)
    assert (found.newly_rejected, found.newly_unroutable) == (rejected, unroutable)
    assert run(facts[1:], site(), site()).newly_unroutable == 0
    refusing = site(rule_record("no", action="reject", reject_message="no"))
    assert run(facts[:1], refusing, site(to("nobody"))).newly_unroutable == 0


def test_clauses__on_facts_that_are_missing__are_counted_by_rule() -> None:
    facts = [make_facts(), make_facts(language="pt"), make_facts()]
    found = run(facts, site(to("large", language="pt")))
    assert found.first.unsure == {Unsure("to-large", "language", "is", "pt"): 2}


def test_clauses__of_more_rules_than_a_trace_tells__are_all_counted() -> None:
    count = 2 * TRACED_RULES + 3
    clause = {"field": "provider_down", "operator": "has", "value": "acme-ai"}
    rules = [
        rule_record(f"r{number}", condition={"all": [clause, *_language()]}, targets=["small"])
        for number in range(count)
    ]
    down = make_health(d1={"ejected_until_ms": 10**15}, d2={"ejected_until_ms": 10**15})
    found = simulate(
        [make_facts()],
        site(*rules, to("large", project="support"), *rules),
        None,
        health_of=lambda _: down,
        seed_of=lambda _: "",
    )
    assert found.first.rules == {"to-large": 1}
    assert len(found.first.unsure) == count
    # Every rule knew who was down: what is missing is the language.
    assert {item.field for item in found.first.unsure} == {"language"}
    assert set(found.first.unsure.values()) == {1}


def test_clauses__of_more_rules_than_a_trace_tells__are_counted_when_none_decides() -> None:
    rules = [rule_record(f"r{n}", condition={"all": _language()}) for n in range(TRACED_RULES + 1)]
    found = run([make_facts()], site(*rules))
    assert (found.first.rules, len(found.first.unsure)) == ({"": 1}, TRACED_RULES + 1)


def _language() -> list[Records]:
    return [{"field": "language", "operator": "is", "value": "pt"}]


def test_tags__that_an_early_rule_adds__are_seen_by_rules_beyond_the_trace() -> None:
    tagging = rule_record("tagging", action="continue", add_tags=["known"])
    tagged = {"any": [{"field": "tag", "operator": "has", "value": "known"}, *_language()]}
    never = {"all": [{"field": "project", "operator": "is", "value": "nowhere"}]}
    fillers = [rule_record(f"f{n}", condition=never) for n in range(2 * TRACED_RULES)]
    found = run([make_facts()], site(tagging, *fillers, rule_record("last", condition=tagged)))
    assert found.first.rules == {"last": 1}
    assert found.first.unsure == {}


def test_health_and_luck__of_each_request__are_asked_for_it() -> None:
    ill = make_health(d1={"ejected_until_ms": 10**15})
    pair = make_snapshot(
        {"deployments": [deployment_record("d1"), deployment_record("d9")]}, rules=[to("small")]
    )
    facts = [make_facts(request_id=f"r{number}") for number in range(40)]

    def places(health: Health, seed: str) -> set[str]:
        found = compare_each(
            facts,
            pair,
            None,
            health_of=lambda _: health,
            seed_of=lambda item: seed or item.request_id,
        )
        return {item.first.place.deployment_id for item in found}

    assert places(ill, "") == {"d9"}
    assert places(Health(), "") == {"d1", "d9"}
    assert len(places(Health(), "the same")) == 1


def test_simulation__of_a_stream__keeps_one_request_at_a_time() -> None:
    alive: list[int] = []

    def stream() -> Iterator[RequestFacts]:
        for number in range(3):
            alive.append(number)
            yield make_facts(request_id=f"r{number}")

    compared = compare_each(
        stream(), site(), site(), health_of=lambda _: Health(), seed_of=lambda _: ""
    )
    assert alive == []
    one = next(compared)
    assert (one.facts.request_id, alive) == ("r0", [0])
    assert one.second == one.first
    assert summarize(compared).requests == 2


def test_clauses__of_more_rules_than_a_trace_tells__are_counted_where_none_matches() -> None:
    rules = [
        rule_record(
            f"r{number}",
            condition={"all": [{"field": "user", "operator": "is", "value": "ana"}]},
        )
        for number in range(TRACED_RULES + 1)
    ]
    found = run([make_facts()], site(*rules))
    assert found.first.rules == {"": 1}
    assert found.first.unsure[Unsure(f"r{TRACED_RULES}", "user", "is", "ana")] == 1
