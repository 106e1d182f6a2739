"""Compilation: records of platform and tenant become one snapshot."""

from typing import Any

import pytest

from apps.routing.engine.compile import compile_rule, compile_snapshot
from apps.routing.engine.compile_conditions import ConditionFault
from apps.routing.engine.hashing import pattern_id
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Arm, Choice, Effects, Health, Pattern, Snapshot, Target
from tests.engine.faults import CALENDAR_FAULT, only
from tests.engine.records import (
    NOW,
    Records,
    deployment_record,
    make_facts,
    make_snapshot,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)

# A record as the first published versions have it.
OLD_RULE: dict[str, Any] = {
    "id": "old", "name": "Old", "scope": "tenant", "project": "", "condition": {},
    "action": "route", "targets": ["small"], "reject_message": "", "prompt_template": "",
    "max_output_tokens": None, "cache_seconds": 0,
}  # fmt: skip


def ids_of_rules(snapshot: Snapshot) -> list[str]:
    return [rule.id for rule in snapshot.rules]


# --- rules ---------------------------------------------------------------------------------------


def test_rules__of_all_scopes__stand_locked_then_by_scope_then_defaults() -> None:
    mine = [
        rule_record("t-default", is_default=True),
        rule_record("t1"),
        rule_record("p1", scope="project", project="support"),
        rule_record("t2"),
        rule_record("k1", scope="key", key="key-1"),
        rule_record("p2", scope="project", project="support"),
    ]
    shared = [
        rule_record("g-default", scope="global", is_default=True),
        rule_record("g1", scope="global"),
        rule_record("g-locked", scope="global", is_locked=True),
        rule_record("g2", scope="global"),
    ]
    assert ids_of_rules(make_snapshot({"rules": shared}, rules=mine)) == [
        *("g-locked", "k1", "p1", "p2", "t1", "t2", "g1", "g2", "t-default", "g-default"),
    ]


def test_arms__of_a_rule_with_targets__leave_the_rest_to_them() -> None:
    arm = {"name": "new", "weight": 10, "targets": ["large"]}
    snapshot = make_snapshot(rules=[rule_record(arms=[arm], targets=["small"])])
    facts = [make_facts(request_id=f"req_{number}") for number in range(1_000)]
    decisions = [decide(one, snapshot, Health(), "s") for one in facts]
    new = [decision for decision in decisions if decision.arm == "new"]
    assert 60 <= len(new) <= 140
    assert {decision.attempts[0].model for decision in new} == {"large"}
    rest = [decision for decision in decisions if decision.arm == "control"]
    assert len(new) + len(rest) == 1_000
    assert {(item.attempts[0].model, item.propensity) for item in rest} == {("small", 0.9)}


@pytest.mark.parametrize(("weight", "left"), [(99, (Arm("control", 1, ()),)), (100, ())])
def test_arms__that_leave_little_or_nothing__leave_just_that(
    weight: int, left: tuple[Arm, ...]
) -> None:
    arm = {"name": "a", "weight": weight, "targets": ["large"]}
    compiled = compile_rule(rule_record(arms=[arm], targets=["small"])).choice.arms
    assert compiled == (Arm("a", weight, ("large",)), *left)


def test_arms__of_a_rule_without_targets__share_everything() -> None:
    arms = [{"name": "a", "weight": 10, "targets": ["small"]}]
    assert compile_rule(rule_record(arms=arms)).choice.arms == (Arm("a", 10, ("small",)),)


def test_locked__on_a_tenants_rule__puts_it_before_nobody() -> None:
    shared = {"rules": [rule_record("g", scope="global", is_locked=True)]}
    mine = [rule_record("k", scope="key", key="key-1"), rule_record("t", is_locked=True)]
    assert ids_of_rules(make_snapshot(shared, rules=mine)) == ["g", "k", "t"]


def test_choice__under_its_old_name__is_read_as_todays() -> None:
    old = {"all": [{"field": "needs", "operator": "has", "value": ["documents"]}]}
    rule = rule_record(condition=old, targets=["large"])
    assert decided(rule, needs=("files",)) == "r1"
    assert decided({**rule, "condition": {"all": [{**old["all"][0], "value": "documents"}]}}) == ""


def decided(rule: Records, **facts: Any) -> str:
    """Return the rule that decides, allowing models of which nothing is known."""
    snapshot = make_snapshot(rules=[{**rule, "allow_unknown": True}])
    return decide(make_facts(**facts), snapshot, Health(), "s").rule_id


def test_rule__of_an_earlier_version__keeps_the_defaults() -> None:
    rule = compile_rule(OLD_RULE)
    assert (rule.choice, rule.effects) == (Choice((Target("small"),)), Effects())
    assert (rule.key, rule.is_locked, rule.is_default, rule.is_guarded) == ("", False, False, False)
    assert (rule.active_from_ms, rule.active_until_ms) == (None, None)


