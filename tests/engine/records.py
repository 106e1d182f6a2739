"""Records, facts and health in small, for the tests of the engine; every value has a default."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.types import (
    Deployment,
    DeploymentHealth,
    Health,
    RequestFacts,
    Snapshot,
    TraceStep,
)

NOW = 1_800_000_000_000

type Records = dict[str, Any]


def rule_record(id_: str = "r1", **fields: Any) -> Records:
    """Return a tenant's rule that always holds."""
    return {
        "id": id_,
        "name": id_,
        "scope": "tenant",
        "project": "",
        "condition": {},
        "action": "route",
        "targets": [],
        "reject_message": "",
        "prompt_template": "",
        "max_output_tokens": None,
        "cache_seconds": 0,
        **fields,
    }


def model_record(**fields: Any) -> Records:
    """Return an active model with a large window."""
    return {
        "provider": "acme-ai",
        "context_window": 100_000,
        "max_output_tokens": 8_000,
        "lifecycle": "active",
        "capabilities": {"tools": "yes", "vision": "unknown", "audio": "no"},
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
    """Return the facts of a short request that names no model."""
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
    texts = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return RequestFacts(**{**values, **texts})


def make_health(**states: Mapping[str, Any]) -> Health:
    """Return a health by id of the deployment, such as `d1={"in_flight": 2}`."""
    return Health({id_: DeploymentHealth(**state) for id_, state in states.items()})


def make_deployment(id_: str = "d1", **fields: Any) -> Deployment:
    """Return a deployment outside any snapshot."""
    return Deployment(**deployment_record(id_, **fields))


def codes(steps: Sequence[TraceStep]) -> list[str]:
    """Return the codes of a trace in order."""
    return [step.code for step in steps]
