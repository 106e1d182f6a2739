"""Stored responses: the state behind `previous_response_id`, kept per tenant and project.

Every response keeps the turns of its own step and knows the one before it: any of them can be
continued, and what follows one branch is never seen in another.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Exists, OuterRef

from apps.api_keys.types import Caller
from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.conversations.models import StoredResponse
from apps.conversations.response_rows import (
    SEALED,
    NewResponse,
    Thread,
    may_store,
    new_row,
    open_body,
    parse_id,
    require_leave,
    require_scope,
    unknown,
)
from apps.conversations.response_threads import hot_steps, keep_hot
from apps.core.clock import utc_now
from apps.core.database import in_database, limit_statements
from apps.core.errors import ServiceUnavailable
from apps.core.scoping import all_tenants, tenant_scope

# As long as OpenAI keeps them at least.
KEPT_DAYS = 30
# Then the answer goes out, and says that it is not stored.
SAVING_SECONDS = 2.0

log = structlog.get_logger(__name__)


async def save(caller: Caller, thread: Thread, new: NewResponse) -> bool:
    """Keep a response; False when that failed, or took longer than an answer should wait."""
    try:
        await in_database(_save, caller, thread, new)
    except (DatabaseError, InterfaceError) as error:
        log.warning("response.not_stored", response_id=str(new.id), error=str(error))
        return False
    await keep_hot(caller, thread, new.id, new.turns)
    return True


async def read_body(caller: Caller, response_id: str) -> dict[str, Any]:
    """Return a response as its caller was answered; raises as `load` does."""
    require_leave(caller, None)
    row_id = parse_id(response_id, None)
    found = await read_bodies(caller, {row_id})
    if row_id not in found:
        raise unknown(response_id, None)
    return found[row_id]


async def read_bodies(caller: Caller, row_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return those of the responses that this caller's project has stored."""
    if not may_store(caller):
        return {}
    try:
        return await in_database(_read_bodies, caller, row_ids)
    except (DatabaseError, InterfaceError) as error:
        raise ServiceUnavailable("stored responses cannot be read now") from error


async def delete(caller: Caller, response_id: str) -> None:
    """Delete a response with its hot copy, also where no more are kept; raises as `load` does."""
    require_scope(caller, None)
    row_id = parse_id(response_id, None)
    try:
        is_deleted = await in_database(_delete, caller, row_id)
    except (DatabaseError, InterfaceError) as error:
        raise ServiceUnavailable("the response cannot be deleted now") from error
    if not is_deleted:
        raise unknown(response_id, None)


def delete_response(*, response: StoredResponse, actor: Actor, reason: str = "") -> None:
    """Delete a stored response with its hot copy; those that continue it cannot be continued."""
    record_change(actor=actor, action="responses.deleted", obj=response, reason=reason)
    tenant_id, row_id = response.tenant_id, response.id
    response.delete()
    hot_steps.forget_now(tenant_id, row_id)
    # Again after the commit: a reader in flight may have put the copy back in between.
    transaction.on_commit(lambda: hot_steps.forget_now(tenant_id, row_id))


def drop_old(*, days: int = KEPT_DAYS) -> int:
    """Delete the threads in which nothing was said for so many days; returns their responses."""
    limit = utc_now() - dt.timedelta(days=days)
    with all_tenants("stored responses of any tenant end after their time"):
        later = StoredResponse.objects.filter(
            thread_id=OuterRef("thread_id"), created_at__gte=limit
        )
        old = StoredResponse.objects.filter(~Exists(later), created_at__lt=limit)
        gone = list(old.values_list("tenant_id", "id"))
        StoredResponse.objects.filter(id__in=[row_id for _tenant, row_id in gone]).delete()
    for tenant_id, row_id in gone:
        hot_steps.forget_now(tenant_id, row_id)
    return len(gone)


def note_reading(*, response: StoredResponse, actor: Actor) -> None:
    """Write into the trail that a person reads what was said."""
    record_change(actor=actor, action="responses.content_viewed", obj=response)


def _save(caller: Caller, thread: Thread, new: NewResponse) -> None:
    row = new_row(caller, thread, new)
    with tenant_scope(caller.tenant_id):
        limit_statements(SAVING_SECONDS)
        row.save(force_insert=True)


def _read_bodies(caller: Caller, row_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    with tenant_scope(caller.tenant_id):
        rows = StoredResponse.objects.filter(id__in=row_ids, project_id=caller.project_id)
        rows = rows.defer("turns_ciphertext")
        return {row.id: open_body(row) for row in rows}


def _delete(caller: Caller, row_id: UUID) -> bool:
    with tenant_scope(caller.tenant_id):
        rows = StoredResponse.objects.filter(id=row_id, project_id=caller.project_id)
        response = rows.defer(*SEALED).select_for_update(of=("self",)).first()
        if response is None:
            return False
        actor = Actor("api_key", str(caller.key_id), caller.key_name)
        delete_response(response=response, actor=actor)
        return True
