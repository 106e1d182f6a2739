"""The chosen call over columns at the edges: each case says what it wants, and `decide` agrees."""

from typing import Any

import pytest

from apps.routing.engine.types import RequestFacts, Snapshot
from tests.engine.records import (
    Records,
    deployment_record,
    make_facts,
    make_snapshot,
    model_record,
    rule_record,
)
from tests.routing.backtest.agreement import check


def calls(facts: list[RequestFacts], snapshot: Snapshot) -> dict[str, int]:
    """Return how many requests go to which deployment, or end how."""
    seen = check(facts, snapshot)
    found = {name.removeprefix("call "): n for name, n in seen.items() if name.startswith("call")}
    ends = ("reject", "unknown_model", "ineligible")
    return found | {name: seen[name] for name in ends if name in seen}


def site(*deployments: Records, rules: list[Records] | None = None, **model: Any) -> Snapshot:
    models = {"small": model_record(**model), "large": model_record()}
    platform = {"models": models, "deployments": list(deployments)}
    return make_snapshot(platform, rules=rules or [])


def to(*names: str, **fields: Any) -> Records:
    targets = [{"model": name, "weight": 1} for name in names]
    return rule_record(fields.pop("id", "to"), targets=targets, **fields)


def test_window__filled_to_the_last_token__holds_the_request() -> None:
    facts = [make_facts(prompt_tokens=n, max_output_tokens=m) for n in (99, 100) for m in (0, 1)]
    facts += [make_facts(prompt_tokens=n, max_output_tokens=None) for n in (99, 100)]
    found = calls(facts, site(deployment_record(), context_window=100))
    assert found == {"d1": 3, "ineligible": 3}


def test_answer__as_long_as_the_model_gives__is_asked_for() -> None:
    facts = [make_facts(max_output_tokens=n) for n in (10, 11)]
    assert calls(facts, site(deployment_record(), max_output_tokens=10)) == {
        "d1": 1,
        "ineligible": 1,
    }


@pytest.mark.parametrize(("cap", "fits"), [(9, 3), (10, 3), (11, 2)])
def test_answer__capped_by_a_rule__need_not_be_as_long_as_asked(cap: int, fits: int) -> None:
    facts = [make_facts(max_output_tokens=n) for n in (None, 5, 4_000)]
    rule = to("small", max_output_tokens=cap)
    found = calls(facts, site(deployment_record(), rules=[rule], max_output_tokens=10))
    assert found.get("d1") == fits


def test_bucket__smaller_than_the_call__lets_it_out_while_it_is_full() -> None:
    # A quarter of a minute's tokens: 500.
    facts = [make_facts(prompt_tokens=n, max_output_tokens=250) for n in (250, 251)]
    found = calls(facts, site(deployment_record(tokens_per_minute=2_000)))
    assert found == {"d1": 2}


def test_budget__of_exactly_the_worst_case__is_enough() -> None:
    facts = [make_facts(budget_left=n) for n in (1_999, 2_000)]
    assert calls(facts, site(deployment_record())) == {"d1": 1, "ineligible": 1}


@pytest.mark.parametrize(
    ("tight", "loose"),
    [
        ({"price_cap": 1_000_000}, {"price_cap": 2_000_000}),
        ({"regions": ["eu"]}, {"regions": ["us", "eu"]}),
        ({"data_class": "secret"}, {"data_class": "public"}),
        ({}, {"allow_unknown": True}),
    ],
)
def test_policies__of_two_rules__are_not_taken_for_each_other(
    tight: Records, loose: Records
) -> None:
    sales = {"all": [{"field": "project", "operator": "is", "value": "sales"}]}
    rules = [to("small", id="tight", condition=sales, **tight), to("small", **loose)]
    here = deployment_record(region="us", data_classes=["public"])
    needs: dict[str, Any] = {"needs": ("vision",)} if "allow_unknown" in loose else {}
    facts = [make_facts(project=name, **needs) for name in ("sales", "support")]
    assert calls(facts, site(here, rules=rules)) == {"ineligible": 1, "d1": 1}


