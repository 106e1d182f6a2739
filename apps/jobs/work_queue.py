"""Tells the workers what to do. The broker may forget: the sweep looks into the table again."""

from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

RUN = "jobs.run"
DELIVER = "jobs.deliver_webhook"

log = structlog.get_logger(__name__)


def enqueue_run(tenant_id: UUID, job_id: UUID, *, seconds: int = 0) -> None:
    """Have a job run, once what was written about it is committed."""
    _enqueue(RUN, tenant_id, job_id, seconds)


def enqueue_delivery(tenant_id: UUID, job_id: UUID, *, seconds: int = 0) -> None:
    """Have a job's webhook delivered, once what was written about it is committed."""
    _enqueue(DELIVER, tenant_id, job_id, seconds)


def _enqueue(name: str, tenant_id: UUID, job_id: UUID, seconds: int) -> None:
    def send() -> None:
        try:
            current_app.send_task(
                name, args=[str(tenant_id), str(job_id)], countdown=seconds or None, retry=False
            )
        except (OperationalError, RedisError, OSError) as error:
            log.warning("job.broker_away", task=name, job_id=str(job_id), error=str(error))

    transaction.on_commit(send)
