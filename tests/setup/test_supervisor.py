"""The supervisor keeps programs alive, gives up with their last words, and leaves nobody behind."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from router_project.local import supervisor as supervisor_module
from router_project.local.console import Refusal
from router_project.local.supervisor import Child, Program, ProgramDied, Supervisor

PATIENCE_SECONDS = 20.0
OBEYED = 42
ENDS_ON_SIGINT = """
import os, signal, time
signal.signal(signal.SIGINT, lambda *_: os._exit(42))
print("ready", flush=True)
time.sleep(600)
"""
IGNORES_SIGTERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
HAS_GRANDCHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(supervisor_module, "RESTART_PAUSE_SECONDS", 0.05)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor()
    yield made
    made.stop_all()


def test_start__a_program__runs_in_a_group_of_its_own(supervisor: Supervisor) -> None:
    child = supervisor.start(_python("import time; time.sleep(600)"))
    assert child.is_alive
    assert psutil.Process(child.process.pid).ppid() == psutil.Process().pid
    assert _group_of(child.process.pid) == child.process.pid


def test_output__of_a_program__is_prefixed_with_its_name(
    supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    child = supervisor.start(_python("print('hello')", name="web"))
    child.process.wait()
    child.finish()
    assert "web      | hello" in capsys.readouterr().out


def test_output__of_a_quiet_program__is_kept_but_not_shown(
    supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    child = supervisor.start(Program("server", _command("print('hello')"), is_quiet=True))
    child.process.wait()
    child.finish()
    assert capsys.readouterr().out == ""
    assert child.last_lines() == "    hello"


def test_check__a_child_that_died__is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    once = tmp_path / "once"
    code = f"""
import pathlib, sys, time
once = pathlib.Path({str(once)!r})
if not once.exists():
    once.touch()
    sys.exit(3)
time.sleep(600)
"""
    child = supervisor.start(_python(code))
    first = child.process.pid
    _wait(lambda: not child.is_alive)
    supervisor.check()
    assert child.process.pid != first
    time.sleep(0.3)
    supervisor.check()
    assert child.is_alive


def test_check__a_child_that_keeps_dying__gives_up_with_its_last_lines(
    supervisor: Supervisor,
) -> None:
    child = supervisor.start(_python("print('no such table'); raise SystemExit(7)", name="web"))
    with pytest.raises(ProgramDied, match=r"web ended with status 7.*\n    no such table"):
        _check_for_a_while(supervisor)
    assert not child.is_alive


def test_check__a_server_that_died__is_never_started_again(supervisor: Supervisor) -> None:
    program = Program("postgres", _command("print('bad disk')"), may_restart=False)
    child = supervisor.start(program)
    child.process.wait()
    child.finish()
    with pytest.raises(ProgramDied, match="bad disk"):
        supervisor.check()


def test_stop_all__a_program_that_ignores_sigterm__is_killed_after_the_grace_time(
    supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    child = supervisor.start(_python(IGNORES_SIGTERM, name="stubborn"))
    _wait(lambda: "ready" in child.lines)
    begin = time.monotonic()
    supervisor.stop_all()
    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - begin >= 1.0
    assert "stubborn did not end within 1 s: killed" in capsys.readouterr().out


def test_stop_all__a_program_that_obeys__gets_its_own_stop_signal(supervisor: Supervisor) -> None:
    # Told in the handler's own status: how fast a busy machine ends a process says nothing.
    program = Program("postgres", _command(ENDS_ON_SIGINT), stop_signal=signal.SIGINT)
    child = supervisor.start(program)
    _wait(lambda: "ready" in child.lines)
    supervisor.stop_all()
    assert child.process.returncode == OBEYED


def test_stop_all__a_grandchild__is_ended_too(supervisor: Supervisor) -> None:
    child = supervisor.start(_python(HAS_GRANDCHILD))
    _wait(lambda: bool(child.lines))
    grandchild = psutil.Process(int(child.lines[0]))
    supervisor.stop_all()
    _wait(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_stop_all__servers_and_what_uses_them__ends_the_servers_last(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    order = tmp_path / "order"
    code = """
import pathlib, signal, sys, time
def end(*_):
    with open({path!r}, "a") as file:
        file.write({name!r} + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""
    servers = [("postgres", False), ("web", True), ("worker", True)]
    for name, may_restart in servers:
        program = _command(code.format(path=str(order), name=name))
        child = supervisor.start(Program(name, program, may_restart=may_restart))
        _wait(partial(_is_ready, child))
    supervisor.stop_all()
    assert order.read_text().split()[-1] == "postgres"
    assert set(order.read_text().split()) == {"postgres", "web", "worker"}


def test_wait_until__time_runs_out__tells_what_was_not_ready(supervisor: Supervisor) -> None:
    child = supervisor.start(_python("print('still thinking', flush=True); input()"))
    _wait(lambda: bool(child.lines) or not child.is_alive)
    supervisor.start(_python("import time; time.sleep(600)"))
    with pytest.raises(Refusal, match=r"the web is not ready after 0 s\."):
        supervisor.wait_until(lambda: False, what="the web", seconds=0)


def test_pause__asked_to_stop__interrupts(supervisor: Supervisor) -> None:
    previous = {number: signal.getsignal(number) for number in _listened()}
    try:
        supervisor.listen_to_signals()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            supervisor.pause()
        supervisor.watch()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _check_for_a_while(supervisor: Supervisor) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        supervisor.check()


def _is_ready(child: Child) -> bool:
    return "ready" in child.lines


def _listened() -> tuple[signal.Signals, ...]:
    return signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def _python(code: str, *, name: str = "program") -> Program:
    return Program(name, _command(code))


def _command(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _group_of(pid: int) -> int:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return int(text.rpartition(")")[2].split()[2])


def _wait(is_done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
