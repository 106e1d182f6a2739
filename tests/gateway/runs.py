"""Runs of the pipeline for tests of its single steps; no table and no Redis behind them."""

from collections.abc import Mapping
from typing import Any

from apps.api_keys.types import Admission
from apps.core.chat import ChatRequest, Message
from apps.gateway import fail_over
from apps.gateway.fail_over import decide_now
from apps.gateway.types import Ask, Run
from apps.gateway.wire.openai_chat.grammar import GRAMMAR
from apps.providers.adapters.base import Connection
from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.types import Attempt, Decision, Deployment
from apps.routing.snapshot_store import Pinned
from tests.engine.records import (
    deployment_record,
    make_facts,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)
from tests.factories.keys import make_caller

HELLO = (Message("user", "Hello"),)
PRICES = {"cached_input_price": 100_000, "cache_write_price": 1_250_000}


def make_deployment(name: str, **fields: Any) -> Deployment:
    """Return a deployment whose model has its name."""
    snapshot = _pinned((name,), {}, {}, {name: fields}).snapshot
    return snapshot.deployments[name][0]


def make_run(
    *names: str,
    knobs: Mapping[str, Mapping[str, Any]] | None = None,
    rule: Mapping[str, Any] | None = None,
    models: Mapping[str, Mapping[str, Any]] | None = None,
    **ask: Any,
) -> Run:
    """Return a run that was decided and admitted: one model per name, in order, each simulated.

    `rule` are settings of the rule that sends the request to them, `models` fields of their
    records.
    """
    targets = names or ("small",)
    asked = {"dialect": "openai.chat", "grammar": GRAMMAR, **ask.pop("chat", {})}
    chat = ChatRequest(model="auto", messages=HELLO, **asked)
    values: dict[str, Any] = {"caller": make_caller(), "chat": chat, "door": "openai.chat"}
    pinned = _pinned(targets, knobs or {}, {"targets": targets, **(rule or {})}, {}, models)
    run = Run(Ask(**{**values, **ask}), pinned)
    run.facts = make_facts(
        prompt_tokens=10, max_output_tokens=chat.max_output_tokens, now_ms=run.started_ms
    )
    run.decide_on(decide_now(run))
    run.admission = Admission(run.ask.request_id, reserved=100)
    return run


def admit_everything(monkeypatch: Any) -> None:
    """Let further attempts go without asking Redis for room."""

    async def first_of(_run: Run, decision: Decision) -> Attempt:
        return decision.attempts[0]

    monkeypatch.setattr(fail_over, "reserve_further", first_of)


def _pinned(
    names: tuple[str, ...],
    knobs: Mapping[str, Mapping[str, Any]],
    rule: Mapping[str, Any],
    deployments: Mapping[str, Mapping[str, Any]],
    models: Mapping[str, Mapping[str, Any]] | None = None,
) -> Pinned:
    platform = platform_records(
        models={name: model_record(**(models or {}).get(name, {})) for name in names},
        deployments=[
            deployment_record(
                name, name, **{"provider": "simulated", **PRICES, **deployments.get(name, {})}
            )
            for name in names
        ],
    )
    tenant = tenant_records(granted=list(names), rules=[rule_record(**rule)])
    snapshot = compile_snapshot(platform, tenant)
    connections = {
        name: Connection("simulated", "", name, simulation=knobs.get(name, {}))
        for name in names
        if knobs.get(name) != {"credential": "none"}
    }
    return Pinned(snapshot, connections, {})
