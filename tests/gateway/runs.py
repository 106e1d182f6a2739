"""Runs of the pipeline for tests of its single steps; no table and no Redis behind them."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatRequest, Message
from apps.gateway.types import Ask, Run
from apps.providers.adapters.base import Connection
from apps.routing.engine.types import Attempt, Decision, Deployment, Snapshot
from apps.routing.snapshot_store import Pinned
from tests.factories.keys import make_caller

HELLO = (Message("user", "Hello"),)


def make_deployment(name: str, **fields: Any) -> Deployment:
    """Return a deployment whose model has its name."""
    values: dict[str, Any] = {
        "id": name,
        "name": name,
        "model": name,
        "provider": "simulated",
        "region": "",
        "is_enabled": True,
        "input_price": 1_000_000,
        "output_price": 2_000_000,
        "cached_input_price": 100_000,
        "cache_write_price": 1_250_000,
    }
    return Deployment(**{**values, **fields})


def make_run(
    *names: str,
    knobs: Mapping[str, Mapping[str, Any]] | None = None,
    decision: Mapping[str, Any] | None = None,
    **ask: Any,
) -> Run:
    """Return a run that was decided: one attempt per name, in order, each on a simulation."""
    models = names or ("small",)
    chat = ChatRequest(model="auto", messages=HELLO, dialect="openai.chat", **ask.pop("chat", {}))
    values: dict[str, Any] = {"caller": make_caller(), "chat": chat, "door": "openai.chat"}
    run = Run(Ask(**{**values, **ask}), _pinned(models, knobs or {}))
    run.decision = Decision(
        outcome="route",
        attempts=tuple(_attempt(name) for name in models),
        trace=(),
        platform_version=1,
        tenant_version=1,
        **(decision or {}),
    )
    return run


def _pinned(names: tuple[str, ...], knobs: Mapping[str, Mapping[str, Any]]) -> Pinned:
    snapshot = Snapshot(
        platform_version=1,
        tenant_version=1,
        rules=(),
        aliases={},
        models={},
        deployments={name: (make_deployment(name),) for name in names},
        auto_models=names,
    )
    connections = {
        name: Connection("simulated", "", name, simulation=knobs.get(name, {}))
        for name in names
        if knobs.get(name) != {"credential": "none"}
    }
    return Pinned(snapshot, connections, {})


def _attempt(name: str) -> Attempt:
    return Attempt(
        deployment_id=name,
        deployment=name,
        model=name,
        provider="simulated",
        worst_case_cost=100,
        max_output_tokens=50,
    )
