"""The stack of a local run, in the order of its start: servers, tables, demo data, processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any

from router_project.local.console import Refusal, Steps, say
from router_project.local.environment import is_given, local_environment
from router_project.local.places import CHECKOUT, VAR, data_folder, server_account, socket_folder
from router_project.local.runfile import RunFile
from router_project.local.servers import (
    Site,
    create_database,
    postgres_answers,
    prepare_postgres,
    prepare_valkey,
    valkey_answers,
)
from router_project.local.supervisor import Child, Program, Supervisor
from router_project.processes import DEFAULT_PORT, command_of

SERVER_START_SECONDS = 60.0
READY_SECONDS = 90.0
COMMAND_SECONDS = 600.0
ROLES = ("web", "worker", "beat", "writer")
QUICKSTART = VAR / "quickstart.json"


def run_stack() -> None:
    """Start everything, tell the addresses, and stay until asked to end."""
    supervisor, runfile = _new_supervisor()
    supervisor.listen_to_signals()
    steps = Steps(6)
    with runfile.held():
        try:
            steps.begin("checking the port and what an earlier run has left")
            _begin(runfile)
            _refuse_busy_port()
            environment = _start_servers(supervisor, steps)
            steps.begin("bringing the tables up to date")
            _manage(supervisor, environment, "migrate", "--verbosity", "0")
            steps.begin("loading the demo data")
            _manage(supervisor, environment, "load_demo", "--output", str(QUICKSTART))
            steps.begin(f"starting {', '.join(ROLES)}")
            _start_processes(supervisor, environment)
            _tell_addresses(json.loads(QUICKSTART.read_text(encoding="utf-8")))
            supervisor.watch()
        finally:
            _end(supervisor)


def run_command(command: list[str]) -> int:
    """Run a command with the servers up: those of a running stack, or started for it alone."""
    supervisor, runfile = _new_supervisor()
    site = local_site()
    if _servers_needed() and not (postgres_answers(site) and valkey_answers(site)):
        with runfile.held():
            try:
                _begin(runfile)
                environment = _start_servers(supervisor, Steps(2))
                _manage(supervisor, environment, "migrate", "--verbosity", "0")
                return _call(command, environment)
            finally:
                _end(supervisor)
    return _call(command, _environment(site))


def local_site() -> Site:
    """Return where the servers of this checkout live."""
    account = server_account()
    return Site(data_folder(CHECKOUT, account), socket_folder("run"), account)


def _new_supervisor() -> tuple[Supervisor, RunFile]:
    VAR.mkdir(exist_ok=True)
    runfile = RunFile(VAR)
    return Supervisor(on_start=runfile.remember), runfile


def _begin(runfile: RunFile) -> None:
    left = runfile.end_leftovers()
    if left:
        say(f"      ended {left} processes of a run that was killed")
    runfile.remember(os.getpid(), "supervisor")


def _end(supervisor: Supervisor) -> None:
    if supervisor.children:
        say("stopping …")
    supervisor.stop_all()


def _servers_needed() -> bool:
    return not (is_given("DATABASE_URL") and is_given("REDIS_URL"))


def _environment(site: Site) -> dict[str, str]:
    return local_environment(VAR, site.database_url, site.redis_url)


def _start_servers(supervisor: Supervisor, steps: Steps) -> dict[str, str]:
    site = local_site()
    if is_given("DATABASE_URL"):
        steps.begin("using the PostgreSQL of DATABASE_URL")
    else:
        steps.begin(f"starting PostgreSQL (data in {_shown(site.data)}/postgres)")
        supervisor.start(prepare_postgres(site))
        supervisor.wait_until(
            lambda: postgres_answers(site), what="PostgreSQL", seconds=SERVER_START_SECONDS
        )
        create_database(site)
    if is_given("REDIS_URL"):
        steps.begin("using the Redis of REDIS_URL")
    else:
        steps.begin(f"starting Valkey (data in {_shown(site.data)}/valkey)")
        supervisor.start(prepare_valkey(site))
        supervisor.wait_until(
            lambda: valkey_answers(site), what="Valkey", seconds=SERVER_START_SECONDS
        )
    return _environment(site)


def _start_processes(supervisor: Supervisor, environment: dict[str, str]) -> None:
    for role in ROLES:
        command = command_of(role, {**os.environ, **environment})
        supervisor.start(Program(role, command, environment))
    port = environment["PORT"]
    supervisor.wait_until(
        lambda: _answers(f"http://127.0.0.1:{port}/readyz"), what="the web", seconds=READY_SECONDS
    )


def _refuse_busy_port() -> None:
    text = os.environ.get("PORT") or DEFAULT_PORT
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise Refusal(f"PORT must be a number from 1 to 65535, not {text!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except PermissionError as error:
            raise Refusal(f"Port {text} needs root: choose one above 1023.") from error
        except OSError as error:
            raise Refusal(f"Port {text} is in use: try `make run PORT={int(text) + 1}`.") from error


def _manage(supervisor: Supervisor, environment: dict[str, str], *arguments: str) -> None:
    """Run a command of Django; it ends when we are asked to end, and fails with its last lines."""
    command = [sys.executable, "manage.py", *arguments]
    child = Child(Program("manage", command, environment, is_quiet=True))
    try:
        deadline = time.monotonic() + COMMAND_SECONDS
        while child.is_alive:
            if time.monotonic() > deadline:
                raise Refusal(f"manage.py {arguments[0]} has not ended in {COMMAND_SECONDS:.0f} s.")
            supervisor.pause()
        child.finish()
    finally:
        child.kill()
    if child.process.returncode:
        raise Refusal(f"manage.py {arguments[0]} failed:\n{child.last_lines()}")


def _call(command: list[str], environment: dict[str, str]) -> int:
    # Ctrl-C is for the command; a handler, because an ignored signal would be inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    done = subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **environment}, check=False)
    return done.returncode


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        time.sleep(0.2)
        return False


def _shown(path: Path) -> str:
    return str(path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path)


def _tell_addresses(facts: dict[str, Any]) -> None:
    base = facts["base_url"]
    key = facts["api_key"]
    people = "\n".join(
        f"    {person['role']:<16} {person['email']}  {person['password']}"
        for person in facts.get("users", [])
    )
    say(
        f"""
Ready.
  Admin     {facts["admin_url"]}
{people}
  API docs  {base}/api/docs/
  API keys  {key}
            {facts["second_tenant_api_key"]} (second tenant)

  curl {base}/v1/chat/completions \\
    -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
    -d '{{"model": "auto", "messages": [{{"role": "user", "content": "Hello"}}]}}'

The same is in {_shown(QUICKSTART)}. Ctrl-C ends everything.
"""
    )
