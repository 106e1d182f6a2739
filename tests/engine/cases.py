"""Reads `cases/*.json`: facts, records and health in, what must come out.

A case fills in only what it is about; the rest comes from `records`. `expected` names parts of the
decision: its fields, `models` and `deployments` of the attempts, `rule`, all `codes` of the trace
in order, or `steps`: some of the trace, in order, each with the numbers that matter.
"""

import json
from pathlib import Path
from typing import Any

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.request_router import decide
from apps.routing.engine.trace import told_steps
from apps.routing.engine.types import Decision, Snapshot, TraceStep
from tests.engine.records import (
    codes,
    deployment_record,
    ids_of,
    make_facts,
    make_health,
    model_record,
    models_of,
    platform_records,
    rule_record,
    tenant_records,
)

type Case = dict[str, Any]

FILES = sorted((Path(__file__).parent / "cases").glob("*.json"))
CASES: list[Case] = [
    {**case, "file": path.stem}
    for path in FILES
    for case in json.loads(path.read_text(encoding="utf-8"))
]


def snapshot_of(case: Case) -> Snapshot:
    """Fill in what the case leaves out and compile it."""
    platform, tenant = dict(case.get("platform", {})), dict(case.get("tenant", {}))
    for records in (platform, tenant):
        records["rules"] = [rule_record(**_named(rule)) for rule in records.get("rules", [])]
        if "deployments" in records:
            pool = records["deployments"]
            records["deployments"] = [deployment_record(**_named(fields)) for fields in pool]
    if "models" in platform:
        models = platform["models"].items()
        platform["models"] = {name: model_record(**fields) for name, fields in models}
    return compile_snapshot(platform_records(**platform), tenant_records(**tenant))


def decision_of(case: Case) -> Decision:
    """Decide what the case asks."""
    facts, health = make_facts(**case.get("facts", {})), make_health(**case.get("health", {}))
    return decide(facts, snapshot_of(case), health, case.get("seed", "seed"))


def outcome_of(decision: Decision, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what the case looks at, in the words of the case."""
    found = {
        "models": models_of(decision),
        "deployments": ids_of(decision),
        "rule": decision.rule_id,
        "codes": codes(told_steps(decision.trace)),
        "steps": _steps(told_steps(decision.trace), wanted.get("steps", [])),
        "output_tokens": [attempt.max_output_tokens for attempt in decision.attempts],
        "expected_costs": [attempt.expected_cost for attempt in decision.attempts],
        "patience_ms": [attempt.first_token_timeout_ms for attempt in decision.attempts],
        "usable_models": list(decision.usable_models),
        "effects": {
            name: _plain(getattr(decision.effects, name)) for name in wanted.get("effects", {})
        },
    }
    return {name: found[name] if name in found else getattr(decision, name) for name in wanted}


def wrong_in(case: Case) -> dict[str, Any]:
    """Return the parts that do not come out as the case says, with what came out."""
    found = outcome_of(decision_of(case), case["expected"])
    return {name: value for name, value in found.items() if value != case["expected"][name]}


def codes_in(case: Case) -> set[str]:
    """Return the codes that the case expects by name."""
    expected = case["expected"]
    return {*expected.get("codes", ()), *(step["code"] for step in expected.get("steps", ()))}


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return {("id_" if name == "id" else name): value for name, value in fields.items()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _steps(trace: list[TraceStep], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the wanted steps as they were found; one that is missing is left out."""
    found, rest = [], iter(trace)
    for want in wanted:
        for step in rest:
            told = _told(step, want)
            if told == want:
                found.append(told)
                break
    return found


def _told(step: TraceStep, want: dict[str, Any]) -> dict[str, Any]:
    told = {name: getattr(step, name) for name in want if name != "numbers"}
    if "numbers" in want:
        told["numbers"] = {name: step.numbers.get(name) for name in want["numbers"]}
    return told
