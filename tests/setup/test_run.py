"""`make run`, `make down` and `make reset`, with real servers under the real supervisor."""

import json
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.setup.fake_checkout import FakeCheckout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeCheckout]:
    made = FakeCheckout(tmp_path_factory.mktemp("checkout"))
    yield made
    made.close()


def test_run__on_a_fresh_checkout__serves_until_it_is_ended(checkout: FakeCheckout) -> None:
    process = checkout.begin("run")
    output = checkout.wait_for(r"^Ready\.$")
    started = _remembered(checkout)

    assert [line[:5] for line in output.splitlines() if line.startswith("[")] == [
        f"[{number}/6]" for number in range(1, 7)
    ]
    assert "analyst          ana@example.com  demo-ana" in output
    assert set(started) == {"supervisor", "postgres", "valkey", "web", "worker", "beat", "writer"}
    with urllib.request.urlopen(f"http://127.0.0.1:{checkout.port}/readyz", timeout=5) as answer:
        assert answer.read() == b"ready"

    second = checkout.call("run")
    assert second.returncode == 1
    assert second.stderr == "error: This checkout is already running: `make down` ends it.\n"

    done = checkout.call("down")
    assert (done.returncode, done.stdout) == (0, "stopped\n")
    assert process.wait(timeout=30) == 0
    assert [name for name, pid in started.items() if psutil.pid_exists(pid)] == []


def test_run__after_its_supervisor_was_killed__ends_what_was_left(checkout: FakeCheckout) -> None:
    first = checkout.begin("run")
    checkout.wait_for(r"^Ready\.$")
    left = _remembered(checkout)
    first.send_signal(signal.SIGKILL)
    first.wait()

    second = checkout.begin("run")
    output = checkout.wait_for(r"^Ready\.$")
    assert "of a run that was killed" in output
    now = _remembered(checkout)
    assert not set(left.values()) & set(now.values())
    # Ctrl-C reaches the supervisor only; its programs are in groups of their own.
    second.send_signal(signal.SIGINT)
    assert second.wait(timeout=30) == 0
    assert [name for name, pid in now.items() if psutil.pid_exists(pid)] == []


def test_exec__without_a_run__has_servers_for_the_one_command(checkout: FakeCheckout) -> None:
    done = checkout.call("exec", "sh", "-c", "echo $DATABASE_URL; exit 3")
    assert done.returncode == 3
    assert "postgresql://llm_router@/llm_router?host=" in done.stdout
    assert _remembered(checkout) == {}


def test_run__a_port_in_use__is_told_in_one_line(checkout: FakeCheckout) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = checkout.call("run", PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == f"error: Port {port} is in use: try `make run PORT={port + 1}`.\n"


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_run__a_port_that_is_none__is_told_in_one_line(checkout: FakeCheckout, port: str) -> None:
    done = checkout.call("run", PORT=port)
    assert done.returncode == 1
    assert done.stderr == f"error: PORT must be a number from 1 to 65535, not '{port}'.\n"


def test_run__a_failing_migration__ends_with_its_last_lines(checkout: FakeCheckout) -> None:
    done = checkout.call("run", FAIL_MIGRATE="1")
    assert done.returncode == 1
    assert done.stderr == "error: manage.py migrate failed:\n    the tables are on fire\n"
    assert _remembered(checkout) == {}


def test_down__nothing_runs__says_so(checkout: FakeCheckout) -> None:
    done = checkout.call("down")
    assert (done.returncode, done.stdout) == (0, "nothing was running\n")


def test_unknown_command__is_told_the_known_ones(checkout: FakeCheckout) -> None:
    done = checkout.call("cook")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m router_project.local run|exec|down|reset")


def test_two_checkouts__side_by_side__share_nothing(checkout: FakeCheckout, tmp_path: Path) -> None:
    other = FakeCheckout(tmp_path / "other")
    try:
        mine, theirs = _addresses(checkout), _addresses(other)
    finally:
        other.close()
    assert len(mine) == len(theirs) == 3
    assert not set(mine) & set(theirs)


def test_reset__without_agreement__deletes_nothing(checkout: FakeCheckout) -> None:
    done = checkout.call("reset")
    assert done.returncode == 1
    assert str(checkout.folder / "var") in done.stdout
    assert "nothing was deleted" in done.stdout
    assert (checkout.folder / "var" / "secrets.json").exists()


def test_reset__agreed__deletes_what_it_named(checkout: FakeCheckout) -> None:
    done = checkout.call("reset", YES="1")
    named = [Path(line.strip()) for line in done.stdout.splitlines() if line.startswith("  /")]
    assert done.returncode == 0
    assert named
    assert [folder for folder in named if folder.exists()] == []
    assert checkout.call("reset").stdout == "there is nothing to delete\n"


def _remembered(checkout: FakeCheckout) -> dict[str, int]:
    path = checkout.folder / "var" / "run.json"
    if not path.exists():
        return {}
    return {name: pid for pid, name, _ in json.loads(path.read_text(encoding="utf-8"))}


def _addresses(checkout: FakeCheckout) -> list[str]:
    """Return the data base, the Redis and the secret of a checkout."""
    ask = "echo told $DATABASE_URL $REDIS_URL $SECRET_KEY"
    lines = checkout.call("exec", "sh", "-c", ask).stdout.splitlines()
    return next(line for line in lines if line.startswith("told ")).split()[1:]
