"""Running: through the one pipeline, under a lease, retried within reason, ended once."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from apps.api_keys.services import CreatedKey, revoke_key
from apps.audit.types import SYSTEM
from apps.core.clock import utc_now
from apps.core.errors import RateLimited, ServiceUnavailable
from apps.core.ids import public_id
from apps.core.scoping import all_tenants, tenant_scope
from apps.jobs import leases, runner
from apps.jobs.models import Job
from apps.jobs.selectors import open_result
from apps.jobs.sweep import Swept, sweep
from apps.jobs.types import LEASE_SECONDS, MAX_ATTEMPTS, Failure
from apps.tenants.models import Project
from tests.factories.keys import make_key
from tests.jobs.submitted import change, make_job, reread, simulate

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = dt.timedelta(hours=1)


def run(job: Job) -> Job:
    assert runner.run(job.tenant_id, job.pk)
    return reread(job.pk)


def test_run__through_the_simulated_provider__keeps_the_answer_encrypted(key: CreatedKey) -> None:
    job = run(make_job(key.row))
    result = open_result(job)
    assert (job.status, job.attempts, job.error_code) == ("succeeded", 1, "")
    assert job.finished_at
    assert job.lease_expires_at is None
    assert result is not None
    assert result["message"]["content"]
    assert result["message"]["content"] not in job.result_ciphertext
    assert (result["model"], result["provider"]) == ("sim-small", "simulated")
    assert result["id"] == public_id("req", job.id)
    assert job.request_id == job.id


def test_run__ended_job__is_not_run_again(key: CreatedKey) -> None:
    job = run(make_job(key.row))
    assert runner.run(job.tenant_id, job.pk) is False


def test_run__before_its_time__waits(key: CreatedKey) -> None:
    job = make_job(key.row)
    change(job, run_after=utc_now() + LONG_AGO)
    assert runner.run(job.tenant_id, job.pk) is False


def test_run__job_of_another_tenant__is_not_found(key: CreatedKey) -> None:
    job = make_job(key.row)
    assert runner.run(make_key().row.tenant_id, job.pk) is False
    assert reread(job.pk).status == "queued"


def test_run__revoked_key__fails_the_job(key: CreatedKey) -> None:
    job = make_job(key.row)
    with tenant_scope(job.tenant_id):
        revoke_key(row=key.row, actor=SYSTEM)
    job = run(job)
    assert (job.status, job.error_code) == ("failed", "invalid_api_key")


def test_run__key_that_has_expired__fails_the_job(project: Project) -> None:
    key = make_key(project, expires_at=utc_now() + LONG_AGO)
    job = make_job(key.row)
    with all_tenants("tests"):
        type(key.row).objects.filter(pk=key.row.pk).update(expires_at=utc_now() - LONG_AGO)
    assert run(job).error_code == "invalid_api_key"


def test_run__project_that_stopped_storing_content__fails_the_job(key: CreatedKey) -> None:
    job = make_job(key.row)
    with all_tenants("tests"):
        Project.objects.update(store_content=False)
    assert run(job).error_code == "content_storage_off"


def test_run__unknown_model__fails_at_once(key: CreatedKey) -> None:
    job = run(make_job(key.row, model="nobody"))
    assert (job.status, job.attempts, job.error_code) == ("failed", 1, "model_not_found")


def test_run__request_that_was_tampered_with__fails_without_its_content(key: CreatedKey) -> None:
    job = make_job(key.row)
    change(job, request_ciphertext=make_job(key.row).request_ciphertext)
    job = run(job)
    assert (job.status, job.error_code) == ("failed", "internal_error")


def test_run__provider_that_keeps_failing__is_retried_later_three_times(key: CreatedKey) -> None:
    simulate(failure_percent=100, failure_status=503)
    job = make_job(key.row)
    seen = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = run(job)
        seen.append(job.request_id)
        if attempt < MAX_ATTEMPTS:
            assert job.status == "queued"
            assert job.run_after > utc_now()
            assert runner.run(job.tenant_id, job.pk) is False
            change(job, run_after=utc_now())
    assert (job.status, job.attempts) == ("failed", MAX_ATTEMPTS)
    assert job.error_code in {"provider_failed", "service_unavailable"}
    assert seen[0] == job.id
    assert len(set(seen)) == MAX_ATTEMPTS


def test_run__provider_that_recovers__ends_well_without_the_old_error(key: CreatedKey) -> None:
    simulate(failure_percent=100, failure_status=500)
    job = run(make_job(key.row))
    assert (job.status, job.error_code) == ("queued", "provider_failed")
    simulate(latency_ms=1)
    change(job, run_after=utc_now())
    deadline = time.monotonic() + 10
    job = run(job)
    while job.status == "queued" and time.monotonic() < deadline and job.attempts < MAX_ATTEMPTS:
        time.sleep(1)
        change(job, run_after=utc_now())
        job = run(job)
    assert (job.status, job.error_code) == ("succeeded", "")


def test_run__exhausted_budget__fails_at_once(project: Project) -> None:
    job = run(make_job(make_key(project, monthly_budget=0).row))
    assert (job.status, job.attempts, job.error_code) == ("failed", 1, "budget_exceeded")


def test_pause__after_each_attempt__grows_and_obeys_the_error() -> None:
    assert [runner.pause_after(n, RateLimited("x")) for n in (1, 2)] == [10, 30]
    assert runner.pause_after(1, ServiceUnavailable("x", retry_after_seconds=120)) == 120
    assert runner.pause_after(1, ServiceUnavailable("x", retry_after_seconds=9_999)) == 300


def test_lease__second_claim__gets_nothing(key: CreatedKey) -> None:
    job = make_job(key.row)
    assert leases.claim(job.tenant_id, job.pk) is not None
    assert leases.claim(job.tenant_id, job.pk) is None


def test_lease__extended__lasts_from_then_on(key: CreatedKey) -> None:
    job = make_job(key.row)
    held = leases.claim(job.tenant_id, job.pk)
    assert held is not None
    change(job, lease_expires_at=utc_now())
    assert leases.extend(held)
    expires = reread(job.pk).lease_expires_at
    assert expires is not None
    assert expires > utc_now() + dt.timedelta(seconds=LEASE_SECONDS - 10)


def test_lease__lost_to_another_worker__changes_nothing_any_more(key: CreatedKey) -> None:
    job = make_job(key.row)
    late = leases.claim(job.tenant_id, job.pk)
    assert late is not None
    change(job, lease_expires_at=utc_now() - LONG_AGO)
    sweep()
    new = leases.claim(job.tenant_id, job.pk)
    assert new is not None
    assert (new.attempt, new.request_id != late.request_id) == (2, True)
    assert not leases.extend(late)
    assert not leases.succeed(late, {"late": True})
    assert not leases.fail(late, Failure("late", "late"))
    assert not leases.put_back(late, Failure("late", "late"), seconds=1)
    assert leases.succeed(new, {"new": True})
    assert open_result(reread(job.pk)) == {"new": True}
    assert not leases.succeed(replace(new), {"again": True})


def test_sweep__worker_lost_too_often__fails_the_job(key: CreatedKey) -> None:
    job = make_job(key.row)
    for _ in range(MAX_ATTEMPTS):
        assert leases.claim(job.tenant_id, job.pk)
        change(job, lease_expires_at=utc_now() - LONG_AGO)
        assert sweep().lost == 1
    job = reread(job.pk)
    assert (job.status, job.error_code, job.lease_expires_at) == ("failed", "worker_lost", None)


def test_sweep__message_that_the_broker_lost__is_sent_again_after_a_while(key: CreatedKey) -> None:
    job = make_job(key.row)
    assert sweep() == Swept(0, 0, 0)
    change(job, run_after=utc_now() - LONG_AGO)
    assert sweep() == Swept(1, 0, 0)
    assert sweep() == Swept(0, 0, 0)
    assert run(job).status == "succeeded"


KILLED = """
import sys, uuid, django
django.setup()
from apps.jobs import runner
print("ready", flush=True)
runner.run(uuid.UUID(sys.argv[1]), uuid.UUID(sys.argv[2]))
"""


def test_run__worker_killed_in_the_middle__is_run_again_after_its_lease(key: CreatedKey) -> None:
    simulate(latency_ms=60_000)
    job = make_job(key.row)
    arguments = [sys.executable, "-c", KILLED, str(job.tenant_id), str(job.pk)]
    worker = subprocess.Popen(arguments, env=os.environ.copy())
    try:
        deadline = time.monotonic() + 60
        while reread(job.pk).status != "running" and time.monotonic() < deadline:
            time.sleep(0.1)
        assert reread(job.pk).status == "running"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert sweep().lost == 0
    simulate(latency_ms=1)
    change(job, lease_expires_at=utc_now())
    assert sweep().lost == 1
    job = run(job)
    assert (job.status, job.attempts) == ("succeeded", 2)
    assert job.request_id != job.id
