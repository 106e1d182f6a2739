"""The environment that every process of a local run gets."""

import os
from collections.abc import Mapping
from pathlib import Path

from router_project.local.secrets import development_secrets
from router_project.processes import DEFAULT_PORT


def local_environment(
    folder: Path, database_url: str, redis_url: str, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables to add; what the person has set wins over what we would choose."""
    port = given.get("PORT") or DEFAULT_PORT
    chosen = development_secrets(folder) | {
        "DJANGO_SETTINGS_MODULE": "router_project.settings.development",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PORT": port,
        "PUBLIC_BASE_URL": f"http://localhost:{port}",
        "COOKIE_PREFIX": f"router_{port}",
        "STATE_DIR": str(folder),
    }
    return {
        name: given.get(name) or value
        for name, value in chosen.items()
        # A secret in a file stands for itself; both would be a fault.
        if not given.get(f"{name}_FILE")
    }


def is_given(name: str, given: Mapping[str, str] = os.environ) -> bool:
    """Say whether the person has set a variable, in itself or as a file."""
    return bool(given.get(name) or given.get(f"{name}_FILE"))
