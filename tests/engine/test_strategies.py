"""Strategies: groups of models, stable draws with their propensities."""

from collections import Counter
from typing import Any

import pytest

from apps.routing.engine.compile import compile_rule
from apps.routing.engine.hashing import fraction
from apps.routing.engine.strategies import Plan, draw_step, plan_for, unit_of
from apps.routing.engine.types import Choice, Rule, TraceStep
from tests.engine.faults import only
from tests.engine.records import make_facts, rule_record

DRAWS = 4_000


def rule_of(**fields: Any) -> Rule:
    return compile_rule(rule_record("r", **fields))


def weighted(*weights: int, **fields: Any) -> Rule:
    targets = [{"model": f"m{place}", "weight": weight} for place, weight in enumerate(weights)]
    return rule_of(strategy="weighted", targets=targets, **fields)


def experiment(*weights: int, **fields: Any) -> Rule:
    arms = [
        {"name": f"arm{place}", "weight": weight, "targets": [f"m{place}"]}
        for place, weight in enumerate(weights)
    ]
    return rule_of(arms=arms, **fields)


def plan(rule: Rule | None, requested: tuple[str, ...] = (), **facts: Any) -> Plan:
    return plan_for(rule, requested, make_facts(**facts))


@pytest.mark.parametrize("rule", [None, rule_of(strategy="adaptive")])
def test_plan__without_targets__is_what_the_request_names(rule: Rule | None) -> None:
    assert plan(rule, ("a", "b")) == Plan((("a",), ("b",)))


@pytest.mark.parametrize(
    ("strategy", "groups"),
    [
        ("priority", (("a",), ("b",))),
        ("adaptive", (("a", "b"),)),
        ("cheapest", (("a", "b"),)),
    ],
)
def test_plan__of_targets__is_one_group_each_or_one_for_all(
    strategy: str, groups: tuple[tuple[str, ...], ...]
) -> None:
    assert plan(rule_of(strategy=strategy, targets=["a", "b"]), ("c",)) == Plan(groups)


@pytest.mark.parametrize("make", [weighted, experiment])
def test_draw__over_many_requests__gives_each_its_share(make: Any) -> None:
    rule = make(1, 0, 3)
    drawn = Counter(plan(rule, request_id=f"q{number}").arm for number in range(DRAWS))
    first, _none, last = ("m0", "m1", "m2") if make is weighted else ("arm0", "arm1", "arm2")
    assert set(drawn) == {first, last}
    assert abs(drawn[first] - DRAWS / 4) < DRAWS * 0.03


@pytest.mark.parametrize("make", [weighted, experiment])
def test_draw__propensity__is_the_share_of_what_was_drawn(make: Any) -> None:
    seen = {
        (found.arm[-1], found.propensity)
        for found in (plan(make(2, 5, 3), request_id=f"q{number}") for number in range(200))
    }
    assert seen == {("0", 0.2), ("1", 0.5), ("2", 0.3)}


def test_draw__within_a_share_of_the_same_rule__is_independent_of_it() -> None:
    rule = experiment(1, 1, condition=only("share_of_requests", "within_first", 20))
    requests = (make_facts(request_id=f"q{number}") for number in range(DRAWS))
    drawn = Counter(plan_for(rule, (), facts).arm for facts in requests if rule.test(facts).holds)
    assert 700 < drawn.total() < 900
    assert abs(drawn["arm0"] - drawn["arm1"]) < drawn.total() * 0.15


def test_draw__of_two_rules__is_independent() -> None:
    first = compile_rule({**rule_record("a"), "arms": [arm("x"), arm("y")]})
    second = compile_rule({**rule_record("b"), "arms": [arm("x"), arm("y")]})
    same = sum(
        plan(first, request_id=f"q{number}").arm == plan(second, request_id=f"q{number}").arm
        for number in range(DRAWS)
    )
    assert abs(same - DRAWS / 2) < DRAWS * 0.05


def arm(name: str) -> dict[str, Any]:
    return {"name": name, "weight": 1, "targets": [name]}


def test_draw__without_weights__is_the_last_for_certain() -> None:
    assert plan(weighted(0, 0)) == Plan((("m1",), ("m0",)), "m1", 1.0)


def test_weighted__what_was_not_drawn__follows_by_weight_each_once() -> None:
    rule = rule_of(
        strategy="weighted",
        targets=[
            {"model": "a", "weight": 1},
            {"model": "b", "weight": 0},
            {"model": "c", "weight": 0},
            {"model": "a", "weight": 0},
            {"model": "d", "weight": 0},
        ],
    )
    assert plan(rule).groups == (("a",), ("b",), ("c",), ("d",))
    heavy = weighted(1, 10**9, 3, 2)
    assert plan(heavy).groups == (("m1",), ("m2",), ("m3",), ("m0",))


def test_arms__targets_of_the_rule__are_the_fallbacks_each_once() -> None:
    rule = rule_of(
        arms=[{"name": "only", "weight": 100, "targets": ["a", "b"]}], targets=["b", "c"],
        strategy="adaptive",
    )  # fmt: skip
    assert plan(rule) == Plan((("a",), ("b",), ("c",)), "only", 1.0)


def test_arms__that_leave_some_of_the_traffic__leave_it_to_the_targets_of_the_rule() -> None:
    rule = rule_of(arms=[{"name": "new", "weight": 20, "targets": ["a"]}], targets=["b", "c"])
    found = Counter(plan(rule, request_id=f"q{number}") for number in range(DRAWS))
    control = Plan((("b",), ("c",)), "control", 0.8)
    assert set(found) == {control, Plan((("a",), ("b",), ("c",)), "new", 0.2)}
    assert abs(found[control] - 0.8 * DRAWS) < DRAWS * 0.03


@pytest.mark.parametrize(
    ("unit", "facts", "expected"),
    [
        ("request", {"conversation": "c", "user": "u"}, "req_1"),
        ("conversation", {"conversation": "c", "user": "u"}, "c"),
        ("conversation", {"user": "u"}, "u"),
        ("conversation", {}, "req_1"),
        ("user", {"conversation": "c", "user": "u"}, "u"),
        ("user", {"conversation": "c"}, "req_1"),
    ],
)
def test_unit__of_a_draw__is_the_nearest_that_the_request_names(
    unit: Any, facts: dict[str, Any], expected: str
) -> None:
    assert unit_of(Choice(unit=unit), make_facts(**facts)) == expected


def test_draw_step__of_a_plan__tells_unit_draw_and_share() -> None:
    rule = weighted(1, 2, unit="user")
    facts = make_facts(user="ana")
    found = plan_for(rule, (), facts)
    draw = 100 * fraction("draw", "r", "ana")
    percent = 33.33 if draw < 100 / 3 else 66.67
    numbers: dict[str, Any] = {"unit": "user", "draw": round(draw, 2), "percent": percent}
    assert draw_step(rule, found, facts) == TraceStep("model", "drawn", found.arm, "kept", numbers)
