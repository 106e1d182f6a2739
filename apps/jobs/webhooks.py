"""Delivers the one webhook of a job: signed, retried with growing pauses, at most six times."""

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

import orjson
import structlog

from apps.core.clock import utc_now
from apps.core.errors import InvalidRequest
from apps.core.ids import public_id
from apps.core.outbound import OutboundFailed, post_json
from apps.core.scoping import tenant_scope
from apps.jobs.enums import WebhookStatus
from apps.jobs.models import Job
from apps.jobs.types import ID_PREFIX
from apps.jobs.webhook_secrets import secret_of, sign
from apps.jobs.work_queue import enqueue_delivery

MAX_ATTEMPTS = 6
TIMEOUT_SECONDS = 10.0
# Longer than one delivery takes: a killed worker's attempt is made again after it.
CLAIM_SECONDS = 60
FIRST_PAUSE_SECONDS = 10
SIGNATURE_HEADER = "webhook-signature"
ID_HEADER = "webhook-id"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver."""

    job_id: UUID
    tenant_id: UUID
    attempt: int
    url: str
    body: bytes
    secret: str


def deliver(tenant_id: UUID, job_id: UUID) -> bool:
    """Make the next attempt if one is due; says whether it was made."""
    delivery = _claim(tenant_id, job_id)
    if delivery is None:
        return False
    _settle(delivery, _send(delivery))
    return True


def pause_after(attempt: int) -> int:
    """Return the seconds to wait after a failed attempt: 10, 30, 90, 270, 810."""
    pause: int = FIRST_PAUSE_SECONDS * 3 ** (attempt - 1)
    return pause


def _claim(tenant_id: UUID, job_id: UUID) -> Delivery | None:
    with tenant_scope(tenant_id):
        due = Job.objects.filter(
            id=job_id, webhook_status=WebhookStatus.PENDING, webhook_after__lte=utc_now()
        )
        job = due.select_for_update(skip_locked=True, of=("self",)).first()
        if job is None:
            return None
        if job.webhook_attempts >= MAX_ATTEMPTS:
            # The worker of the last attempt was lost before it could say how it went.
            job.webhook_status = WebhookStatus.FAILED
            job.save(update_fields=["webhook_status"])
            return None
        job.webhook_attempts += 1
        job.webhook_after = utc_now() + dt.timedelta(seconds=CLAIM_SECONDS)
        job.save(update_fields=["webhook_attempts", "webhook_after"])
        return Delivery(
            job_id=job.id,
            tenant_id=tenant_id,
            attempt=job.webhook_attempts,
            url=job.webhook_url,
            body=_body(job),
            secret=secret_of(tenant_id),
        )


def _body(job: Job) -> bytes:
    """Say how the job ended; what was asked and answered is fetched with the API key."""
    error = {"code": job.error_code, "message": job.error_message} if job.error_code else None
    told = {
        "type": f"job.{job.status}",
        "id": public_id(ID_PREFIX, job.id),
        "status": job.status,
        "error": error,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }
    return orjson.dumps(told)


def _send(delivery: Delivery) -> str:
    """Return what went wrong, nothing when the other side took it."""
    timestamp = round(utc_now().timestamp())
    headers = {
        ID_HEADER: public_id(ID_PREFIX, delivery.job_id),
        SIGNATURE_HEADER: sign(delivery.secret, timestamp, delivery.body),
    }
    try:
        reply = post_json(delivery.url, delivery.body, headers, TIMEOUT_SECONDS)
    except (OutboundFailed, InvalidRequest) as error:
        return str(error)
    is_taken = HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES
    return "" if is_taken else f"the other side answered {reply.status}"


def _settle(delivery: Delivery, fault: str) -> None:
    with tenant_scope(delivery.tenant_id):
        rows = Job.objects.filter(
            id=delivery.job_id,
            webhook_status=WebhookStatus.PENDING,
            webhook_attempts=delivery.attempt,
        )
        if not fault:
            rows.update(
                webhook_status=WebhookStatus.DELIVERED, webhook_after=None, webhook_error=""
            )
            return
        log.warning("job.webhook_failed", job_id=str(delivery.job_id), attempt=delivery.attempt)
        if delivery.attempt >= MAX_ATTEMPTS:
            rows.update(
                webhook_status=WebhookStatus.FAILED, webhook_after=None, webhook_error=fault[:300]
            )
            return
        pause = pause_after(delivery.attempt)
        following = utc_now() + dt.timedelta(seconds=pause)
        rows.update(webhook_after=following, webhook_error=fault[:300])
        enqueue_delivery(delivery.tenant_id, delivery.job_id, seconds=pause + 1)