def test_rule__with_every_setting__carries_them_all() -> None:
    rule = compile_rule(
        rule_record(
            "r9",
            name="All",
            targets=[{"model": "small", "weight": 3}, "large"],
            strategy="weighted",
            price_weight=80,
            affinity="prefix",
            unit="user",
            arms=[{"name": "a", "weight": 5, "targets": ["small", "large"]}],
            action="continue",
            reject_message="no",
            prompt_template="tone",
            max_output_tokens=90,
            cache_seconds=60,
            parameters={"temperature": 0.2},
            add_tags=["x", "y"],
            regions=["eu"],
            data_class="personal",
            price_cap=0,
            latency_cap_ms=900,
            allow_unknown=True,
            first_token_timeout_ms=1,
            total_timeout_ms=2,
            max_attempts=4,
            on_content_filter="next",
            on_unsupported="refuse",
        )
    )
    assert (rule.id, rule.name, rule.action, rule.reject_message) == ("r9", "All", "continue", "no")
    assert rule.choice == Choice(
        targets=(Target("small", 3), Target("large", 1)),
        strategy="weighted",
        price_weight=80,
        affinity="prefix",
        arms=(Arm("a", 5, ("small", "large")), Arm("control", 95, ())),
        unit="user",
    )
    assert rule.effects == Effects(
        prompt_template="tone",
        max_output_tokens=90,
        cache_seconds=60,
        parameters={"temperature": 0.2},
        tags=("x", "y"),
        regions=("eu",),
        data_class="personal",
        price_cap=0,
        latency_cap_ms=900,
        allow_unknown=True,
        first_token_timeout_ms=1,
        total_timeout_ms=2,
        max_attempts=4,
        on_content_filter="next",
        on_unsupported="refuse",
    )


@pytest.mark.parametrize(
    "guard",
    [{"key": "k"}, {"project": "p"}, {"active_from_ms": NOW}, {"active_until_ms": 0}],
)
def test_rule__with_a_limit_besides_its_condition__is_guarded(guard: dict[str, Any]) -> None:
    assert compile_rule(rule_record(**guard)).is_guarded
    assert not compile_rule(rule_record()).is_guarded


@pytest.mark.parametrize("missing", sorted(OLD_RULE.keys() - {
    "prompt_template", "max_output_tokens", "cache_seconds",
}))  # fmt: skip
def test_rule__without_what_every_version_has__is_refused(missing: str) -> None:
    with pytest.raises(KeyError):
        compile_rule({name: value for name, value in OLD_RULE.items() if name != missing})


def test_rules__of_different_ids__take_different_shares() -> None:
    condition = only("share_of_requests", "within_first", 50)
    first, second = (compile_rule(rule_record(id_, condition=condition)) for id_ in "ab")
    facts = [make_facts(request_id=f"r{number}") for number in range(64)]
    assert [first.test(f).holds for f in facts] != [second.test(f).holds for f in facts]


# --- what rules read -----------------------------------------------------------------------------


def test_snapshot__reads__are_the_fields_of_all_rules_at_any_depth() -> None:
    deep = {"any": [{"none": only("language", "is", "pt")["all"]}]}
    shared = [rule_record("g", scope="global", condition=only("user", "is", "x"))]
    snapshot = make_snapshot({"rules": shared}, rules=[rule_record(condition=deep)])
    assert snapshot.reads == {"language", "user"}


def test_snapshot__patterns__are_the_texts_that_rules_look_for() -> None:
    condition = {
        "all": [
            {"field": "message_text", "operator": "contains", "value": ["refund", "Invoice"]},
            {"field": "message_text", "operator": "matches", "value": r"order \d+"},
            {"field": "metadata.note", "operator": "contains", "value": "refund"},
        ]
    }
    assert make_snapshot(rules=[rule_record(condition=condition)]).patterns == {
        pattern_id("contains", "refund"): Pattern("contains", "refund"),
        pattern_id("contains", "invoice"): Pattern("contains", "Invoice"),
        pattern_id("matches", r"order \d+"): Pattern("matches", r"order \d+"),
    }


def test_calendars__of_the_tenant__win_over_the_platforms() -> None:
    rule = rule_record(condition=only("holiday", "is_in", "br"))
    shared, own = {"calendars": {"br": ["2026-01-01"]}}, {"br": ["2026-02-02"]}
    (rule_with_own,) = make_snapshot(shared, rules=[rule], calendars=own).rules
    (rule_without,) = make_snapshot(shared, rules=[rule]).rules
    facts = make_facts(local_time=("2026-02-02", 0, 0))
    assert (rule_with_own.test(facts).holds, rule_without.test(facts).holds) == (True, False)


# --- models and deployments ----------------------------------------------------------------------


def test_snapshot__versions__are_those_of_the_records() -> None:
    snapshot = make_snapshot()
    assert (snapshot.platform_version, snapshot.tenant_version) == (3, 7)


def test_model__of_its_record__is_whole() -> None:
    record = model_record(traffic="drain", successor="large", lifecycle="retired")
    model = make_snapshot({"models": {"small": record, "large": model_record()}}).models["small"]
    assert (model.name, model.provider, model.lifecycle) == ("small", "acme-ai", "retired")
    assert (model.context_window, model.max_output_tokens) == (100_000, 8_000)
    assert (model.traffic, model.successor) == ("drain", "large")


