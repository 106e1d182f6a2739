"""The webhook of a job: one per job, signed, retried with growing pauses, without content."""

import hashlib
import hmac
import json
import time

import pytest

from apps.api_keys.services import CreatedKey
from apps.audit.models import AuditEntry
from apps.audit.types import SYSTEM
from apps.core.clock import utc_now
from apps.core.scoping import all_tenants, tenant_scope
from apps.jobs import runner, webhooks
from apps.jobs.models import Job, WebhookSecret
from apps.jobs.services import cancel_job
from apps.jobs.sweep import sweep
from apps.jobs.webhook_secrets import PREFIX, rotate_secret, secret_of, sign
from tests.factories.people import make_tenant
from tests.jobs.submitted import change, make_job, receiver, reread

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "http://127.0.0.1:1/hook"


def ended(key: CreatedKey, url: str) -> Job:
    """Return a job that has run."""
    job = make_job(key.row, webhook_url=url)
    assert runner.run(job.tenant_id, job.pk)
    return reread(job.pk)


def test_deliver__finished_job__is_told_once_with_a_signature(key: CreatedKey) -> None:
    with receiver() as server:
        job = ended(key, server.url)
        assert job.webhook_status == "pending"
        assert webhooks.deliver(job.tenant_id, job.pk)
        assert not webhooks.deliver(job.tenant_id, job.pk)
    ((headers, body),) = server.requests
    told = json.loads(body)
    assert (told["type"], told["id"], told["error"]) == ("job.succeeded", str(job), None)
    assert headers["webhook-id"] == str(job)
    assert headers["content-type"] == "application/json"
    with tenant_scope(job.tenant_id):
        secret = secret_of(job.tenant_id)
    stamp, _, signature = headers["webhook-signature"].partition(",v1=")
    seconds = stamp.removeprefix("t=")
    expected = hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256)
    assert signature == expected.hexdigest()
    assert abs(int(seconds) - time.time()) < 60
    assert (reread(job.pk).webhook_status, reread(job.pk).webhook_attempts) == ("delivered", 1)


def test_deliver__failed_job__tells_the_error_and_no_content(key: CreatedKey) -> None:
    with receiver() as server:
        job = make_job(key.row, model="nobody", webhook_url=server.url)
        runner.run(job.tenant_id, job.pk)
        webhooks.deliver(job.tenant_id, job.pk)
    told = json.loads(server.requests[0][1])
    assert (told["type"], told["error"]["code"]) == ("job.failed", "model_not_found")
    assert b"blue" not in server.requests[0][1]


def test_deliver__cancelled_job__is_told_too(key: CreatedKey) -> None:
    with receiver() as server:
        job = make_job(key.row, webhook_url=server.url)
        with tenant_scope(job.tenant_id):
            cancel_job(job=job, actor=SYSTEM)
        assert webhooks.deliver(job.tenant_id, job.pk)
    assert json.loads(server.requests[0][1])["status"] == "cancelled"


def test_deliver__job_without_a_webhook__does_nothing(key: CreatedKey) -> None:
    job = ended(key, "")
    assert (job.webhook_status, webhooks.deliver(job.tenant_id, job.pk)) == ("none", False)


@pytest.mark.parametrize("status", [301, 400, 500])
def test_deliver__refused__is_tried_again_later(key: CreatedKey, status: int) -> None:
    with receiver() as server:
        server.status = status
        job = ended(key, server.url)
        webhooks.deliver(job.tenant_id, job.pk)
        waiting = reread(job.pk)
        assert (waiting.webhook_status, waiting.webhook_attempts) == ("pending", 1)
        assert str(status) in waiting.webhook_error
        assert waiting.webhook_after is not None
        assert waiting.webhook_after > utc_now()
        assert not webhooks.deliver(job.tenant_id, job.pk)
        server.status = 204
        change(job, webhook_after=utc_now())
        assert sweep().webhooks == 1
        assert webhooks.deliver(job.tenant_id, job.pk)
    done = reread(job.pk)
    assert (done.webhook_status, done.webhook_attempts, done.webhook_error) == ("delivered", 2, "")


def test_deliver__nobody_there__is_given_up_after_six_attempts(key: CreatedKey) -> None:
    job = ended(key, NOBODY)
    for attempt in range(1, webhooks.MAX_ATTEMPTS + 1):
        change(job, webhook_after=utc_now())
        assert webhooks.deliver(job.tenant_id, job.pk)
        assert reread(job.pk).webhook_attempts == attempt
    job = reread(job.pk)
    assert (job.webhook_status, job.webhook_after) == ("failed", None)
    assert "the call failed" in job.webhook_error
    assert sweep().webhooks == 0
    assert job.status == "succeeded"


def test_deliver__worker_lost_at_the_last_attempt__is_given_up(key: CreatedKey) -> None:
    job = ended(key, NOBODY)
    change(job, webhook_attempts=webhooks.MAX_ATTEMPTS, webhook_after=utc_now())
    assert not webhooks.deliver(job.tenant_id, job.pk)
    assert reread(job.pk).webhook_status == "failed"


def test_deliver__address_that_became_forbidden__is_not_called(key: CreatedKey) -> None:
    job = ended(key, NOBODY)
    change(job, webhook_url="ftp://127.0.0.1/hook", webhook_after=utc_now())
    webhooks.deliver(job.tenant_id, job.pk)
    assert "must begin with http" in reread(job.pk).webhook_error


def test_pauses__between_six_attempts__grow_threefold() -> None:
    pauses = [webhooks.pause_after(attempt) for attempt in range(1, webhooks.MAX_ATTEMPTS)]
    assert pauses == [10, 30, 90, 270, 810]


def test_secret__made_on_demand__stays_until_it_is_replaced() -> None:
    tenant = make_tenant()
    with tenant_scope(tenant.pk):
        first = secret_of(tenant.pk)
        assert secret_of(tenant.pk) == first
        new = rotate_secret(tenant_id=tenant.pk, actor=SYSTEM)
        assert secret_of(tenant.pk) == new.clear != first
        assert new.clear.startswith(PREFIX)
        actions = list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))
    assert actions == ["jobs.webhook_secret_created", "jobs.webhook_secret_rotated"]
    with all_tenants("tests"):
        everything = repr([*WebhookSecret.objects.values(), *AuditEntry.objects.values()])
    assert new.clear not in everything
    assert first not in everything


def test_secret__of_two_tenants__differ() -> None:
    secrets = set()
    for tenant in (make_tenant(), make_tenant()):
        with tenant_scope(tenant.pk):
            secrets.add(secret_of(tenant.pk))
    assert len(secrets) == 2


def test_sign__time_and_body__both_change_the_signature() -> None:
    signed = {sign("s", 1, b"a"), sign("s", 2, b"a"), sign("s", 1, b"b"), sign("z", 1, b"a")}
    assert len({text.partition(",")[2] for text in signed}) == 4
