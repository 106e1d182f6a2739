"""The product's own web process, on the data base and the Redis of the test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(
    port: int,
    folder: Path,
    *,
    workers: int = 2,
    server: str = "granian",
    log_level: str = "ERROR",
) -> Iterator[None]:
    """Serve on a port of this machine until the block ends."""
    choice = {"PORT": str(port), "WEB_WORKERS": str(workers), "SERVER": server}
    state = {"LOG_LEVEL": log_level, "STATE_DIR": str(folder / "state")}
    environment = {**os.environ, **choice, **state}
    command = [sys.executable, "-m", "router_project.processes", "web"]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
