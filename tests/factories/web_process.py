"""The product's own web process, on the data base and the Redis of the test."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 90.0
LOG = "web.log"


@contextmanager
def serving(
    folder: Path, *, workers: int = 1, server: str = "granian", log_level: str = "ERROR"
) -> Iterator[str]:
    """Serve until the block ends, and log into the folder; yields the address once it is ready."""
    port = free_port()
    choice = {"PORT": str(port), "WEB_WORKERS": str(workers), "SERVER": server}
    state = {"LOG_LEVEL": log_level, "STATE_DIR": str(folder / "state")}
    environment = {**os.environ, **choice, **state}
    command = [sys.executable, "-m", "router_project.processes", "web"]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until_ready(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(port: int) -> None:
    """Wait for a web process; raises TimeoutError."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("the web process is not ready")
