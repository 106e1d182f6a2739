"""The command line of each role."""

import subprocess
import sys

import pytest

from router_project.image import probe
from router_project.processes import ROLES, command_of


def test_web__nothing_set__serves_on_this_machine_only() -> None:
    command = command_of("web", {})
    assert command[:3] == [sys.executable, "-m", "granian"]
    assert _option(command, "--host") == "127.0.0.1"
    assert _option(command, "--port") == "8000"
    assert command[-1] == "router_project.asgi:application"


def test_web__host_port_and_workers__are_taken_from_the_environment() -> None:
    command = command_of("web", {"HOST": "0.0.0.0", "PORT": "80", "WEB_WORKERS": "4"})  # noqa: S104
    assert (_option(command, "--host"), _option(command, "--port")) == ("0.0.0.0", "80")  # noqa: S104
    assert _option(command, "--workers") == "4"


@pytest.mark.parametrize("server", ["granian", "uvicorn"])
def test_web__every_flag__is_known_to_its_server(server: str) -> None:
    command = command_of("web", {"SERVER": server})
    done = subprocess.run(
        [sys.executable, "-m", server, "--help"], capture_output=True, text=True, check=True
    )
    flags = [word for word in command if word.startswith("--")]
    assert [flag for flag in flags if flag not in done.stdout] == []


@pytest.mark.parametrize(("role", "subcommand"), [("worker", "worker"), ("beat", "beat")])
def test_celery__either_role__is_a_subcommand_of_the_application(
    role: str, subcommand: str
) -> None:
    command = command_of(role, {"LOG_LEVEL": "WARNING"})
    assert command[1:6] == ["-m", "celery", "-A", "router_project.celery", subcommand]
    assert _option(command, "--loglevel") == "WARNING"


@pytest.mark.parametrize(
    ("role", "arguments"),
    [
        ("writer", ["write_usage"]),
        ("migrate", ["migrate", "--noinput"]),
        ("check", ["check", "--deploy", "--fail-level", "WARNING"]),
    ],
)
def test_manage__a_role_of_django__is_its_command(role: str, arguments: list[str]) -> None:
    assert command_of(role, {}) == [sys.executable, "manage.py", *arguments]


@pytest.mark.parametrize("arguments", [[], ["cook"], ["web", "now"], ["manage"]])
def test_main__another_role__is_told_the_known_ones(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "router_project.processes", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"{'|'.join(ROLES)}|manage …")


def test_main__manage__passes_its_arguments_on() -> None:
    command = [sys.executable, "-m", "router_project.processes", "manage", "version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("6.1")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [("router.example.com,other", "router.example.com"), (".example.com", "example.com")],
)
def test_probe__of_a_container__asks_for_an_allowed_host(hosts: str, expected: str) -> None:
    request = probe({"ALLOWED_HOSTS": hosts, "PORT": "9000"})
    assert request.full_url == "http://127.0.0.1:9000/livez"
    assert request.get_header("Host") == expected


def _option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]
