"""Reads of jobs: a request and its result in clear."""

from typing import Any

import orjson

from apps.core.crypto import unseal
from apps.jobs.models import Job
from apps.jobs.types import REQUEST_PURPOSE, RESULT_PURPOSE


def open_request(job: Job) -> dict[str, Any]:
    """Return the body as it was submitted; the caller answers for the reader's right."""
    return _open(job, job.request_ciphertext, REQUEST_PURPOSE)


def open_result(job: Job) -> dict[str, Any] | None:
    """Return the answer, None when there is none; the caller answers for the reader's right."""
    return _open(job, job.result_ciphertext, RESULT_PURPOSE) if job.result_ciphertext else None


def _open(job: Job, sealed: str, purpose: str) -> dict[str, Any]:
    text = unseal(sealed, purpose=purpose, tenant_id=job.tenant_id, row_id=job.id)
    body: dict[str, Any] = orjson.loads(text)
    return body
