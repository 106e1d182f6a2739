"""Histories: begun, continued from either copy, never overwritten, never another project's."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import redis

from apps.api_keys.types import Caller
from apps.audit.models import AuditEntry
from apps.audit.types import SYSTEM
from apps.conversations import context_manager, hot_copies
from apps.conversations.models import Conversation
from apps.conversations.models import Turn as TurnRow
from apps.conversations.selectors import open_turns
from apps.conversations.store import hot_conversations
from apps.conversations.types import Context
from apps.core.chat import Role, Text, TokenUsage, Turn
from apps.core.crypto import seal
from apps.core.database import in_database
from apps.core.errors import (
    AccessDenied,
    Conflict,
    ContentStorageOff,
    NotFound,
    ServiceUnavailable,
)
from apps.core.ids import public_id
from apps.core.scoping import all_tenants, tenant_scope
from apps.core.tokens import estimate_turn
from apps.tenants.models import Project
from tests.conversations.full_turns import ANSWERED, ASKED, CALLED, FULL
from tests.conversations.histories import make_conversation
from tests.factories.keys import caller_of_key, make_key
from tests.factories.people import make_project
from tests.factories.process import postgres_gone, redis_gone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]


def said(role: Role, text: str) -> Turn:
    return Turn(role, (Text(text),))


QUESTION = said("user", "What is blue?")
ANSWER = said("assistant", "The sky.")


def _new_caller(**project: Any) -> Caller:
    return caller_of_key(make_key(make_project(**{"store_content": True, **project})).row)


async def new_caller(**project: Any) -> Caller:
    return await in_database(_new_caller, **project)


async def begun(caller: Caller) -> Context:
    """Return a conversation with one question and its answer."""
    empty = await context_manager.load(caller, "new")
    return await context_manager.append(caller, empty, (QUESTION, ANSWER), TokenUsage(4, 3))


def _stored(conversation_id: UUID) -> list[tuple[str, str, int]]:
    with all_tenants("tests"):
        conversation = Conversation.objects.get(pk=conversation_id)
        turns = open_turns(conversation, first=0, limit=100)
        assert conversation.turn_count == len(turns)
        return [(turn.role, turn.text, turn.tokens) for turn in turns]


async def test_load__new__is_empty_and_has_no_row_yet() -> None:
    caller = await new_caller()
    context = await context_manager.load(caller, "new")
    assert (context.is_new, context.history, context.position) == (True, (), 0)
    with pytest.raises(NotFound):
        await context_manager.load(caller, context.id)


async def test_append__first_turn__is_stored_encrypted_and_counted() -> None:
    context = await begun(await new_caller())
    kept = await in_database(_stored, context.conversation_id)
    assert [(role, text) for role, text, _ in kept] == [
        ("user", "What is blue?"),
        ("assistant", "The sky."),
    ]
    assert kept[1][2] == 3
    assert "The sky" not in await in_database(_everything_stored)


def _everything_stored() -> str:
    with all_tenants("tests"):
        return repr([*TurnRow.objects.values(), *Conversation.objects.values()])


@pytest.mark.parametrize("is_cold", [False, True])
async def test_load__hot_or_cold__is_the_same_history(
    is_cold: bool, redis_client: redis.Redis
) -> None:
    caller = await new_caller()
    context = await begun(caller)
    if is_cold:
        redis_client.flushdb()
    loaded = await context_manager.load(caller, context.id)
    assert (loaded.history, loaded.position) == ((QUESTION, ANSWER), 2)
    assert loaded == context


async def test_load__hot_with_the_data_base_away__still_continues() -> None:
    caller = await new_caller()
    context = await begun(caller)
    with postgres_gone():
        assert (await context_manager.load(caller, context.id)).history == (QUESTION, ANSWER)


async def test_load__cold_with_the_data_base_away__is_an_outage_not_a_missing_one(
    redis_client: redis.Redis,
) -> None:
    caller = await new_caller()
    context = await begun(caller)
    redis_client.flushdb()
    with postgres_gone(), pytest.raises(ServiceUnavailable):
        await context_manager.load(caller, context.id)


async def test_load__with_redis_away__reads_the_truth(settings: object) -> None:
    caller = await new_caller()
    context = await begun(caller)
    with redis_gone(settings):
        assert (await context_manager.load(caller, context.id)).position == 2


async def test_load__tampered_hot_copy__reads_the_truth(redis_client: redis.Redis) -> None:
    caller = await new_caller()
    context = await begun(caller)
    key = hot_conversations.key(caller.tenant_id, context.conversation_id)
    kept = redis_client.get(key)
    assert isinstance(kept, bytes)
    for forged in (b"nonsense", kept[:-9] + b"AAAAAAAA=", b"\xff\xfe"):
        redis_client.set(key, forged)
        assert (await context_manager.load(caller, context.id)).history == (QUESTION, ANSWER)


async def test_load__hot_copy_of_another_conversation__is_not_taken(
    redis_client: redis.Redis,
) -> None:
    caller = await new_caller()
    one, other = await begun(caller), await begun(caller)
    mine = hot_conversations.key(caller.tenant_id, one.conversation_id)
    kept = redis_client.get(hot_conversations.key(caller.tenant_id, other.conversation_id))
    assert isinstance(kept, bytes)
    redis_client.set(mine, kept)
    assert (await context_manager.load(caller, one.id)).conversation_id == one.conversation_id


@pytest.mark.parametrize("is_cold", [False, True])
async def test_load__of_another_project__is_not_found(
    is_cold: bool, redis_client: redis.Redis
) -> None:
    caller = await new_caller()
    context = await begun(caller)
    if is_cold:
        redis_client.flushdb()
    neighbour = replace(caller, project_id=UUID(int=1))
    stranger = await new_caller()
    for other in (neighbour, stranger):
        with pytest.raises(NotFound):
            await context_manager.load(other, context.id)


@pytest.mark.parametrize("text", ["conv_1", "job_" + "0" * 32, "x", "conv_" + "0" * 32])
async def test_load__what_is_no_conversation__is_not_found(text: str) -> None:
    with pytest.raises(NotFound) as refused:
        await context_manager.load(await new_caller(), text)
    assert refused.value.param == "conversation_id"


async def test_load__project_that_stores_no_content__is_refused() -> None:
    with pytest.raises(ContentStorageOff) as refused:
        await context_manager.load(await new_caller(store_content=False), "new")
    assert refused.value.http_status == 409


async def test_load__key_without_the_scope__is_refused() -> None:
    caller = replace(await new_caller(), scopes=frozenset({"run"}))
    with pytest.raises(AccessDenied):
        await context_manager.load(caller, "new")


async def test_append__on_a_newer_history__is_a_conflict_and_overwrites_nothing() -> None:
    caller = await new_caller()
    context = await begun(caller)
    seen = await context_manager.load(caller, context.id)
    await context_manager.append(caller, seen, (said("user", "first"),))
    with pytest.raises(Conflict) as refused:
        await context_manager.append(caller, seen, (said("user", "second"),))
    assert refused.value.details == {"turns_seen": 2, "turns_now": 3}
    texts = [text for _, text, _ in await in_database(_stored, context.conversation_id)]
    assert texts == ["What is blue?", "The sky.", "first"]
    again = await context_manager.load(caller, context.id)
    assert again.position == 3


async def test_append__to_a_deleted_conversation__is_not_found() -> None:
    caller = await new_caller()
    context = await begun(caller)
    await in_database(_delete, caller.tenant_id, context.conversation_id)
    with pytest.raises(NotFound):
        await context_manager.append(caller, context, (QUESTION,))


async def test_delete__conversation__leaves_no_copy_and_one_entry_in_the_trail(
    redis_client: redis.Redis,
) -> None:
    caller = await new_caller()
    context = await begun(caller)
    await in_database(_delete, caller.tenant_id, context.conversation_id)
    assert (
        redis_client.get(hot_conversations.key(caller.tenant_id, context.conversation_id)) is None
    )
    with pytest.raises(NotFound):
        await context_manager.load(caller, context.id)
    trail = await in_database(_trail, caller.tenant_id)
    assert trail[-1] == ("conversations.deleted", {"turns": 2})


def _delete(tenant_id: UUID, conversation_id: UUID) -> None:
    with tenant_scope(tenant_id):
        conversation = Conversation.objects.get(pk=conversation_id)
        context_manager.delete_conversation(conversation=conversation, actor=SYSTEM)


def _trail(tenant_id: UUID) -> list[tuple[str, object]]:
    with tenant_scope(tenant_id):
        return list(AuditEntry.objects.order_by("sequence").values_list("action", "changes"))


async def test_fit__long_history__keeps_the_newest_whole_turns_that_fit() -> None:
    caller = await new_caller()
    context = await begun(caller)
    for number in range(30):
        words = f"Number {number}. " + "word " * 100
        pair = (said("user", words), said("assistant", words))
        context = await context_manager.append(caller, context, pair)
    kept = context_manager.fit(context, (QUESTION,), max_tokens=1_000)
    assert kept[-1] == QUESTION
    assert kept[0].role == "user"
    assert kept[:-1] == context.history[-len(kept[:-1]) :]
    assert 2 < len(kept) < 20


@pytest.mark.parametrize("is_cold", [False, True])
async def test_x4__turns_with_everything__are_kept_without_a_loss(
    is_cold: bool, redis_client: redis.Redis
) -> None:
    caller = await new_caller()
    empty = await context_manager.load(caller, "new")
    context = await context_manager.append(caller, empty, FULL, TokenUsage(90, 7))
    if is_cold:
        redis_client.flushdb()
    loaded = await context_manager.load(caller, context.id)
    assert loaded.history == FULL
    assert loaded == context
    assert [stored.tokens for stored in loaded.turns[:3]] == [
        estimate_turn("", turn) for turn in FULL[:3]
    ]
    assert loaded.turns[3].tokens == 7
    kept = await in_database(_everything_stored)
    assert not any(word in kept for word in ("Look it up", "sunny", "weather", "sig-1"))


async def test_x4__turns_of_an_earlier_version__are_read_as_texts_and_continued(
    redis_client: redis.Redis,
) -> None:
    caller = await new_caller()
    context = await in_database(_old_conversation, caller)
    loaded = await context_manager.load(caller, context)
    assert loaded.history == (QUESTION, ANSWER)
    following = await context_manager.append(caller, loaded, FULL)
    redis_client.flushdb()
    assert (await context_manager.load(caller, following.id)).history == (QUESTION, ANSWER, *FULL)


def _old_conversation(caller: Caller) -> str:
    with all_tenants("tests"):
        project = Project.objects.get(pk=caller.project_id)
    messages = [QUESTION.as_message(), ANSWER.as_message()]
    return public_id("conv", make_conversation(project, messages).id)


async def test_hot_copy__of_an_earlier_version__is_a_miss(redis_client: redis.Redis) -> None:
    caller = await new_caller()
    context = await begun(caller)
    key = hot_conversations.key(caller.tenant_id, context.conversation_id)
    for older in ({"turns": [["user", "x", 1]]}, {"version": 1, "turns": []}):
        text = json.dumps({"project": caller.project_id.hex, "position": 1, **older})
        sealed = seal(
            text,
            purpose=hot_conversations.purpose,
            tenant_id=caller.tenant_id,
            row_id=context.conversation_id,
        )
        redis_client.set(key, sealed)
        assert (await context_manager.load(caller, context.id)).history == (QUESTION, ANSWER)


async def test_hot_copy__that_would_be_too_large__is_dropped_and_the_truth_is_read(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await new_caller()
    context = await begun(caller)
    key = hot_conversations.key(caller.tenant_id, context.conversation_id)
    assert redis_client.get(key)
    monkeypatch.setattr(hot_copies, "MOST_CHARACTERS", 500)
    long = said("user", "word " * 200)
    await context_manager.append(caller, context, (long,))
    assert redis_client.get(key) is None
    assert (await context_manager.load(caller, context.id)).history == (QUESTION, ANSWER, long)


async def test_fit__results_of_a_call_that_no_longer_fits__keep_it_all_the_same() -> None:
    caller = await new_caller()
    empty = await context_manager.load(caller, "new")
    context = await context_manager.append(caller, empty, (QUESTION, ANSWER, ASKED, CALLED))
    kept = context_manager.fit(context, (ANSWERED,), max_tokens=1)
    assert kept == (ASKED, CALLED, ANSWERED)
    assert context_manager.fit(context, (QUESTION,), max_tokens=1) == (QUESTION,)
