"""What the workers do for jobs, and what the schedule asks of them."""

from uuid import UUID

from celery import shared_task

from apps.jobs import runner, sweep, webhooks
from apps.jobs.work_queue import DELIVER, RUN


@shared_task(name=RUN)
def run_job(tenant_id: str, job_id: str) -> bool:
    """Run one job, if it is due and nobody else has it."""
    return runner.run(UUID(tenant_id), UUID(job_id))


@shared_task(name=DELIVER)
def deliver_webhook(tenant_id: str, job_id: str) -> bool:
    """Make one attempt to tell how a job ended, if one is due."""
    return webhooks.deliver(UUID(tenant_id), UUID(job_id))


@shared_task(name="jobs.sweep")
def sweep_jobs() -> None:
    """Set everything overdue on its way again."""
    sweep.sweep()
