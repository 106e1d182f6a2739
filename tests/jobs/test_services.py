"""Submitting and cancelling: checked at the door, kept encrypted, once per idempotency key."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from apps.api_keys.services import CreatedKey
from apps.audit.models import AuditEntry
from apps.audit.types import SYSTEM
from apps.core.errors import AccessDenied, Conflict, ContentStorageOff, InvalidRequest
from apps.core.scoping import all_tenants, tenant_scope
from apps.jobs import runner
from apps.jobs.models import Job
from apps.jobs.selectors import open_request
from apps.jobs.services import cancel_job
from apps.tenants.models import Project
from router_project.celery import app
from tests.factories.keys import make_key
from tests.jobs.submitted import MESSAGES, change, make_job, reread

pytestmark = pytest.mark.django_db(transaction=True)


def test_submit__valid_request__waits_encrypted(key: CreatedKey) -> None:
    job = make_job(key.row)
    assert (job.status, job.requested_model, job.api_key_label) == (
        "queued",
        "sim-small",
        key.row.name,
    )
    with all_tenants("tests"):
        assert "blue" not in repr(Job.objects.values().get())
    assert open_request(job)["messages"] == MESSAGES


def test_submit__valid_request__tells_the_broker(key: CreatedKey) -> None:
    job = make_job(key.row)
    assert [str(job.tenant_id), str(job.id)] in _messages("jobs.run")


def _messages(task: str) -> list[Any]:
    found = []
    with (
        app.connection_for_read() as broker,
        broker.SimpleQueue("default") as queue,
        suppress(queue.Empty),
    ):
        while True:
            message = queue.get(timeout=1)
            message.ack()
            if message.headers["task"] == task:
                found.append(message.payload[0])
    return found


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"unknown": 1}, "unknown"),
        ({"messages": []}, "messages"),
        ({"temperature": 9}, "temperature"),
        ({"webhook_url": "ftp://example.com/x"}, "webhook_url"),
        ({"webhook_url": "http://169.254.169.254/latest"}, "webhook_url"),
        ({"webhook_url": "http://user:pass@example.com/"}, "webhook_url"),
        ({"idempotency_key": "k" * 121}, "Idempotency-Key"),
    ],
)
def test_submit__wrong_request__is_refused_by_name(
    key: CreatedKey, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        make_job(key.row, **fields)
    assert refused.value.param == param
    assert _count() == 0


@pytest.mark.parametrize("missing", ["jobs", "run"])
def test_submit__key_without_a_scope__is_refused(project: Project, missing: str) -> None:
    scopes = sorted({"jobs", "run"} - {missing})
    with pytest.raises(AccessDenied, match=missing):
        make_job(make_key(project, scopes=scopes).row)


def test_submit__project_that_stores_no_content__is_refused(key: CreatedKey) -> None:
    with all_tenants("tests"):
        Project.objects.update(store_content=False)
    with pytest.raises(ContentStorageOff):
        make_job(key.row)
    assert _count() == 0


def test_submit__same_idempotency_key__is_the_same_job(key: CreatedKey) -> None:
    first = make_job(key.row, idempotency_key="order-1")
    assert make_job(key.row, idempotency_key="order-1").pk == first.pk
    assert make_job(key.row, idempotency_key="order-2").pk != first.pk
    assert make_job(make_key(key.row.project).row, idempotency_key="order-1").pk != first.pk


def test_submit__same_idempotency_key_for_another_request__is_a_conflict(key: CreatedKey) -> None:
    make_job(key.row, idempotency_key="order-1")
    with pytest.raises(Conflict):
        make_job(key.row, idempotency_key="order-1", temperature=1)


def test_submit__same_idempotency_key_at_the_same_time__is_one_job(key: CreatedKey) -> None:
    def submit(_number: int) -> Any:
        try:
            return make_job(key.row, idempotency_key="order-1").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        made = set(threads.map(submit, range(6)))
    assert len(made) == _count() == 1


def test_cancel__waiting_job__is_never_run_and_recorded(key: CreatedKey) -> None:
    job = make_job(key.row)
    with tenant_scope(job.tenant_id):
        cancel_job(job=job, actor=SYSTEM, reason="not needed")
        entry = AuditEntry.objects.filter(action="jobs.cancelled").get()
    assert (entry.object_label, entry.reason) == (str(job), "not needed")
    assert reread(job.pk).status == "cancelled"
    assert runner.run(job.tenant_id, job.pk) is False


@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "cancelled"])
def test_cancel__job_that_no_longer_waits__is_a_conflict(key: CreatedKey, status: str) -> None:
    job = make_job(key.row)
    change(job, status=status)
    with tenant_scope(job.tenant_id), pytest.raises(Conflict) as refused:
        cancel_job(job=job, actor=SYSTEM)
    assert refused.value.details == {"status": status}
    assert reread(job.pk).status == status


def _count() -> int:
    with all_tenants("tests"):
        return Job.objects.count()
