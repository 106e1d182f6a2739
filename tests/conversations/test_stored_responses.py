"""Stored responses: continued from either copy, in branches, by their own project alone."""

import asyncio
import datetime as dt
import threading
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import connection

from apps.api_keys.types import Caller
from apps.audit.models import AuditEntry
from apps.conversations import response_threads, stored_responses
from apps.conversations.hot_copies import GONE
from apps.conversations.models import StoredResponse
from apps.conversations.response_rows import NewResponse, Thread
from apps.conversations.response_threads import hot_steps, load
from apps.conversations.stored_responses import delete, drop_old, read_body, save
from apps.core.chat import Message, Text, Thinking, ToolCall, ToolResult, Turn
from apps.core.clock import utc_now
from apps.core.database import in_database
from apps.core.errors import (
    AccessDenied,
    ContentStorageOff,
    InvalidRequest,
    NotFound,
    ServiceUnavailable,
)
from apps.core.ids import new_id, public_id
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.models import Tenant
from tests.factories.keys import caller_of_key, make_key
from tests.factories.people import make_project
from tests.factories.process import postgres_gone, redis_gone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]
CALLED = Turn("assistant", (Thinking("hm", "sig", "", "anthropic"), ToolCall("c1", "f", "{}")))
RESULT = Turn("tool", (ToolResult("c1", (Text("22"),)),))


def _new_caller(*, scopes: list[str] | None = None, **project: Any) -> Caller:
    made = make_project(**{"store_content": True, **project})
    return caller_of_key(make_key(made, **({"scopes": scopes} if scopes else {})).row)


async def new_caller(**fields: Any) -> Caller:
    return await in_database(_new_caller, **fields)


async def stored(caller: Caller, previous: str = "", *turns: Turn) -> str:
    """Store a response that continues another one; return its id."""
    row_id = new_id()
    thread = await load(caller, previous) if previous else Thread()
    body = {"id": shown(row_id), "model": "m", "status": "completed"}
    said = turns or (Message("user", "Hello").as_turn(), Message("assistant", "Hi").as_turn())
    assert await save(caller, thread, NewResponse(row_id, said, body, "ana"))
    return shown(row_id)


def shown(row_id: UUID) -> str:
    return public_id("resp", row_id)


def row_of(response_id: str) -> UUID:
    return UUID(hex=response_id.removeprefix("resp_"))


async def is_unknown(caller: Caller, response_id: str) -> bool:
    try:
        await load(caller, response_id)
    except NotFound as error:
        return error.param == "previous_response_id"
    return False


async def test_load__hot_and_cold__is_the_same_thread_in_full(redis_client: redis.Redis) -> None:
    caller = await new_caller()
    first = await stored(caller, "", Message("user", "Rome?").as_turn(), CALLED)
    second = await stored(caller, first, RESULT, Message("assistant", "Sunny.").as_turn())
    hot = await load(caller, second)
    assert hot.steps == (row_of(first), row_of(second))
    assert hot.turns[1:3] == (CALLED, RESULT)
    redis_client.flushdb()
    assert await load(caller, second) == hot
    # What was read is hot again.
    with postgres_gone():
        assert await load(caller, second) == hot


async def test_load__one_response_continued_twice__gives_two_branches() -> None:
    caller = await new_caller()
    root = await stored(caller)
    leaves = [await stored(caller, root, Message("user", name).as_turn()) for name in ("a", "b")]
    for leaf, name in zip(leaves, ("a", "b"), strict=True):
        texts = [turn.as_message().text for turn in (await load(caller, leaf)).turns]
        assert texts == ["Hello", "Hi", name]


async def test_load__by_anyone_else__is_not_found() -> None:
    caller = await new_caller()
    response_id = await stored(caller)
    tenant = await in_database(_tenant_of, caller)
    for other in (await new_caller(), await new_caller(tenant=tenant)):
        assert await is_unknown(other, response_id)
        for refused in (read_body(other, response_id), delete(other, response_id)):
            with pytest.raises(NotFound):
                await refused
        assert await stored_responses.read_bodies(other, [row_of(response_id)]) == {}
    assert (await read_body(caller, response_id))["id"] == response_id


def _tenant_of(caller: Caller) -> Tenant:
    with all_tenants("tests"):
        found: Tenant = Tenant.objects.get(id=caller.tenant_id)
        return found


@pytest.mark.parametrize("text", ["", "resp_", "resp_x", "conv_" + "0" * 32, "resp_" + "0" * 32])
async def test_load__what_is_no_id_of_ours__is_not_found(text: str) -> None:
    assert await is_unknown(await new_caller(), text)


async def test_leave__without_scope_or_storage__is_refused() -> None:
    unscoped = await new_caller(scopes=["run"])
    unstoring = await new_caller(store_content=False)
    for caller, refusal in ((unscoped, AccessDenied), (unstoring, ContentStorageOff)):
        for refused in (load(caller, "resp_1"), read_body(caller, "resp_1")):
            with pytest.raises(refusal):
                await refused
    with pytest.raises(AccessDenied):
        await delete(unscoped, "resp_1")


