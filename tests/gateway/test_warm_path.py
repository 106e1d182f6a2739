"""The hot path never touches the ORM: a warm request runs no SQL at all."""

from typing import Any

import pytest
import redis
from django.db.backends.utils import CursorWrapper
from redis.asyncio import Redis as AsyncRedis

from apps.api_keys.services import CreatedKey
from tests.factories.keys import make_key
from tests.factories.routing import Site, clause, make_rule, publish
from tests.gateway.asgi_client import get, post

CHAT = {"model": "sim-small", "messages": [{"role": "user", "content": "Hello"}]}
MESSAGES = {**CHAT, "max_tokens": 50}
ASK = {"messages": [{"role": "user", "content": "Hello"}]}
READ = (
    clause("message_text", "matches", "never"),
    clause("language", "is", "xx"),
    clause("time_of_day", "between", ["24:00", "24:00"]),
    clause("budget_left_percent", "less_than", 0),
    clause("header.x-team", "is", "blue"),
    clause("provider_down", "has", "nobody"),
)


class SqlOnTheHotPath(AssertionError):
    """A warm request has asked the data base."""


@pytest.fixture
def no_sql(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make any SQL of any thread fail, once it is called."""

    def refuse(_self: Any, sql: str, *_: Any) -> None:
        raise SqlOnTheHotPath(sql)

    def forbid() -> None:
        monkeypatch.setattr(CursorWrapper, "execute", refuse)
        monkeypatch.setattr(CursorWrapper, "executemany", refuse)

    yield forbid
    monkeypatch.undo()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions", {**CHAT, "stream": True}),
        ("/v1/messages", MESSAGES),
        ("/v1/messages", {**MESSAGES, "stream": True}),
        ("/v1/messages/count_tokens", MESSAGES),
        ("/api/v1/complete", ASK),
        ("/api/v1/route", ASK),
    ],
)
async def test_request__of_a_warm_key__runs_no_sql(
    key: CreatedKey, event_loop_clients: None, no_sql: Any, path: str, body: dict[str, Any]
) -> None:
    assert (await post(path, body, key.clear)).status == 200
    no_sql()
    answer = await post(path, body, key.clear)
    assert answer.status == 200, answer.body


@pytest.fixture
def reading_key(site: Site) -> CreatedKey:
    """A key with a budget, on a site whose rules read every fact that costs something."""
    for condition in READ:
        make_rule(site.tenant, conditions={"all": [condition]}, affinity="prefix")
    publish(site.tenant)
    return make_key(site.project, monthly_budget=10_000_000)


@pytest.mark.django_db(transaction=True)
async def test_request__of_rules_that_read_everything__runs_no_sql(
    reading_key: CreatedKey, event_loop_clients: None, no_sql: Any
) -> None:
    assert (await post("/v1/chat/completions", CHAT, reading_key.clear)).status == 200
    no_sql()
    answer = await post("/v1/chat/completions", CHAT, reading_key.clear)
    assert answer.status == 200, answer.body


@pytest.mark.django_db(transaction=True)
async def test_models__of_a_warm_key__are_listed_without_sql(
    key: CreatedKey, event_loop_clients: None, no_sql: Any
) -> None:
    first = await get("/v1/models", key.clear)
    no_sql()
    again = await get("/v1/models", key.clear)
    assert [model["id"] for model in again.json()["data"]] == ["auto", *_simulated()]
    assert again.body == first.body


@pytest.mark.django_db(transaction=True)
async def test_guard_itself__a_cold_key__is_caught(
    key: CreatedKey, event_loop_clients: None, no_sql: Any
) -> None:
    no_sql()
    answer = await post("/v1/chat/completions", CHAT, key.clear)
    assert answer.status == 500


def _simulated() -> list[str]:
    return ["sim-large", "sim-long", "sim-small"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fields", [{}, {"stream": True}])
async def test_plain_chat__of_a_warm_key__makes_no_trip_for_thoughts(
    key: CreatedKey,
    event_loop_clients: None,
    redis_client: redis.Redis,
    fields: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = {**CHAT, **fields}
    await post("/v1/chat/completions", body, key.clear)
    trips = _noted_trips(monkeypatch)
    assert (await post("/v1/chat/completions", body, key.clear)).status == 200
    # To admit and to settle.
    assert [name for name in trips if name in ("EVALSHA", "MGET")] == ["EVALSHA", "EVALSHA"]
    assert not redis_client.keys("*:thoughts:*")


def _noted_trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every command of this process on its way: the server itself serves other tests too."""
    noted: list[str] = []
    send: Any = AsyncRedis.execute_command

    def note(client: AsyncRedis, *arguments: Any, **options: Any) -> Any:
        noted.append(str(arguments[0]))
        return send(client, *arguments, **options)

    monkeypatch.setattr(AsyncRedis, "execute_command", note)
    return noted
