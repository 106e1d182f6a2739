"""Finds in the table what the broker or a killed worker forgot: the row is the outbox."""

import datetime as dt
from dataclasses import dataclass

import structlog

from apps.core.clock import utc_now
from apps.core.scoping import all_tenants
from apps.jobs.enums import JobStatus, WebhookStatus
from apps.jobs.models import Job
from apps.jobs.services import announce
from apps.jobs.types import MAX_ATTEMPTS
from apps.jobs.work_queue import enqueue_delivery, enqueue_run

# A message younger than this is probably on its way.
FORGOTTEN_SECONDS = 60
MOST_AT_ONCE = 200
WORKER_LOST = "worker_lost"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were set on their way again."""

    forgotten: int
    lost: int
    webhooks: int


def sweep() -> Swept:
    """Look at everything that is overdue once."""
    with all_tenants("jobs that the broker forgot, of any tenant"):
        swept = Swept(_forgotten(), _lost(), _undelivered())
    if swept != Swept(0, 0, 0):
        log.info("jobs.swept", forgotten=swept.forgotten, lost=swept.lost, webhooks=swept.webhooks)
    return swept


def _forgotten() -> int:
    """Tell the broker again of jobs that wait longer than they should."""
    limit = utc_now() - dt.timedelta(seconds=FORGOTTEN_SECONDS)
    jobs = _overdue(status=JobStatus.QUEUED, run_after__lte=limit)
    for job in jobs:
        # From now on again, so that a long queue is not told of a job with each sweep.
        job.run_after = utc_now()
        job.save(update_fields=["run_after"])
        enqueue_run(job.tenant_id, job.id)
    return len(jobs)


def _lost() -> int:
    """Run jobs again whose worker went silent; give up when that happened too often."""
    jobs = _overdue(status=JobStatus.RUNNING, lease_expires_at__lte=utc_now())
    for job in jobs:
        job.lease_expires_at = None
        if job.attempts < MAX_ATTEMPTS:
            job.status, job.run_after = JobStatus.QUEUED, utc_now()
            job.save(update_fields=["status", "run_after", "lease_expires_at"])
            enqueue_run(job.tenant_id, job.id)
            continue
        job.status, job.finished_at = JobStatus.FAILED, utc_now()
        job.error_code = WORKER_LOST
        job.error_message = f"the worker was lost {job.attempts} times while it ran this job"
        fields = ("status", "lease_expires_at", "finished_at", "error_code", "error_message")
        job.save(update_fields=[*fields, *announce(job)])
    return len(jobs)


def _undelivered() -> int:
    jobs = _overdue(webhook_status=WebhookStatus.PENDING, webhook_after__lte=utc_now())
    for job in jobs:
        enqueue_delivery(job.tenant_id, job.id)
    return len(jobs)


def _overdue(**conditions: object) -> list[Job]:
    rows = Job.objects.filter(**conditions).select_for_update(skip_locked=True, of=("self",))
    return list(rows.order_by("created_at")[:MOST_AT_ONCE])