async def test_delete__where_no_more_is_stored__still_deletes() -> None:
    caller = await new_caller()
    response_id = await stored(caller)
    await delete(replace(caller, stores_content=False), response_id)
    assert await is_unknown(caller, response_id)


async def test_hot_copy__of_what_was_deleted_meanwhile__does_not_come_back(
    redis_client: redis.Redis,
) -> None:
    caller = await new_caller()
    response_id = await stored(caller)
    redis_client.flushdb()
    # A reader has the row in its hands when it is deleted, and writes its copy afterwards.
    copy = {"project": caller.project_id.hex, "steps": row_of(response_id).hex, "turns": []}
    await delete(caller, response_id)
    await hot_steps.write(caller.tenant_id, row_of(response_id), copy)
    assert await is_unknown(caller, response_id)


async def test_save__while_the_table_is_locked__gives_up_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stored_responses, "SAVING_SECONDS", 0.2)
    caller = await new_caller()
    locked, done = threading.Event(), threading.Event()
    holder = asyncio.create_task(asyncio.to_thread(_hold_lock, locked, done))
    await asyncio.to_thread(locked.wait, 5.0)
    try:
        new = NewResponse(new_id(), (), {"model": "m", "status": "completed"})
        assert not await save(caller, Thread(), new)
    finally:
        done.set()
        await holder


def _hold_lock(locked: threading.Event, done: threading.Event) -> None:
    with all_tenants("tests"), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE conversations_storedresponse IN ACCESS EXCLUSIVE MODE")
        locked.set()
        done.wait(5.0)
    connection.close()


async def test_load__thread_at_its_limit__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_threads, "MAX_STEPS", 2)
    caller = await new_caller()
    second = await stored(caller, await stored(caller))
    with pytest.raises(InvalidRequest) as told:
        await load(caller, second)
    assert told.value.param == "previous_response_id"


async def test_hot_copy__tampered_with_or_of_another_version__is_a_miss(
    redis_client: redis.Redis,
) -> None:
    caller = await new_caller()
    response_id = await stored(caller)
    thread = await load(caller, response_id)
    key = hot_steps.key(caller.tenant_id, row_of(response_id))
    redis_client.set(key, b"v1.x.rubbish")
    assert await load(caller, response_id) == thread
    await hot_steps.write(caller.tenant_id, row_of(response_id), {"steps": [], "of": "tomorrow"})
    assert await load(caller, response_id) == thread


async def test_faults__of_either_store__lose_no_answer(settings: Any) -> None:
    caller = await new_caller()
    first = await stored(caller)
    new = NewResponse(new_id(), (CALLED,), {"model": "m", "status": "completed"})
    with redis_gone(settings):
        second = await stored(caller, first)
        assert len((await load(caller, second)).steps) == 2
    with postgres_gone():
        assert await save(caller, Thread(), new) is False
        with pytest.raises(ServiceUnavailable):
            await read_body(caller, second)
        with pytest.raises(ServiceUnavailable):
            await delete(caller, second)
    assert await is_unknown(caller, shown(new.id))


async def test_delete__of_one_step__ends_what_continues_it(redis_client: redis.Redis) -> None:
    caller = await new_caller()
    first = await stored(caller)
    middle = await stored(caller, first)
    last = await stored(caller, middle)
    await delete(caller, middle)
    assert redis_client.get(hot_steps.key(caller.tenant_id, row_of(middle))) == GONE
    assert [await is_unknown(caller, one) for one in (first, middle, last)] == [False, True, True]
    assert (await read_body(caller, last))["id"] == last
    assert await in_database(_actions, caller) == ["responses.deleted"]


def _actions(caller: Caller) -> list[str]:
    with tenant_scope(caller.tenant_id):
        entries = AuditEntry.objects.filter(action__startswith="responses.")
        return list(entries.values_list("action", flat=True))


async def test_rows__at_rest__hold_no_words_and_say_who_asked() -> None:
    caller = await new_caller()
    response_id = await stored(caller, "", Message("user", "a secret word").as_turn())
    row = await in_database(_row, row_of(response_id))
    assert (row["key_name"], row["user"], row["llm_model"]) == (caller.key_name, "ana", "m")
    assert "secret word" not in str(row)


def _row(row_id: UUID) -> dict[str, Any]:
    with all_tenants("tests"):
        found: dict[str, Any] = StoredResponse.objects.values().get(id=row_id)
        return found


async def test_drop_old__silent_threads__go_and_living_ones_stay_whole() -> None:
    caller = await new_caller()
    silent, living = await stored(caller), await stored(caller)
    newest = await stored(caller, living)
    await in_database(_age, [row_of(silent), row_of(living)])
    assert await in_database(drop_old) == 1
    assert await in_database(_ids) == {row_of(living), row_of(newest)}
    assert await is_unknown(caller, silent)


def _age(row_ids: list[UUID]) -> None:
    with all_tenants("tests"):
        rows = StoredResponse.objects.filter(id__in=row_ids)
        rows.update(created_at=utc_now() - dt.timedelta(days=31))


def _ids() -> set[UUID]:
    with all_tenants("tests"):
        return set(StoredResponse.objects.values_list("id", flat=True))
