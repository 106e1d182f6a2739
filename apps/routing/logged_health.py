"""The health of deployments as the log keeps it, and back: a replay decides on what was known then.

One state is stored once, under an id that is a hash of it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import orjson

from apps.routing.engine.types import DeploymentHealth, Health, RetryBudget

ID_BYTES = 12
_WELL = DeploymentHealth()
_FIELDS = tuple(field.name for field in fields(DeploymentHealth))


def health_record(health: Health) -> dict[str, Any]:
    """Return a health as plain JSON; what is as in a deployment never called is left out."""
    return {
        "deployments": {id_: _state(state) for id_, state in health.deployments.items()},
        "retries": {provider: list(budget) for provider, budget in health.retries.items()},
        "credentials_down": dict(health.credentials_down),
    }


def health_from(record: Mapping[str, Any]) -> Health:
    """Return the health that a record tells; raises KeyError or TypeError for anything else."""
    return Health(
        deployments={id_: DeploymentHealth(**item) for id_, item in record["deployments"].items()},
        retries={provider: RetryBudget(*item) for provider, item in record["retries"].items()},
        credentials_down=dict(record["credentials_down"]),
    )


def health_id(record: Mapping[str, Any]) -> str:
    """Return the id of a record: the same for the same state, whatever the order of its parts."""
    body = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(body, digest_size=ID_BYTES).hexdigest()


def _state(state: DeploymentHealth) -> dict[str, Any]:
    found = {}
    for name in _FIELDS:
        value = getattr(state, name)
        if value != getattr(_WELL, name):
            found[name] = dict(value) if name == "waiting" else value
    return found
