"""What a killed run has left is found and ended; what merely has its number is not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router_project.local.console import Refusal
from router_project.local.runfile import RunFile, start_of

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(SLEEP, process_group=0)
    yield process
    process.kill()
    process.wait()


def test_start_of__a_running_process__stays_the_same(sleeper: "subprocess.Popen[bytes]") -> None:
    first = start_of(sleeper.pid)
    time.sleep(0.05)
    assert first
    assert start_of(sleeper.pid) == first


def test_start_of__a_dead_process__is_empty(sleeper: "subprocess.Popen[bytes]") -> None:
    sleeper.kill()
    # Not even when nobody has asked for its status yet.
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert start_of(sleeper.pid) == ""
    sleeper.wait()
    assert start_of(sleeper.pid) == ""


def test_end_leftovers__of_a_killed_run__ends_them(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]"
) -> None:
    RunFile(tmp_path).remember(sleeper.pid, "web")
    assert RunFile(tmp_path).end_leftovers() == 1
    assert sleeper.wait(timeout=10) == -signal.SIGTERM
    assert not (tmp_path / "run.json").exists()


def test_end_leftovers__a_number_that_is_used_again__is_left_alone(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]"
) -> None:
    rows = [[sleeper.pid, "web", "long ago"]]
    (tmp_path / "run.json").write_text(json.dumps(rows), encoding="utf-8")
    assert RunFile(tmp_path).end_leftovers() == 0
    assert sleeper.poll() is None


def test_end_leftovers__nothing_was_running__says_so(tmp_path: Path) -> None:
    assert RunFile(tmp_path).end_leftovers() == 0


def test_end_run__a_supervisor_that_runs__is_asked_to_end(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]"
) -> None:
    RunFile(tmp_path).remember(sleeper.pid, "supervisor")
    assert RunFile(tmp_path).end_run()
    assert sleeper.wait(timeout=10) == -signal.SIGTERM


def test_end_run__nothing_runs__is_false(tmp_path: Path) -> None:
    assert not RunFile(tmp_path).end_run()


def test_held__by_another_run__refuses_in_one_line(tmp_path: Path) -> None:
    with (
        RunFile(tmp_path).held(),
        pytest.raises(Refusal, match=r"^This checkout is already running: `make down` ends it\.$"),
        RunFile(tmp_path).held(),
    ):
        pass


def test_held__after_it_was_left__can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with RunFile(tmp_path).held():
            pass
