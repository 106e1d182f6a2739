"""What the container image needs beside its roles: static files at build time, a probe later.

`python -m router_project.image collect` and `python -m router_project.image healthy`.
"""

import base64
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from importlib import import_module
from pathlib import Path

from router_project.processes import DEFAULT_PORT

PROBE_SECONDS = 4
FIRST_PROCESS = Path("/proc/1/cmdline")
WEB_SERVERS = ("granian", "uvicorn")
# What the roles import only once they run; a package that is missing must stop the build instead.
LATE_IMPORTS = (
    *("granian", "uvicorn", "httptools", "uvloop", "celery.bin.celery"),
    *("kombu.transport.redis", "psycopg", "hiredis", "py3langid.langid"),
)


def collect() -> int:
    """Collect static files under production settings, with secrets made up for this one command."""
    for name in LATE_IMPORTS:
        import_module(name)
    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
        env={**os.environ, **_build_environment()},
        check=False,
    )
    return done.returncode


def healthy() -> int:
    """Return 0 when the container's process serves; those without a port are well when they run."""
    if not _is_web(FIRST_PROCESS.read_bytes().decode(errors="replace").split("\0")):
        return 0
    try:
        with urllib.request.urlopen(probe(os.environ), timeout=PROBE_SECONDS) as response:  # noqa: S310 - our own address
            return 0 if response.status == HTTPStatus.OK else 1
    except (urllib.error.URLError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def probe(environment: Mapping[str, str]) -> urllib.request.Request:
    """Return the request of the probe, which passes as one that came through the proxy."""
    port = environment.get("PORT") or DEFAULT_PORT
    named = environment.get("ALLOWED_HOSTS", "").split(",")[0].strip().removeprefix(".")
    headers = {"Host": named or "localhost", "X-Forwarded-Proto": "https"}
    return urllib.request.Request(f"http://127.0.0.1:{port}/livez", headers=headers)


def _is_web(command: list[str]) -> bool:
    return any(server in command for server in WEB_SERVERS)


def _build_environment() -> dict[str, str]:
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return {
        "DJANGO_SETTINGS_MODULE": "router_project.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "API_KEY_PEPPER": secrets.token_urlsafe(64),
        "CREDENTIAL_KEYS": f"build:{key}",
        "ALLOWED_HOSTS": "build.invalid",
        "PUBLIC_BASE_URL": "https://build.invalid",
        "DATABASE_URL": "postgresql://build@build.invalid/build",
        "REDIS_URL": "redis://build.invalid/0",
    }


COMMANDS = {"collect": collect, "healthy": healthy}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: python -m router_project.image {'|'.join(COMMANDS)}")
    sys.exit(COMMANDS[sys.argv[1]]())
