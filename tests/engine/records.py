"""Records, facts and health in small, for the tests of the engine; every value has a default."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.health import PROBATION_CALLS
from apps.routing.engine.request_router import decide
from apps.routing.engine.trace import told_steps
from apps.routing.engine.types import (
    Decision,
    Deployment,
    DeploymentHealth,
    Health,
    LocalTime,
    RequestFacts,
    RetryBudget,
    Snapshot,
    TraceStep,
)

NOW = 1_800_000_000_000

type Records = dict[str, Any]


def rule_record(id_: str = "r1", **fields: Any) -> Records:
    """Return a tenant's rule that always holds and sets nothing."""
    return {
        "id": id_,
        "name": id_,
        "scope": "tenant",
        "key": "",
        "project": "",
        "is_locked": False,
        "is_default": False,
        "active_from_ms": None,
        "active_until_ms": None,
        "condition": {},
        "action": "route",
        "targets": [],
        "strategy": "priority",
        "price_weight": 50,
        "affinity": "",
        "arms": [],
        "unit": "request",
        "reject_message": "",
        **effect_fields(),
        **fields,
    }


def effect_fields() -> Records:
    """Return what a rule sets besides its targets: nothing."""
    return {
        "prompt_template": "",
        "max_output_tokens": None,
        "cache_seconds": 0,
        "parameters": {},
        "add_tags": [],
        "regions": [],
        "data_class": "",
        "price_cap": None,
        "latency_cap_ms": None,
        "allow_unknown": False,
        "first_token_timeout_ms": None,
        "total_timeout_ms": None,
        "max_attempts": None,
        "on_content_filter": "",
        "on_unsupported": "",
    }


def model_record(**fields: Any) -> Records:
    """Return an active model with a large window."""
    return {
        "provider": "acme-ai",
        "context_window": 100_000,
        "max_output_tokens": 8_000,
        "lifecycle": "active",
        "capabilities": {"tools": "yes", "vision": "unknown", "audio": "no"},
        "traffic": "on",
        "successor": "",
        **fields,
    }


def deployment_record(id_: str = "d1", model: str = "small", **fields: Any) -> Records:
    """Return a deployment at 1 and 2 dollars per million tokens."""
    return {
        "id": id_,
        "name": id_,
        "model": model,
        "provider": "acme-ai",
        "region": "",
        "is_enabled": True,
        "data_classes": [],
        "credential": "",
        "input_price": 1_000_000,
        "output_price": 2_000_000,
        "cached_input_price": 100_000,
        "cache_write_price": 1_000_000,
        "tokens_per_minute": None,
        **fields,
    }


def platform_records(**fields: Any) -> Records:
    """Return a platform with the models small and large, one deployment each."""
    return {
        "version": 3,
        "rules": [],
        "models": {"small": model_record(), "large": model_record()},
        "deployments": [deployment_record("d1", "small"), deployment_record("d2", "large")],
        **fields,
    }


def tenant_records(**fields: Any) -> Records:
    """Return a tenant that was granted both models."""
    return {
        "version": 7,
        "rules": [],
        "aliases": {},
        "granted": ["small", "large"],
        "deployments": [],
        "prices": {},
        "prompts": {},
        **fields,
    }


def make_snapshot(platform: Mapping[str, Any] | None = None, **tenant: Any) -> Snapshot:
    """Compile the tenant's records with the platform's."""
    return compile_snapshot(platform_records(**(platform or {})), tenant_records(**tenant))


def make_facts(**fields: Any) -> RequestFacts:
    """Return the facts of a short request that names no model; lists become tuples."""
    values: Records = {
        "request_id": "req_1",
        "tenant": "acme",
        "project": "support",
        "key_id": "key-1",
        "key_tags": (),
        "door": "chat",
        "requested_model": "",
        "tags": (),
        "prompt_tokens": 1_000,
        "max_output_tokens": 500,
        "needs": (),
        "allowed_models": (),
        "now_ms": NOW,
    }
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    if given.get("local_time") is not None:
        given["local_time"] = LocalTime(*given["local_time"])
    return RequestFacts(**{**values, **given})


def make_health(
    *,
    retries: Mapping[str, Sequence[Any]] | None = None,
    credentials_down: Mapping[str, int] | None = None,
    **states: Mapping[str, Any],
) -> Health:
    """Return a health by id of the deployment, such as `d1={"in_flight": 2}`.

    One that is ejected has not answered since, unless its probation says otherwise.
    """
    return Health(
        {id_: DeploymentHealth(**{**_owed(state), **state}) for id_, state in states.items()},
        {provider: RetryBudget(*budget) for provider, budget in (retries or {}).items()},
        credentials_down or {},
    )


def _owed(state: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"probation": PROBATION_CALLS} if "ejected_until_ms" in state else {}


def make_deployment(id_: str = "d1", **fields: Any) -> Deployment:
    """Return a deployment outside any snapshot."""
    record = deployment_record(id_, **fields)
    traffic = "on" if record.pop("is_enabled") else "off"
    return Deployment(**{"traffic": traffic, **record, "data_classes": (*record["data_classes"],)})


def choose(snapshot: Snapshot, health: Health | None = None, **facts: Any) -> Decision:
    """Decide for a short request with these facts."""
    return decide(make_facts(**facts), snapshot, health or Health(), "seed")


def codes(steps: Sequence[TraceStep]) -> list[str]:
    """Return the codes of a trace in order."""
    return [step.code for step in steps]


def step_of(decision: Decision, code: str) -> TraceStep:
    """Return the only step with this code."""
    (found,) = (step for step in told_steps(decision.trace) if step.code == code)
    return found


def models_of(decision: Decision) -> list[str]:
    """Return the models of the attempts in order."""
    return [attempt.model for attempt in decision.attempts]


def ids_of(decision: Decision) -> list[str]:
    """Return the deployments of the attempts in order."""
    return [attempt.deployment_id for attempt in decision.attempts]
