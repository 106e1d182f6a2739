"""Runs one job: the same pipeline as every door, its end kept in the row."""

import asyncio
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError

from apps.api_keys.lookup import caller_of
from apps.api_keys.models import ApiKey
from apps.api_keys.services import is_expired
from apps.api_keys.types import Caller
from apps.core.crypto import DecryptionFailed
from apps.core.database import in_database
from apps.core.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    ContentStorageOff,
    RouterError,
)
from apps.core.scoping import tenant_scope
from apps.gateway import pipeline
from apps.gateway.api.completion import render_completion
from apps.gateway.types import Ask, Completion
from apps.gateway.wire import router_chat
from apps.gateway.worker_loop import submit
from apps.jobs import leases
from apps.jobs.selectors import open_body
from apps.jobs.types import (
    BEAT_SECONDS,
    MAX_ATTEMPTS,
    REQUEST_PURPOSE,
    Failure,
    HeldJob,
)

DOOR = "router.jobs"
# A little more than the pipeline allows itself with all its attempts.
RUN_SECONDS = 660.0
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 300
RETRYABLE = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}
)

log = structlog.get_logger(__name__)


def run(tenant_id: UUID, job_id: UUID) -> bool:
    """Claim and run a job; False when it was not to be had.

    A defect of ours is raised: the lease then expires, and the sweep decides.
    """
    held = leases.claim(tenant_id, job_id)
    if held is None:
        return False
    try:
        done = submit(_complete(held, _ask_of(held)), RUN_SECONDS)
    except RouterError as error:
        _give_up_or_retry(held, error)
    else:
        leases.succeed(held, render_completion(done))
    return True


def pause_after(attempt: int, error: RouterError) -> int:
    """Return the seconds to wait after an attempt: 10, 30, … or what the error asks for."""
    pause: int = FIRST_PAUSE_SECONDS * 3 ** (attempt - 1)
    return min(max(pause, error.retry_after_seconds or 0), LONGEST_PAUSE_SECONDS)


def _ask_of(held: HeldJob) -> Ask:
    body = router_chat.parse(_body(held))
    return Ask(
        caller=_caller(held),
        chat=body.chat,
        door=DOOR,
        tags=body.tags,
        prompt_template=body.prompt_template,
        variables=body.variables,
        conversation_id=body.conversation_id,
        request_id=held.request_id,
    )


def _body(held: HeldJob) -> dict[str, Any]:
    try:
        return open_body(held.sealed, REQUEST_PURPOSE, held.tenant_id, held.id)
    except DecryptionFailed as error:
        log.exception("job.request_unreadable", job_id=str(held.id))
        raise RouterError("the stored request cannot be decrypted") from error


def _caller(held: HeldJob) -> Caller:
    """Return whom the job runs for, as the key stands now; raises RouterError."""
    with tenant_scope(held.tenant_id):
        usable = ApiKey.objects.filter(
            id=held.api_key_id,
            revoked_at=None,
            project__is_active=True,
            tenant__is_active=True,
        )
        key = usable.select_related("project", "tenant").first()
        if key is None or is_expired(key):
            raise AuthenticationFailed("the API key of this job is not valid any more")
        if not key.project.store_content:
            raise ContentStorageOff("the project does not store content any more")
        return caller_of(key)


async def _complete(held: HeldJob, ask: Ask) -> Completion:
    beat = asyncio.create_task(_keep_lease(held))
    try:
        return await pipeline.complete(ask)
    finally:
        beat.cancel()


async def _keep_lease(held: HeldJob) -> None:
    is_ours = True
    while is_ours:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            is_ours = await in_database(leases.extend, held)
        except (DatabaseError, InterfaceError) as error:
            log.warning("job.lease_not_extended", job_id=str(held.id), error=str(error))


def _give_up_or_retry(held: HeldJob, error: RouterError) -> None:
    failure = Failure(error.code, error.message)
    # A budget does not grow within minutes.
    may_pass = error.http_status in RETRYABLE and not isinstance(error, BudgetExceeded)
    if may_pass and held.attempt < MAX_ATTEMPTS:
        leases.put_back(held, failure, seconds=pause_after(held.attempt, error))
    else:
        leases.fail(held, failure)
