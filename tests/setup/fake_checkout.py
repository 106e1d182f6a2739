"""A small checkout: the real supervisor and servers, and a product that answers /readyz only."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from router_project.local.places import CHECKOUT
from router_project.local.suite import clean_environment
from tests.factories.web_process import free_port

START_SECONDS = 90.0
COPIED = ("__init__.py", "processes.py", "local", "addresses.py", "settings/__init__.py")
MANAGE = """
import json, os, signal, sys, time
command = sys.argv[1]
if command == "load_demo":
    base = os.environ["PUBLIC_BASE_URL"]
    facts = {"base_url": base, "admin_url": base + "/admin/", "admin_user": "admin@example.com",
             "admin_password": "demo", "api_key": "llmr_demo", "second_tenant_api_key": "llmr_two",
             "users": [{"role": "analyst", "email": "ana@example.com", "password": "demo-ana"}]}
    with open(sys.argv[sys.argv.index("--output") + 1], "w") as file:
        json.dump(facts, file)
elif command == "migrate" and os.environ.get("FAIL_MIGRATE"):
    sys.exit("the tables are on fire")
elif command == "write_usage":
    signal.sigwait([signal.SIGTERM])
"""
ASGI = """
async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ready"})
"""
CELERY = """
import os
from celery import Celery
from router_project.addresses import broker_address
app = Celery("fake", broker=broker_address(os.environ["REDIS_URL"]))
app.conf.broker_connection_retry_on_startup = True
app.conf.beat_schedule_filename = os.path.join(os.environ["STATE_DIR"], "beat")
"""


class FakeCheckout:
    """Runs `python -m router_project.local` in a checkout of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[str]] = []
        for name in COPIED:
            source, target = CHECKOUT / "router_project" / name, folder / "router_project" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        (folder / "manage.py").write_text(MANAGE, encoding="utf-8")
        (folder / "router_project" / "asgi.py").write_text(ASGI, encoding="utf-8")
        (folder / "router_project" / "celery.py").write_text(CELERY, encoding="utf-8")

    def begin(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start a command; its output goes to a file, so that it never blocks."""
        with self.output.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "router_project.local", *arguments],
                cwd=self.folder,
                env=self._environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                process_group=0,
            )
        self.processes.append(process)
        return process

    def call(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "router_project.local", *arguments],
            cwd=self.folder,
            env=self._environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    @property
    def output(self) -> Path:
        return self.folder / "output.txt"

    def wait_for(self, pattern: str) -> str:
        """Wait until the output of the begun command holds a line; return all of it."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            text = self.output.read_text(encoding="utf-8")
            if re.search(pattern, text, re.MULTILINE):
                return text
            assert self.processes[-1].poll() is None, f"it ended:\n{text}"
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{text}"
            time.sleep(0.1)

    def close(self) -> None:
        """End everything and delete what lies outside the folder."""
        self.call("down")
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
        self.call("reset", YES="1")

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        kept = clean_environment(os.environ)
        for name in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "YES"):
            kept.pop(name, None)
        return kept | {"PORT": str(self.port), "WEB_WORKERS": "1", **variables}
