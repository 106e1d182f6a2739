"""Jobs for tests: submitted, read back, and the server that takes their webhooks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, override
from uuid import UUID

from apps.api_keys.models import ApiKey
from apps.core.scoping import all_tenants, tenant_scope
from apps.jobs.models import Job
from apps.jobs.services import Submission, submit_job
from apps.providers.models import Deployment
from tests.factories.keys import caller_of_key
from tests.factories.routing import publish

MESSAGES = [{"role": "user", "content": "What is blue?"}]


def make_job(key: ApiKey, *, webhook_url: str = "", idempotency_key: str = "", **body: Any) -> Job:
    """Submit a job with a key."""
    submission = Submission(
        {"model": "sim-small", "messages": MESSAGES, **body},
        webhook_url=webhook_url,
        idempotency_key=idempotency_key,
    )
    with tenant_scope(key.tenant_id):
        job, _is_new = submit_job(caller=caller_of_key(key), submission=submission)
    return job


def reread(job_id: UUID) -> Job:
    with all_tenants("tests"):
        job: Job = Job.objects.get(pk=job_id)
    return job


def change(job: Job, **fields: Any) -> None:
    """Write columns past the product, to let time pass."""
    with all_tenants("tests"):
        Job.objects.filter(pk=job.pk).update(**fields)


def simulate(**knobs: int) -> None:
    """Make the simulated provider slow or broken, and publish that."""
    with all_tenants("tests"):
        Deployment.objects.filter(llm_model__name__startswith="sim-").update(simulation=knobs)
    publish(None)


@dataclass(slots=True)
class Receiver:
    """What arrived at a local HTTP server, which answers with `status`."""

    url: str = ""
    status: int = 200
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a server that takes webhooks."""
    taken = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            taken.requests.append((headers, body))
            self.send_response(taken.status)
            self.send_header("content-length", "0")
            self.end_headers()

        @override
        def log_message(self, *_arguments: Any) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield taken
        finally:
            server.shutdown()
            thread.join()