@pytest.mark.parametrize("strategy", ["cheapest", "adaptive"])
@pytest.mark.parametrize("price_weight", [0, 25, 50, 100])
@pytest.mark.parametrize("affinity", ["conversation", "prefix"])
def test_home__of_a_conversation__is_worth_its_cache_and_no_more(
    strategy: str, price_weight: int, affinity: str
) -> None:
    prices = (1_000_000, 1_050_000, 1_100_000, 1_500_000, 4_000_000)
    deployments = [
        deployment_record(f"d{n}", input_price=price, cached_input_price=price // 10)
        for n, price in enumerate(prices)
    ]
    rule = to("small", strategy=strategy, price_weight=price_weight, affinity=affinity)
    facts = [
        make_facts(**{affinity: f"c{n}"}, prefix_tokens=tokens, max_output_tokens=output)
        for n in range(40)
        for tokens in (0, 50, 900, 5_000)
        for output in (1, 4_000)
    ]
    found = calls([*facts, make_facts()], site(*deployments, rules=[rule]))
    assert len(found) > 1


@pytest.mark.parametrize("price_weight", [0, 25, 50])
def test_home__with_a_far_longer_answer__is_kept_for_a_full_cache_at_any_price_weight(
    price_weight: int,
) -> None:
    """The times differ eightfold here, and a cached prompt costs a tenth."""
    models = {"small": model_record(), "large": model_record(max_output_tokens=8)}
    homely = deployment_record("d1", output_price=0)
    hasty = deployment_record("d2", "large", output_price=0)
    rule = to(
        "small", "large", strategy="adaptive", price_weight=price_weight, affinity="conversation"
    )
    snapshot = make_snapshot({"models": models, "deployments": [homely, hasty]}, rules=[rule])
    facts = [
        make_facts(conversation=f"c{n}", prefix_tokens=tokens, max_output_tokens=None)
        for n in range(40)
        for tokens in (0, 1_000)
    ]
    found = calls(facts, snapshot)
    assert found["d1"] > 10
    assert found["d2"] > 40


@pytest.mark.parametrize("count", [8, 9, 10, 15])
def test_crowd__of_more_than_are_compared__is_led_by_the_better_of_two(count: int) -> None:
    crowd = [deployment_record(f"d{n}", input_price=1_000_000 + 10_000 * n) for n in range(count)]
    facts = [make_facts(request_id=f"r{n}") for n in range(400)]
    found = calls(facts, site(*crowd, rules=[to("small", price_weight=100)]))
    assert (len(found) > 4) == (count > 8)


def test_crowd__of_which_some_do_not_fit__is_counted_without_them() -> None:
    crowd = [deployment_record(f"d{n}", region="eu" if n % 2 else "us") for n in range(18)]
    facts = [make_facts(request_id=f"r{n}", allowed_regions=("eu",)[: n % 2]) for n in range(200)]
    assert calls(facts, site(*crowd))


def test_failed__in_this_request__are_asked_again_only_when_nobody_else_is_left() -> None:
    pair = [deployment_record("d1"), deployment_record("d2", "large")]
    tried = [(), ("d1",), ("d2",), ("d1", "d2")]
    facts = [make_facts(tried_deployments=ids) for ids in tried]
    assert calls(facts, site(*pair, rules=[to("small", "large")])) == {"d1": 3, "d2": 1}


def test_failed__while_another_is_there__goes_to_the_other() -> None:
    pair = [deployment_record("d1"), deployment_record("d2", "large", tokens_per_minute=400)]
    facts = [make_facts(tried_deployments=("d1",)), make_facts()]
    found = calls(facts, site(*pair, rules=[to("small", "large")]))
    assert found == {"d2": 1, "d1": 1}


@pytest.mark.parametrize("unit", ["request", "conversation", "user"])
@pytest.mark.parametrize("weights", [(1, 1), (0, 1), (0, 0), (1, 9)])
def test_draws__of_any_unit_and_weights__are_the_engines(
    unit: str, weights: tuple[int, int]
) -> None:
    targets = [
        {"model": name, "weight": weight}
        for name, weight in zip(("small", "large"), weights, strict=True)
    ]
    rule = rule_record("split", targets=targets, strategy="weighted", unit=unit)
    facts = [
        make_facts(request_id=f"r{n}", user=f"u{n % 7}"[: 2 * (n % 3)], conversation=talk)
        for n in range(60)
        for talk in ("", f"c{n % 5}")
    ]
    pair = [deployment_record("d1"), deployment_record("d2", "large")]
    found = calls(facts, site(*pair, rules=[rule]))
    assert set(found) == {"d1", "d2"} if min(weights) else set(found) == {"d2"}


def test_arms__of_an_experiment__fall_back_on_the_targets() -> None:
    arms = [
        {"name": "control", "weight": 1, "targets": ["small"]},
        {"name": "trial", "weight": 1, "targets": ["gone"]},
    ]
    pair = [deployment_record("d1"), deployment_record("d2", "large")]
    facts = [make_facts(request_id=f"r{n}") for n in range(50)]
    assert set(calls(facts, site(*pair, rules=[to("large", arms=arms)]))) == {"d1", "d2"}


def test_names__that_only_a_rule_understands__go_where_it_says() -> None:
    named = {"all": [{"field": "requested_model", "operator": "is", "value": "legacy"}]}
    rules = [to("large", condition=named), to("small")]
    pair = [deployment_record("d1"), deployment_record("d2", "large")]
    facts = [make_facts(requested_model=name) for name in ("legacy", "odd", "", "small")]
    assert calls(facts, site(*pair, rules=rules)) == {"d2": 1, "unknown_model": 1, "d1": 2}


def test_retired_models__in_one_group_with_their_successor__are_asked_once() -> None:
    rule = to("small", "large", strategy="adaptive")
    snapshot = site(
        deployment_record("d2", "large"), rules=[rule], lifecycle="retired", successor="large"
    )
    assert calls([make_facts(), make_facts(requested_model="small")], snapshot) == {"d2": 2}


def test_drained_deployments__keep_what_is_continued() -> None:
    facts = [make_facts(is_continued=True), make_facts()]
    found = calls(facts, site(deployment_record(traffic="drain")))
    assert found == {"d1": 1, "ineligible": 1}
