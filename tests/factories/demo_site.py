"""A whole site of its own: a data base with the demo data, a web process, the usage writer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from router_project.addresses import redis_database, redis_number
from tests.factories.web_process import free_port, wait_until_ready

CHECKOUT = Path(__file__).resolve().parents[2]
# Far from the numbers that the workers of the suite use.
REDIS_OFFSET = 32


_numbers = count(1)


@dataclass(frozen=True, slots=True)
class DemoSite:
    """The running site and what its quickstart file says."""

    base_url: str
    facts: dict[str, Any]

    def person(self, role: str) -> dict[str, str]:
        people: list[dict[str, str]] = self.facts["users"]
        return next(person for person in people if person["role"] == role)


@contextmanager
def running_site(folder: Path, server: str = "granian") -> Iterator[DemoSite]:
    """Migrate, load the demo and serve, as `make run` does."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"site_{worker}_{os.getpid()}_{next(_numbers)}"
    port = free_port()
    environment = _environment(name, port, folder) | {"SERVER": server}
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name}".encode())
        try:
            output = folder / "quickstart.json"
            _manage(environment, "migrate", "--verbosity", "0")
            _manage(environment, "load_demo", "--output", str(output))
            facts = json.loads(output.read_text(encoding="utf-8"))
            with _served(environment, folder / "web.log"):
                wait_until_ready(port)
                yield DemoSite(f"http://localhost:{port}", facts)
        finally:
            owner.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _environment(name: str, port: int, folder: Path) -> dict[str, str]:
    before, _, query = settings.DATABASE_URL.partition("?")
    database = f"{before.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    number = redis_number(settings.REDIS_URL) + REDIS_OFFSET
    return {
        **os.environ,
        "DATABASE_URL": database,
        "REDIS_URL": redis_database(settings.REDIS_URL, number),
        "DJANGO_SETTINGS_MODULE": "router_project.settings.test",
        "PORT": str(port),
        "WEB_WORKERS": "2",
        "PUBLIC_BASE_URL": f"http://localhost:{port}",
        "COOKIE_PREFIX": f"browser_{port}",
        "STATE_DIR": str(folder / "state"),
        "PYTHONPATH": str(CHECKOUT),
    }


def _manage(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class _served:  # noqa: N801 - reads as the block that it is
    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log

    def __enter__(self) -> None:
        commands = (
            [sys.executable, "-m", "router_project.processes", "web"],
            [sys.executable, "manage.py", "write_usage"],
        )
        with self._log.open("wb") as log:
            self._processes = [
                subprocess.Popen(
                    command, cwd=CHECKOUT, env=self._environment, stdout=log, stderr=log
                )
                for command in commands
            ]

    def __exit__(self, *_exception: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=20)
