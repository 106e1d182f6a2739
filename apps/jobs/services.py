"""Writes that clients and people ask for: submit a job, cancel one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import IntegrityError, transaction

from apps.api_keys.types import Caller
from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.clock import utc_now
from apps.core.crypto import seal
from apps.core.errors import AccessDenied, Conflict, ContentStorageOff, InvalidRequest
from apps.core.outbound import check_destination
from apps.gateway.wire import router_chat
from apps.jobs.enums import JobStatus, WebhookStatus
from apps.jobs.models import Job
from apps.jobs.types import REQUEST_PURPOSE
from apps.jobs.work_queue import enqueue_delivery, enqueue_run

SCOPES = ("jobs", "run")
LONGEST_IDEMPOTENCY_KEY = 120
LONGEST_URL = 500


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client sent: the request, and where to tell its end."""

    body: Mapping[str, Any]
    webhook_url: str = ""
    idempotency_key: str = ""


def submit_job(*, caller: Caller, submission: Submission) -> tuple[Job, bool]:
    """Keep a request to be run later; returns the job, and whether it is a new one.

    Raises InvalidRequest, AccessDenied, ContentStorageOff, or Conflict when the idempotency key
    was used for another request.
    """
    _require_leave(caller)
    _check(submission)
    digest = _digest(submission)
    known = _find(caller, submission.idempotency_key)
    if known is None:
        try:
            with transaction.atomic():
                job = _create(caller, submission, digest)
        except IntegrityError:
            # Somebody sent the same at the same time.
            known = _find(caller, submission.idempotency_key)
            if known is None:
                raise
        else:
            enqueue_run(job.tenant_id, job.id)
            return job, True
    if known.request_digest != digest:
        message = "this idempotency key was used for another request"
        raise Conflict(message, param="Idempotency-Key")
    return known, False


def cancel_job(*, job: Job, actor: Actor, reason: str = "") -> Job:
    """Cancel a job that still waits; raises Conflict when it runs or has ended."""
    locked: Job = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if locked.status != JobStatus.QUEUED:
        message = f"only a job that waits can be cancelled: this one is {locked.status}"
        raise Conflict(message, details={"status": locked.status})
    locked.status, locked.finished_at = JobStatus.CANCELLED, utc_now()
    locked.save(update_fields=["status", "finished_at", *announce(locked)])
    record_change(
        actor=actor,
        action="jobs.cancelled",
        obj=locked,
        changes={"status": [JobStatus.QUEUED.value, JobStatus.CANCELLED.value]},
        reason=reason,
    )
    return locked


def note_reading(*, job: Job, actor: Actor) -> None:
    """Write into the trail that a person reads a job's request and result."""
    record_change(actor=actor, action="jobs.content_viewed", obj=job)


def announce(job: Job) -> tuple[str, ...]:
    """Set the webhook of a job that ends now on its way; returns the fields to save."""
    if not job.webhook_url:
        return ()
    job.webhook_status, job.webhook_after = WebhookStatus.PENDING, utc_now()
    enqueue_delivery(job.tenant_id, job.id)
    return ("webhook_status", "webhook_after")


def _require_leave(caller: Caller) -> None:
    for scope in SCOPES:
        if scope not in caller.scopes:
            raise AccessDenied(f"this API key lacks the scope {scope!r}")
    if not caller.stores_content:
        raise ContentStorageOff(
            f"the project {caller.project_slug} does not store content: an owner can switch it on"
        )


def _check(submission: Submission) -> None:
    router_chat.parse(submission.body)
    key, url = submission.idempotency_key, submission.webhook_url
    if len(key) > LONGEST_IDEMPOTENCY_KEY or not key.isprintable():
        message = f"an idempotency key has at most {LONGEST_IDEMPOTENCY_KEY} printable characters"
        raise InvalidRequest(message, param="Idempotency-Key")
    if not url:
        return
    if len(url) > LONGEST_URL:
        message = f"webhook_url has at most {LONGEST_URL} characters"
        raise InvalidRequest(message, param="webhook_url")
    check_destination(url, param="webhook_url")


def _digest(submission: Submission) -> str:
    whole = [submission.body, submission.webhook_url]
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _find(caller: Caller, idempotency_key: str) -> Job | None:
    if not idempotency_key:
        return None
    rows = Job.objects.filter(api_key_id=caller.key_id, idempotency_key=idempotency_key)
    job: Job | None = rows.first()
    return job


def _create(caller: Caller, submission: Submission, digest: str) -> Job:
    job = Job(
        tenant_id=caller.tenant_id,
        project_id=caller.project_id,
        api_key_id=caller.key_id,
        api_key_label=caller.key_name,
        idempotency_key=submission.idempotency_key,
        requested_model=submission.body.get("model") or "auto",
        request_digest=digest,
        run_after=utc_now(),
        webhook_url=submission.webhook_url,
    )
    job.request_ciphertext = seal(
        orjson.dumps(submission.body).decode(),
        purpose=REQUEST_PURPOSE,
        tenant_id=job.tenant_id,
        row_id=job.id,
    )
    job.save(force_insert=True)
    return job
