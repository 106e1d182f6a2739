"""Compilation: every fault is found with its place, records become a snapshot."""

import ast
from pathlib import Path
from typing import Any

import pytest

from apps.routing.engine import compile as compiler
from apps.routing.engine.compile import ConditionFault, compile_condition, compile_snapshot
from apps.routing.engine.types import Clause, Group
from tests.engine.records import (
    deployment_record,
    make_snapshot,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)

CLAUSE = {"field": "tag", "operator": "has", "value": "vip"}


def tokens(operator: Any, value: Any) -> dict[str, Any]:
    return {"all": [{"field": "prompt_tokens", "operator": operator, "value": value}]}


def tag(value: Any) -> dict[str, Any]:
    return {"all": [{**CLAUSE, "value": value}]}


# code, path, tree
FAULTS: list[tuple[str, str, Any]] = [
    ("group_shape", "", []),
    ("group_shape", "", ""),
    ("group_shape", "", 0),
    ("group_shape", "", None),
    ("group_shape", "", [CLAUSE]),
    ("group_shape", "", {"all": [], "any": []}),
    ("group_shape", "", {"all": CLAUSE}),
    ("group_shape", "all.0", {"all": ["x"]}),
    ("group_shape", "all.1.any.0", {"all": [CLAUSE, {"any": [None]}]}),
    ("group_kind", "", {"some": []}),
    ("group_kind", "all.0", {"all": [{"not": []}]}),
    ("too_deep", "all.0.any.0.none.0", {"all": [{"any": [{"none": [{"all": []}]}]}]}),
    ("unknown_field", "all.0.field", {"all": [{**CLAUSE, "field": "mood"}]}),
    ("unknown_operator", "all.0.operator", {"all": [{**CLAUSE, "operator": "at_most"}]}),
    ("unknown_operator", "all.0.operator", {"all": [{"field": "tag", "value": "x"}]}),
    ("unknown_operator", "all.0.operator", tokens("is", 5)),
    ("value_shape", "all.0.value", {"all": [{"field": "tag", "operator": "has"}]}),
    ("value_shape", "all.0.value", tag("")),
    ("value_shape", "all.0.value", tag(None)),
    ("value_shape", "all.0.value", tag([])),
    ("value_shape", "all.0.value", tag([None])),
    ("value_shape", "all.0.value", tag(["x", ""])),
    ("value_shape", "all.0.value", tag({"a": 1})),
    ("number_count", "all.0.value", tokens("at_most", [1])),
    ("number_count", "all.0.value", tokens("between", 1)),
    ("number_count", "all.0.value", tokens("between", [1, 2, 3])),
    ("not_a_number", "all.0.value", tokens("at_most", "many")),
    ("not_a_number", "all.0.value", tokens("at_most", True)),
    ("not_a_number", "all.0.value", tokens("between", [1, "2"])),
    ("not_a_number", "all.0.value", tokens("at_most", float("nan"))),
    ("not_a_number", "all.0.value", tokens("at_most", float("inf"))),
]


@pytest.mark.parametrize(("code", "path", "tree"), FAULTS)
def test_condition__faulty__is_refused_with_its_place(code: str, path: str, tree: Any) -> None:
    with pytest.raises(ConditionFault) as caught:
        compile_condition(tree)
    assert (caught.value.code, caught.value.path) == (code, path)


def test_faults__of_the_source__are_each_tried() -> None:
    tree = ast.parse(Path(compiler.__file__).read_text(encoding="utf-8"))
    raised = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "ConditionFault"
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised == {code for code, _path, _tree in FAULTS}


def test_condition__word_at_fault__is_told() -> None:
    with pytest.raises(ConditionFault, match="mood"):
        compile_condition({"all": [{**CLAUSE, "field": "mood"}]})


def test_condition__three_levels__is_allowed() -> None:
    compiled = compile_condition({"all": [{"any": [{"none": [CLAUSE]}]}]})
    inner = Group("none", (Clause("tag", "has", "vip"),))
    assert compiled == Group("all", (Group("any", (inner,)),))


def test_condition__lists__become_immutable() -> None:
    compiled = compile_condition(tag(["a", "b"]))
    assert compiled == Group("all", (Clause("tag", "has", ("a", "b")),))
    assert hash(compiled)


def test_snapshot__rules_of_all_scopes__stand_project_then_tenant_then_global() -> None:
    mine = [
        rule_record("t1"),
        rule_record("p1", scope="project", project="support"),
        rule_record("t2"),
        rule_record("p2", scope="project", project="support"),
    ]
    shared = [rule_record("g1", scope="global"), rule_record("g2", scope="global")]
    snapshot = make_snapshot({"rules": shared}, rules=mine)
    assert [rule.id for rule in snapshot.rules] == ["p1", "p2", "t1", "t2", "g1", "g2"]


def test_snapshot__versions__are_those_of_the_records() -> None:
    snapshot = make_snapshot()
    assert (snapshot.platform_version, snapshot.tenant_version) == (3, 7)


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
    snapshot = make_snapshot(prices={"small": {"input_price": 5, "output_price": 6}})
    (deployment,) = snapshot.deployments["small"]
    assert (deployment.input_price, deployment.output_price) == (5, 6)
    assert deployment.cached_input_price == 100_000
    assert snapshot.deployments["large"][0].input_price == 1_000_000


def test_auto__without_alias__is_every_usable_model_cheapest_first_simulation_last() -> None:
    deployments = [
        deployment_record("a", "dear", output_price=9_000_000),
        deployment_record("b", "cheap", input_price=1),
        deployment_record("c", "sim", provider="simulated", input_price=0, output_price=0),
        deployment_record("d", "not-granted", input_price=0),
    ]
    models = {item["model"]: model_record() for item in deployments}
    platform = {"models": models, "deployments": deployments}
    snapshot = make_snapshot(platform, granted=["dear", "cheap", "sim"])
    assert snapshot.auto_models == ("cheap", "dear", "sim")


def test_auto__alias_of_the_tenant__replaces_the_default_pool() -> None:
    assert make_snapshot(aliases={"auto": ["large"]}).auto_models == ("large",)


@pytest.mark.parametrize("missing", ["rules", "aliases", "granted", "deployments", "prices"])
def test_snapshot__incomplete_records__are_refused(missing: str) -> None:
    tenant = tenant_records()
    del tenant[missing]
    with pytest.raises(KeyError):
        compile_snapshot(platform_records(), tenant)


def test_snapshot__faulty_condition__is_refused() -> None:
    with pytest.raises(ConditionFault):
        make_snapshot(rules=[rule_record(condition={"all": [{"field": "mood"}]})])