def test_model__of_an_earlier_version__is_on_without_a_successor() -> None:
    record = {k: v for k, v in model_record().items() if k not in ("traffic", "successor")}
    model = make_snapshot({"models": {"small": record, "large": record}}).models["small"]
    assert (model.traffic, model.successor) == ("on", "")


def test_deployment__of_its_record__is_whole() -> None:
    record = deployment_record(
        "d9", name="East", region="eu", data_classes=["personal"], credential="k1",
        tokens_per_minute=90, provider="other", traffic="drain",
    )  # fmt: skip
    (item,) = make_snapshot({"deployments": [record]}).deployments["small"]
    assert (item.id, item.name, item.provider, item.region) == ("d9", "East", "other", "eu")
    assert (item.data_classes, item.credential) == (("personal",), "k1")
    assert (item.tokens_per_minute, item.traffic) == (90, "drain")


def test_deployment__of_an_earlier_version__has_no_classes_and_no_credential() -> None:
    record = {
        k: v for k, v in deployment_record().items() if k not in ("data_classes", "credential")
    }
    (item,) = make_snapshot({"deployments": [record]}).deployments["small"]
    assert (item.data_classes, item.credential, item.traffic) == ((), "", "on")


@pytest.mark.parametrize(
    ("own", "of_model", "traffic"),
    [
        ({}, "on", "on"),
        ({}, "drain", "drain"),
        ({}, "off", "off"),
        ({"traffic": "drain"}, "on", "drain"),
        ({"traffic": "drain"}, "off", "off"),
        ({"traffic": "off"}, "drain", "off"),
        ({"is_enabled": False}, "on", "off"),
        # What is said by word counts before the older switch.
        ({"is_enabled": False, "traffic": "on"}, "on", "on"),
    ],
)
def test_traffic__of_deployment_and_model__is_the_least_open(
    own: dict[str, Any], of_model: str, traffic: str
) -> None:
    platform = {
        "models": {"small": model_record(traffic=of_model), "large": model_record()},
        "deployments": [deployment_record(**own)],
    }
    assert make_snapshot(platform).deployments["small"][0].traffic == traffic


def test_deployment__of_a_model_outside_the_catalogue__keeps_its_own_switch() -> None:
    snapshot = make_snapshot(deployments=[deployment_record("x", "gone")])
    assert snapshot.deployments["gone"][0].traffic == "on"


def test_snapshot__model_without_grant__has_no_deployment() -> None:
    snapshot = make_snapshot(granted=["small"])
    assert set(snapshot.deployments) == {"small"}
    assert set(snapshot.models) == {"small", "large"}


def test_snapshot__tenants_own_deployment__needs_no_grant_and_stands_first() -> None:
    own = [deployment_record("own", "small"), deployment_record("own-large", "large")]
    snapshot = make_snapshot(granted=["small"], deployments=own)
    assert [item.id for item in snapshot.deployments["small"]] == ["own", "d1"]
    assert [item.id for item in snapshot.deployments["large"]] == ["own-large"]


def test_snapshot__tenants_price__wins_over_the_platforms() -> None:
    snapshot = make_snapshot(prices={"small": {"input_price": 5, "output_price": 0}})
    (deployment,) = snapshot.deployments["small"]
    assert (deployment.input_price, deployment.output_price) == (5, 0)
    assert (deployment.cached_input_price, deployment.cache_write_price) == (100_000, 1_000_000)
    assert snapshot.deployments["large"][0].input_price == 1_000_000


def test_auto__without_alias__is_every_usable_model_cheapest_first_simulation_last() -> None:
    deployments = [
        deployment_record("a", "dear", output_price=9_000_000),
        deployment_record("b", "cheap", input_price=1),
        deployment_record("c", "sim", provider="simulated", input_price=0, output_price=0),
        deployment_record("d", "not-granted", input_price=0),
        # As dear, but it has a real deployment beside the simulated one.
        deployment_record("e", "half", provider="simulated", output_price=9_000_000),
        deployment_record("f", "half", output_price=10_000_000),
        deployment_record("g", "aside", output_price=9_000_000),
    ]
    models = {item["model"]: model_record() for item in deployments}
    platform = {"models": models, "deployments": deployments}
    snapshot = make_snapshot(platform, granted=["dear", "cheap", "sim", "half", "aside"])
    assert snapshot.auto_models == ("cheap", "aside", "dear", "half", "sim")


def test_auto__alias_of_the_tenant__replaces_the_default_pool() -> None:
    assert make_snapshot(aliases={"auto": ["large"]}).auto_models == ("large",)


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["rules", "aliases", "granted", "deployments", "prices"])
def test_snapshot__incomplete_records__are_refused(missing: str) -> None:
    tenant = tenant_records()
    del tenant[missing]
    with pytest.raises(KeyError):
        compile_snapshot(platform_records(), tenant)


@pytest.mark.parametrize("condition", [{"all": [{"field": "mood"}]}, CALENDAR_FAULT])
def test_snapshot__faulty_condition__is_refused(condition: Any) -> None:
    with pytest.raises(ConditionFault):
        make_snapshot(rules=[rule_record(condition=condition)])
