"""The cases of `cases/*.json`: facts, records and health in, the decision that must come out."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.conditions import OPERATORS_BY_KIND, clauses_of
from apps.routing.engine.explain import SENTENCES
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Decision, Snapshot
from tests.engine.records import (
    codes,
    deployment_record,
    make_facts,
    make_health,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)

FILES = sorted((Path(__file__).parent / "cases").glob("*.json"))
CASES: list[dict[str, Any]] = [
    {**case, "file": path.stem} for path in FILES for case in json.loads(path.read_text())
]


def snapshot_of(case: dict[str, Any]) -> Snapshot:
    """Fill in what the case leaves out and compile it."""
    platform, tenant = dict(case.get("platform", {})), dict(case.get("tenant", {}))
    for records in (platform, tenant):
        records["rules"] = [_rule(rule) for rule in records.get("rules", [])]
    if "models" in platform:
        models = platform["models"].items()
        platform["models"] = {name: model_record(**fields) for name, fields in models}
    if "deployments" in platform:
        pool = platform["deployments"]
        platform["deployments"] = [_deployment(fields) for fields in pool]
    return compile_snapshot(platform_records(**platform), tenant_records(**tenant))


def outcome_of(decision: Decision, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what the case looks at."""
    found = {
        "models": [attempt.model for attempt in decision.attempts],
        "deployments": [attempt.deployment_id for attempt in decision.attempts],
        "rule": decision.rule_id,
        "codes": codes(decision.trace),
        "usable_models": list(decision.usable_models),
    }
    return {name: found.get(name, getattr(decision, name, None)) for name in wanted}


def _rule(fields: dict[str, Any]) -> dict[str, Any]:
    values = dict(fields)
    return rule_record(values.pop("id"), **values)


def _deployment(fields: dict[str, Any]) -> dict[str, Any]:
    values = dict(fields)
    return deployment_record(values.pop("id"), values.pop("model"), **values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']}: {case['name']}")
def test_case__decided__comes_out_as_written(case: dict[str, Any]) -> None:
    facts, health = make_facts(**case.get("facts", {})), make_health(**case.get("health", {}))
    decision = decide(facts, snapshot_of(case), health, "seed")
    assert outcome_of(decision, case["expected"]) == case["expected"]


def test_cases__together__use_every_operator_and_every_reason() -> None:
    used = {
        clause.operator
        for case in CASES
        for rule in snapshot_of(case).rules
        for clause in clauses_of(rule.condition)
    }
    assert used == {name for table in OPERATORS_BY_KIND.values() for name in table}
    assert {code for case in CASES for code in case["expected"]["codes"]} == set(SENTENCES)


def test_cases__of_one_file__have_names_of_their_own() -> None:
    names = [(case["file"], case["name"]) for case in CASES]
    assert len(names) == len(set(names))
