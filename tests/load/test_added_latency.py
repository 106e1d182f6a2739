"""`make bench`: what the router adds to a call, beside the call without it, in the same run.

Prints the median of several rounds with the machine, the interpreter and a calibration loop beside.
The mock, the router (one web process) and the load client share the machine's cores.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
import uvloop

from tests.factories.web_process import free_port, wait_until_ready
from tests.load.client import request_bytes, run_load
from tests.load.figures import print_machine, print_rows
from tests.load.site import make_site

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
BUSY_CONNECTIONS = 16
SERVERS = ("granian", "uvicorn")
START_SECONDS = 60.0
BODY = json.dumps(
    {"model": "bench-model", "messages": [{"role": "user", "content": "A short question, please?"}]}
).encode()


@pytest.mark.load
@pytest.mark.django_db(transaction=True)
def test_chat_completions__beside_a_direct_call_to_the_mock__prints_what_the_router_adds() -> None:
    print_machine()
    upstream_port = free_port()
    with running([sys.executable, "-m", "tests.load.upstream", str(upstream_port)], {}):
        wait_for_port(upstream_port)
        key = make_site(f"http://127.0.0.1:{upstream_port}/v1")
        request = request_bytes("/v1/chat/completions", BODY, key)
        for server in SERVERS:
            port = free_port()
            choice = {"PORT": str(port), "WEB_WORKERS": "1", "SERVER": server}
            command = [sys.executable, "-m", "router_project.processes", "web"]
            with running(command, {**choice, "LOG_LEVEL": "WARNING"}) as process:
                wait_until_ready(port)
                measure(server, upstream_port, port, request, process)


def measure(
    server: str, direct_port: int, port: int, request: bytes, process: "subprocess.Popen[bytes]"
) -> None:
    """Print one server's figures; direct and routed rounds take turns."""
    uvloop.run(run_load(port, request, connections=4, seconds=2))
    rows: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        alone = uvloop.run(run_load(direct_port, request, connections=1, seconds=SECONDS / 2))
        routed = uvloop.run(run_load(port, request, connections=1, seconds=SECONDS / 2))
        direct_busy = uvloop.run(
            run_load(direct_port, request, connections=BUSY_CONNECTIONS, seconds=SECONDS / 2)
        )
        before = cpu_seconds(process.pid)
        busy = uvloop.run(run_load(port, request, connections=BUSY_CONNECTIONS, seconds=SECONDS))
        used = cpu_seconds(process.pid) - before
        figures = {
            "added p50, one at a time (ms)": routed.percentile(50) - alone.percentile(50),
            "added p99, one at a time (ms)": routed.percentile(99) - alone.percentile(99),
            "direct p50 (ms)": alone.percentile(50),
            "direct requests/s": direct_busy.per_second,
            "routed requests/s": busy.per_second,
            "routed requests/s per core": len(busy.latencies) / used,
            "routed p99, 16 at a time (ms)": busy.percentile(99),
            "ratio direct : routed requests/s": direct_busy.per_second / busy.per_second,
        }
        for name, value in figures.items():
            rows.setdefault(name, []).append(value)
    print_rows(f"{server}, median of {ROUNDS}", rows)


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    return sum(item.cpu_times().user + item.cpu_times().system for item in family)


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process of ours for the block."""
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")
