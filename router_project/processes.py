"""The processes of the product by role: what the image and `make run` start.

`python -m router_project.processes web` becomes that process. Beside the roles that stay, `migrate`
and `check` run once, and `manage …` passes its arguments to Django's command line.
"""

import os
import sys
from collections.abc import Mapping, Sequence

APPLICATION = "router_project.asgi:application"
CELERY = "router_project.celery"
DEFAULT_PORT = "8000"
DEFAULT_WORKERS = "2"


def command_of(role: str, environment: Mapping[str, str]) -> list[str]:
    """Return the command line of a role; raises KeyError for an unknown one."""
    return ROLES[role](environment)


def _web(environment: Mapping[str, str]) -> list[str]:
    host = environment.get("HOST", "127.0.0.1")
    port = environment.get("PORT", DEFAULT_PORT)
    workers = environment.get("WEB_WORKERS", DEFAULT_WORKERS)
    address = ["--host", host, "--port", port, "--workers", workers]
    if environment.get("SERVER", "granian") == "uvicorn":
        flags = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "--no-server-header"]
        return _python("uvicorn", *address, *flags, "--timeout-graceful-shutdown", "8", APPLICATION)
    flags = ["--interface", "asgi", "--loop", "uvloop", "--workers-kill-timeout", "8s"]
    return _python("granian", *address, *flags, "--respawn-failed-workers", APPLICATION)


def _worker(environment: Mapping[str, str]) -> list[str]:
    concurrency = environment.get("CELERY_WORKERS", "1")
    level = environment.get("LOG_LEVEL", "INFO")
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", level]
    return _python("celery", "-A", CELERY, "worker", "--concurrency", concurrency, *quiet)


def _beat(environment: Mapping[str, str]) -> list[str]:
    level = environment.get("LOG_LEVEL", "INFO")
    return _python("celery", "-A", CELERY, "beat", "--pidfile=", "--loglevel", level)


def _writer(_environment: Mapping[str, str]) -> list[str]:
    return _manage("write_usage")


def _migrate(_environment: Mapping[str, str]) -> list[str]:
    return _manage("migrate", "--noinput")


def _check(_environment: Mapping[str, str]) -> list[str]:
    return _manage("check", "--deploy", "--fail-level", "WARNING")


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


ROLES = {
    "web": _web,
    "gateway": _web,
    "worker": _worker,
    "beat": _beat,
    "writer": _writer,
    "migrate": _migrate,
    "check": _check,
}


def main(arguments: Sequence[str]) -> None:
    role, *rest = arguments or [""]
    if role == "manage" and rest:
        command = _manage(*rest)
    elif role in ROLES and not rest:
        command = command_of(role, os.environ)
    else:
        sys.exit(f"usage: python -m router_project.processes {'|'.join(ROLES)}|manage …")
    os.execv(command[0], command)  # noqa: S606 - this process becomes the role, without a shell


if __name__ == "__main__":
    main(sys.argv[1:])
