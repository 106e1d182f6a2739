"""Reads of jobs: a request and its result in clear."""

from typing import Any
from uuid import UUID

import orjson

from apps.core.crypto import unseal
from apps.jobs.models import Job
from apps.jobs.types import REQUEST_PURPOSE, RESULT_PURPOSE


def open_request(job: Job) -> dict[str, Any]:
    """Return the body as it was submitted; the caller answers for the reader's right."""
    return open_body(job.request_ciphertext, REQUEST_PURPOSE, job.tenant_id, job.id)


def open_result(job: Job) -> dict[str, Any] | None:
    """Return the answer, None when there is none; the caller answers for the reader's right."""
    if not job.result_ciphertext:
        return None
    return open_body(job.result_ciphertext, RESULT_PURPOSE, job.tenant_id, job.id)


def open_body(sealed: str, purpose: str, tenant_id: UUID, job_id: UUID) -> dict[str, Any]:
    """Return a sealed body; raises DecryptionFailed when it is not this job's."""
    text = unseal(sealed, purpose=purpose, tenant_id=tenant_id, row_id=job_id)
    body: dict[str, Any] = orjson.loads(text)
    return body
