"""The thread up to a stored response: Redis holds the hot copies, Postgres the truth."""

import asyncio
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from apps.api_keys.types import Caller
from apps.conversations.hot_copies import HotCopies
from apps.conversations.models import StoredResponse
from apps.conversations.response_rows import (
    ID_PREFIX,
    SEALED,
    Thread,
    open_turns,
    parse_id,
    require_leave,
    unknown,
)
from apps.core.chat import Turn
from apps.core.database import in_database
from apps.core.errors import InvalidRequest, NotFound, ServiceUnavailable
from apps.core.ids import public_id
from apps.core.scoping import tenant_scope
from apps.core.turn_records import turn_of, turn_record

MAX_STEPS = 1_000
HEX_LENGTH = 32
PREVIOUS = "previous_response_id"

hot_steps = HotCopies("response", are_final=True)


@dataclass(frozen=True, slots=True)
class _Step:
    """One response as a thread needs it; `steps` are those before it, and itself."""

    project_id: UUID
    steps: tuple[UUID, ...]
    turns: tuple[Turn, ...]


class _Found(NamedTuple):
    """A thread as it was found, whoever asks."""

    project_id: UUID
    thread: Thread


async def load(caller: Caller, response_id: str) -> Thread:
    """Return the thread up to a response, to be continued.

    Raises AccessDenied, ContentStorageOff, NotFound, InvalidRequest when the thread is too long,
    or ServiceUnavailable when a cold one cannot be read.
    """
    require_leave(caller, PREVIOUS)
    row_id = parse_id(response_id, PREVIOUS)
    found = await _hot_thread(caller, row_id) or await _cold_thread(caller, row_id)
    if found.project_id != caller.project_id:
        raise unknown(response_id, PREVIOUS)
    if len(found.thread.steps) >= MAX_STEPS:
        message = f"a thread has at most {MAX_STEPS} responses: begin a new one"
        raise InvalidRequest(message, param=PREVIOUS)
    return found.thread


async def keep_hot(caller: Caller, thread: Thread, row_id: UUID, turns: tuple[Turn, ...]) -> None:
    """Keep the step that was just made where the next one looks first."""
    step = _Step(caller.project_id, (*thread.steps, row_id), turns)
    await hot_steps.write(caller.tenant_id, row_id, _encode(step))


async def _hot_thread(caller: Caller, row_id: UUID) -> _Found | None:
    """Return the thread, None when a step of it is not there or of another version."""
    try:
        (last,) = await hot_steps.read(caller.tenant_id, [row_id])
        steps = _ids(last["steps"])
        earlier = await hot_steps.read(caller.tenant_id, steps[:-1])
        turns = [turn_of(record) for step in (*earlier, last) for record in step["turns"]]
        return _Found(UUID(hex=last["project"]), Thread(steps, tuple(turns)))
    except (KeyError, TypeError, ValueError):
        return None


async def _cold_thread(caller: Caller, row_id: UUID) -> _Found:
    try:
        steps = await in_database(_read_thread, caller.tenant_id, row_id)
    except (DatabaseError, InterfaceError) as error:
        raise ServiceUnavailable("the stored response cannot be read now") from error
    await asyncio.gather(
        *(hot_steps.write(caller.tenant_id, step.steps[-1], _encode(step)) for step in steps)
    )
    turns = tuple(turn for step in steps for turn in step.turns)
    return _Found(steps[-1].project_id, Thread(steps[-1].steps, turns))


def _read_thread(tenant_id: UUID, row_id: UUID) -> list[_Step]:
    with tenant_scope(tenant_id):
        last = StoredResponse.objects.filter(id=row_id).defer(*SEALED).first()
        if last is None:
            raise unknown(public_id(ID_PREFIX, row_id), PREVIOUS)
        path = _path_to(last)
        rows = StoredResponse.objects.defer("body_ciphertext").in_bulk(path)
        if len(rows) < len(path):
            raise unknown(public_id(ID_PREFIX, row_id), PREVIOUS)
        return [
            _Step(rows[one].project_id, path[: place + 1], open_turns(rows[one]))
            for place, one in enumerate(path)
        ]


def _path_to(last: StoredResponse) -> tuple[UUID, ...]:
    """Return the ids from the first response to this one; raises NotFound when one was deleted."""
    rows = StoredResponse.objects.filter(thread_id=last.thread_id, position__lte=last.position)
    previous_of: dict[UUID, UUID | None] = dict(rows.values_list("id", "previous_id"))
    path: list[UUID] = [last.id]
    while (before := previous_of.get(path[-1])) is not None:
        path.append(before)
    if len(path) != last.position + 1:
        message = "an earlier response of this thread was deleted: it cannot be continued"
        raise NotFound(message, param=PREVIOUS)
    return tuple(reversed(path))


def _encode(step: _Step) -> dict[str, Any]:
    return {
        "project": step.project_id.hex,
        # One text: a thread holds its ids as often as it has steps.
        "steps": "".join(one.hex for one in step.steps),
        "turns": list(map(turn_record, step.turns)),
    }


def _ids(joined: str) -> tuple[UUID, ...]:
    places = range(0, len(joined), HEX_LENGTH)
    return tuple(UUID(hex=joined[place : place + HEX_LENGTH]) for place in places)
