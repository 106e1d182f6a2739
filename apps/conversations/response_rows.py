"""The row of a stored response: its sealed turns and body, and who may have it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.api_keys.types import Caller
from apps.conversations.models import StoredResponse
from apps.core.chat import Turn
from apps.core.crypto import seal, unseal
from apps.core.errors import AccessDenied, ContentStorageOff, NotFound
from apps.core.ids import parse_public_id
from apps.core.turn_records import turn_of, turn_record

ID_PREFIX = "resp"
SCOPE = "conversations"
TURNS_PURPOSE = "response.turns"
BODY_PURPOSE = "response.body"
# What can be large, and is read only where it is shown or sent on.
SEALED = ("turns_ciphertext", "body_ciphertext")


@dataclass(frozen=True, slots=True)
class Thread:
    """What a new response continues: the responses before it and their turns, oldest first."""

    steps: tuple[UUID, ...] = ()
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class NewResponse:
    """A response to be stored: the turns of its own step, and what its caller was answered."""

    id: UUID
    turns: tuple[Turn, ...]
    body: Mapping[str, Any]
    user: str = ""


def may_store(caller: Caller) -> bool:
    """Say whether responses of this caller can be kept."""
    return caller.stores_content and SCOPE in caller.scopes


def require_scope(caller: Caller, param: str | None) -> None:
    """Raise AccessDenied where a key has nothing to do with what is kept."""
    if SCOPE not in caller.scopes:
        raise AccessDenied(f"this API key lacks the scope {SCOPE!r}", param=param)


def require_leave(caller: Caller, param: str | None) -> None:
    """Raise AccessDenied or ContentStorageOff where responses cannot be kept."""
    require_scope(caller, param)
    if not caller.stores_content:
        raise ContentStorageOff(
            f"the project {caller.project_slug} stores no responses: an owner can switch it on",
            param=param,
        )


def parse_id(response_id: str, param: str | None) -> UUID:
    """Read `resp_…`; raises NotFound."""
    try:
        return parse_public_id(ID_PREFIX, response_id)
    except ValueError as error:
        raise unknown(response_id, param) from error


def unknown(response_id: str, param: str | None) -> NotFound:
    return NotFound(f"there is no stored response {response_id!r} in this project", param=param)


def open_turns(response: StoredResponse) -> tuple[Turn, ...]:
    """Return the turns of a step; the caller answers for the reader's right to see them."""
    text = unseal(
        response.turns_ciphertext,
        purpose=TURNS_PURPOSE,
        tenant_id=response.tenant_id,
        row_id=response.id,
    )
    return tuple(map(turn_of, json.loads(text)))


def open_body(response: StoredResponse) -> dict[str, Any]:
    """Return what was answered; the caller answers for the reader's right to see it."""
    body: dict[str, Any] = json.loads(
        unseal(
            response.body_ciphertext,
            purpose=BODY_PURPOSE,
            tenant_id=response.tenant_id,
            row_id=response.id,
        )
    )
    return body


def new_row(caller: Caller, thread: Thread, new: NewResponse) -> StoredResponse:
    """Return the row of a response that follows a thread, not saved yet."""
    row = StoredResponse(
        id=new.id,
        tenant_id=caller.tenant_id,
        project_id=caller.project_id,
        thread_id=(*thread.steps, new.id)[0],
        previous_id=thread.steps[-1] if thread.steps else None,
        position=len(thread.steps),
        key_name=caller.key_name,
        user=new.user,
        llm_model=new.body["model"],
        status=new.body["status"],
    )
    turns = json.dumps([turn_record(turn) for turn in new.turns])
    row.turns_ciphertext = seal(
        turns, purpose=TURNS_PURPOSE, tenant_id=row.tenant_id, row_id=row.id
    )
    row.body_ciphertext = seal(
        json.dumps(dict(new.body)), purpose=BODY_PURPOSE, tenant_id=row.tenant_id, row_id=row.id
    )
    return row
