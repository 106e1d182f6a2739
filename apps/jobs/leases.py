"""Who holds a job: claims, leases, and the end of a run. One short transaction each."""

import datetime as dt
from typing import Any
from uuid import UUID

import orjson
import structlog

from apps.core.clock import utc_now
from apps.core.crypto import seal
from apps.core.ids import new_id
from apps.core.scoping import tenant_scope
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.jobs.services import announce
from apps.jobs.types import LEASE_SECONDS, RESULT_PURPOSE, Failure, HeldJob
from apps.jobs.work_queue import enqueue_run

log = structlog.get_logger(__name__)


def claim(tenant_id: UUID, job_id: UUID) -> HeldJob | None:
    """Take a job that is due; None when it is not, or another worker has it."""
    with tenant_scope(tenant_id):
        due = Job.objects.filter(id=job_id, status=JobStatus.QUEUED, run_after__lte=utc_now())
        job = due.select_for_update(skip_locked=True, of=("self",)).first()
        if job is None:
            return None
        now = utc_now()
        job.status, job.attempts = JobStatus.RUNNING, job.attempts + 1
        job.lease_expires_at = _lease_from(now)
        job.started_at = job.started_at or now
        # The first attempt keeps the job's id: what a killed worker has settled is settled once.
        job.request_id = job.id if job.attempts == 1 else new_id()
        fields = ("status", "attempts", "lease_expires_at", "started_at", "request_id")
        job.save(update_fields=fields)
        return HeldJob(
            id=job.id,
            tenant_id=tenant_id,
            api_key_id=job.api_key_id,
            attempt=job.attempts,
            request_id=job.request_id,
            sealed=job.request_ciphertext,
        )


def extend(held: HeldJob) -> bool:
    """Keep the lease; False when the job went to somebody else."""
    with tenant_scope(held.tenant_id):
        kept = _held(held).update(lease_expires_at=_lease_from(utc_now()))
        return bool(kept)


def succeed(held: HeldJob, result: dict[str, Any]) -> bool:
    """Keep the result; False when the job went to somebody else meanwhile."""
    sealed = seal(
        orjson.dumps(result).decode(),
        purpose=RESULT_PURPOSE,
        tenant_id=held.tenant_id,
        row_id=held.id,
    )
    fields = {"status": JobStatus.SUCCEEDED, "result_ciphertext": sealed}
    return _end(held, {**fields, "error_code": "", "error_message": ""})


def fail(held: HeldJob, failure: Failure) -> bool:
    """Keep why the job failed; False when the job went to somebody else meanwhile."""
    told = {"error_code": failure.code, "error_message": failure.message}
    return _end(held, {"status": JobStatus.FAILED, **told})


def put_back(held: HeldJob, failure: Failure, *, seconds: int) -> bool:
    """Have the job run again later; the last error is shown until then."""
    with tenant_scope(held.tenant_id):
        kept = _held(held).update(
            status=JobStatus.QUEUED,
            run_after=utc_now() + dt.timedelta(seconds=seconds),
            lease_expires_at=None,
            error_code=failure.code,
            error_message=failure.message,
        )
        if kept:
            # One second more, so that the message never comes before its time.
            enqueue_run(held.tenant_id, held.id, seconds=seconds + 1)
        return bool(kept)


def _end(held: HeldJob, fields: dict[str, Any]) -> bool:
    with tenant_scope(held.tenant_id):
        job = _held(held).select_for_update(of=("self",)).first()
        if job is None:
            log.warning("job.lease_was_lost", job_id=str(held.id), attempt=held.attempt)
            return False
        for name, value in fields.items():
            setattr(job, name, value)
        job.lease_expires_at, job.finished_at = None, utc_now()
        job.save(update_fields=[*fields, "lease_expires_at", "finished_at", *announce(job)])
        return True


def _held(held: HeldJob) -> Any:
    return Job.objects.filter(id=held.id, status=JobStatus.RUNNING, attempts=held.attempt)


def _lease_from(now: dt.datetime) -> dt.datetime:
    return now + dt.timedelta(seconds=LEASE_SECONDS)
