"""The thread up to a stored response: Redis holds the hot copies, Postgres the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from apps.api_keys.types import Caller
from apps.conversations.hot_copies import HotCopies
from apps.conversations.models import StoredResponse
from apps.conversations.response_rows import (
    ID_PREFIX,
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
PREVIOUS = "previous_response_id"

hot_steps = HotCopies("response")


@dataclass(frozen=True, slots=True)
class _Step:
    """One response as a thread needs it; `steps` are those before it, and itself."""

    project_id: UUID
    steps: tuple[UUID, ...]
    turns: tuple[Turn, ...]


async def load(caller: Caller, response_id: str) -> Thread:
    """Return the thread up to a response, to be continued.

    Raises AccessDenied, ContentStorageOff, NotFound, InvalidRequest when the thread is too long,
    or ServiceUnavailable when a cold one cannot be read.
    """
    require_leave(caller, PREVIOUS)
    row_id = parse_id(response_id, PREVIOUS)
    steps = await _hot_thread(caller, row_id) or await _cold_thread(caller, row_id)
    last = steps[-1]
    if last.project_id != caller.project_id:
        raise unknown(response_id, PREVIOUS)
    if len(steps) >= MAX_STEPS:
        message = f"a thread has at most {MAX_STEPS} responses: begin a new one"
        raise InvalidRequest(message, param=PREVIOUS)
    return Thread(last.steps, tuple(turn for step in steps for turn in step.turns))


async def keep_hot(caller: Caller, thread: Thread, row_id: UUID, turns: tuple[Turn, ...]) -> None:
    """Keep the step that was just made where the next one looks first."""
    step = _Step(caller.project_id, (*thread.steps, row_id), turns)
    await hot_steps.write(caller.tenant_id, row_id, _encode(step))


async def _hot_thread(caller: Caller, row_id: UUID) -> list[_Step] | None:
    """Return the steps, None when one of them is not there or of another version."""
    try:
        (last,) = map(_decode, await hot_steps.read(caller.tenant_id, [row_id]))
        earlier = await hot_steps.read(caller.tenant_id, last.steps[:-1])
        return [*map(_decode, earlier), last]
    except (KeyError, TypeError, ValueError):
        return None


async def _cold_thread(caller: Caller, row_id: UUID) -> list[_Step]:
    try:
        steps = await in_database(_read_thread, caller.tenant_id, row_id)
    except (DatabaseError, InterfaceError) as error:
        raise ServiceUnavailable("the stored response cannot be read now") from error
    for step in steps:
        await hot_steps.write(caller.tenant_id, step.steps[-1], _encode(step))
    return steps


def _read_thread(tenant_id: UUID, row_id: UUID) -> list[_Step]:
    with tenant_scope(tenant_id):
        last = StoredResponse.objects.filter(id=row_id).first()
        if last is None:
            raise unknown(public_id(ID_PREFIX, row_id), PREVIOUS)
        path = _path_to(last)
        rows = StoredResponse.objects.in_bulk(path)
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
        "steps": [one.hex for one in step.steps],
        "turns": list(map(turn_record, step.turns)),
    }


def _decode(data: Mapping[str, Any]) -> _Step:
    steps = tuple(UUID(hex=one) for one in data["steps"])
    return _Step(UUID(hex=data["project"]), steps, tuple(map(turn_of, data["turns"])))
