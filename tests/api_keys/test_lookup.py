"""From a token to a caller: memory, Redis, data base; and what happens without them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.api_keys import lookup
from apps.api_keys.hashing import new_key, parse_key
from apps.api_keys.lookup import authenticate, forget_in_memory, redis_key
from apps.api_keys.models import ApiKey
from apps.api_keys.services import CreatedKey, revoke_key
from apps.api_keys.types import Caller
from apps.audit.types import SYSTEM
from apps.core.clock import utc_now
from apps.core.crypto import seal
from apps.core.database import in_database
from apps.core.errors import AuthenticationFailed, ServiceUnavailable
from apps.core.scoping import all_tenants
from apps.tenants.models import Project
from tests.factories.keys import caller_of_key, make_key
from tests.factories.process import postgres_gone, redis_gone

POLICY = ("allowed_regions", "data_class")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]


@pytest.fixture
def key() -> CreatedKey:
    return make_key()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The look-ups that went to the data base."""
    asked: list[str] = []

    def read(name: str) -> Any:
        asked.append(name)
        return read_from_database(name)

    read_from_database = lookup.read_from_database
    monkeypatch.setattr(lookup, "read_from_database", read)
    return asked


def name_of(key: CreatedKey) -> str:
    return redis_key(key.row.lookup)


def let_changes_settle(client: redis.Redis, key: CreatedKey) -> None:
    """As ten seconds later: the mark of the last change is gone."""
    client.delete(name_of(key))


def change(model: Any, pk: Any, **fields: Any) -> None:
    with all_tenants("tests"):
        row = model.objects.get(pk=pk)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()


async def test_key__asked_three_times__is_read_from_each_place_once(
    key: CreatedKey, reads: list[str], redis_client: redis.Redis
) -> None:
    let_changes_settle(redis_client, key)
    first = await authenticate(key.clear)
    assert len(reads) == 1
    assert redis_client.ttl(name_of(key)) > 200
    redis_client.delete(name_of(key))
    assert await authenticate(key.clear) == first
    forget_in_memory()
    assert await authenticate(key.clear) == first
    assert len(reads) == 2
    forget_in_memory()
    assert await authenticate(key.clear) == first
    assert len(reads) == 2


async def test_caller__from_redis__is_the_one_from_the_data_base(redis_client: redis.Redis) -> None:
    made = await in_database(
        lambda: make_key(
            tags=["gold", "web"],
            allowed_models=["fast"],
            requests_per_minute=5,
            monthly_budget=7,
            expires_at=utc_now() + dt.timedelta(days=1),
        )
    )
    let_changes_settle(redis_client, made)
    from_base = await authenticate(made.clear)
    forget_in_memory()
    from_redis = await authenticate(made.clear)
    assert from_redis == from_base == await in_database(caller_of_key, made.row)
    assert (from_redis.tags, from_redis.monthly_budget) == (("gold", "web"), 7)


async def test_key__that_nobody_has__is_refused_and_remembered(
    reads: list[str], redis_client: redis.Redis
) -> None:
    stranger = new_key()
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            await authenticate(stranger.clear)
    forget_in_memory()
    with pytest.raises(AuthenticationFailed):
        await authenticate(stranger.clear)
    assert len(reads) == 1
    assert 0 < redis_client.ttl(redis_key(stranger.lookup)) <= 10


@pytest.mark.parametrize("token", ["", "x", "llmr_short_x", "sk-ant-123"])
async def test_token__of_another_shape__asks_nobody(token: str, reads: list[str]) -> None:
    with pytest.raises(AuthenticationFailed):
        await authenticate(token)
    assert reads == []


async def test_secret__of_another_key__is_refused(key: CreatedKey) -> None:
    parts = parse_key(key.clear)
    assert parts is not None
    with pytest.raises(AuthenticationFailed):
        await authenticate(f"llmr_{parts.lookup}_{new_key().secret}")
    assert (await authenticate(key.clear)).key_id == key.row.pk


async def test_key__revoked_while_in_use__is_refused_once_memory_forgets(key: CreatedKey) -> None:
    await authenticate(key.clear)
    await in_database(lambda: revoke(key))
    forget_in_memory()
    with pytest.raises(AuthenticationFailed):
        await authenticate(key.clear)


async def test_key__revoked_while_a_reader_holds_the_old_row__is_not_put_back(
    key: CreatedKey, monkeypatch: pytest.MonkeyPatch, redis_client: redis.Redis
) -> None:
    let_changes_settle(redis_client, key)
    read_from_database = lookup.read_from_database

    def read_then_lose_the_race(name: str) -> Any:
        record = read_from_database(name)
        revoke(key)
        return record

    with monkeypatch.context() as patch:
        patch.setattr(lookup, "read_from_database", read_then_lose_the_race)
        await authenticate(key.clear)
    forget_in_memory()
    with pytest.raises(AuthenticationFailed):
        await authenticate(key.clear)


async def test_memory__older_than_five_seconds__asks_again(
    key: CreatedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(lookup, "monotonic_seconds", lambda: now[0])
    await authenticate(key.clear)
    await in_database(lambda: revoke(key))
    now[0] += 4.9
    await authenticate(key.clear)
    now[0] += 0.2
    with pytest.raises(AuthenticationFailed):
        await authenticate(key.clear)


async def test_key__past_its_expiry__is_refused_though_it_is_cached(
    key: CreatedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = utc_now() + dt.timedelta(seconds=30)
    await in_database(lambda: change(ApiKey, key.row.pk, expires_at=soon))
    await authenticate(key.clear)
    later = round(soon.timestamp() * 1000)
    monkeypatch.setattr(lookup, "unix_ms", lambda: later)
    with pytest.raises(AuthenticationFailed, match="expired"):
        await authenticate(key.clear)


@pytest.mark.parametrize("owner", ["tenant", "project"])
async def test_key__of_an_inactive_owner__is_refused_and_comes_back(
    key: CreatedKey, owner: str
) -> None:
    row = getattr(key.row.project, owner) if owner == "tenant" else key.row.project
    await authenticate(key.clear)
    await in_database(lambda: change(type(row), row.pk, is_active=False))
    forget_in_memory()
    with pytest.raises(AuthenticationFailed):
        await authenticate(key.clear)
    await in_database(lambda: change(type(row), row.pk, is_active=True))
    forget_in_memory()
    assert (await authenticate(key.clear)).key_id == key.row.pk


async def test_copy__tampered_with_in_redis__is_ignored_and_replaced(
    key: CreatedKey, reads: list[str], redis_client: redis.Redis
) -> None:
    let_changes_settle(redis_client, key)
    await authenticate(key.clear)
    good: Any = redis_client.get(name_of(key))
    for bad in (b"{}", b"", good[:-4] + b"AAAA", b"v1.test.AAAA", b"\xff\xfe"):
        redis_client.set(name_of(key), bad)
        forget_in_memory()
        asked = len(reads)
        assert (await authenticate(key.clear)).key_id == key.row.pk
        assert len(reads) == asked + 1
        assert redis_client.get(name_of(key)) != bad


async def test_copy__of_another_key_put_in_its_place__is_ignored(
    key: CreatedKey, redis_client: redis.Redis
) -> None:
    other = await in_database(make_key)
    for made in (key, other):
        let_changes_settle(redis_client, made)
        await authenticate(made.clear)
    stolen: Any = redis_client.get(name_of(other))
    redis_client.set(name_of(key), stolen)
    forget_in_memory()
    assert (await authenticate(key.clear)).key_id == key.row.pk


async def test_redis_away__key_is_read_from_the_data_base(key: CreatedKey, settings: Any) -> None:
    with redis_gone(settings):
        assert (await authenticate(key.clear)).key_id == key.row.pk
        with pytest.raises(AuthenticationFailed):
            await authenticate(new_key().clear)


async def test_both_away__unknown_key__is_503_and_never_401(settings: Any) -> None:
    with redis_gone(settings), postgres_gone(), pytest.raises(ServiceUnavailable) as told:
        await authenticate(new_key().clear)
    assert told.value.http_status == 503
    assert told.value.retry_after_seconds


async def test_both_away__key_in_memory__serves_ten_seconds_longer(
    key: CreatedKey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(lookup, "monotonic_seconds", lambda: now[0])
    await authenticate(key.clear)
    with redis_gone(settings), postgres_gone():
        now[0] += 9.0
        assert (await authenticate(key.clear)).key_id == key.row.pk
        now[0] += 2.0
        with pytest.raises(ServiceUnavailable):
            await authenticate(key.clear)


async def test_data_base_away__key_in_redis__is_served(
    key: CreatedKey, redis_client: redis.Redis
) -> None:
    let_changes_settle(redis_client, key)
    await authenticate(key.clear)
    forget_in_memory()
    with postgres_gone():
        assert (await authenticate(key.clear)).key_id == key.row.pk


def test_change_of_a_key__drops_its_copy_after_the_commit_only(
    key: CreatedKey, redis_client: redis.Redis
) -> None:
    redis_client.set(name_of(key), b"copy")
    with all_tenants("tests"):
        row = ApiKey.objects.get(pk=key.row.pk)
        row.name = "renamed"
        row.save()
        assert redis_client.get(name_of(key)) == b"copy"
    assert redis_client.get(name_of(key)) == lookup.CHANGED
    assert 0 < redis_client.ttl(name_of(key)) <= lookup.CHANGED_SECONDS


def test_reading_a_key__costs_one_query_beside_its_scope(key: CreatedKey) -> None:
    with CaptureQueriesContext(connection) as queries:
        lookup.read_from_database(key.row.lookup)
    selects = [query for query in queries if "api_keys_apikey" in query["sql"]]
    assert len(selects) == 1


def revoke(key: CreatedKey) -> None:
    with all_tenants("tests"):
        revoke_key(row=ApiKey.objects.get(pk=key.row.pk), actor=SYSTEM)


@pytest.fixture(autouse=True)
def _no_memory() -> Iterator[None]:
    forget_in_memory()
    yield
    forget_in_memory()


async def test_copy__of_before_a_project_had_a_policy__still_stands_for_its_caller(
    key: CreatedKey, reads: list[str], redis_client: redis.Redis
) -> None:
    let_changes_settle(redis_client, key)
    first = await authenticate(key.clear)
    older = {name: getattr(first, name) for name in Caller.__slots__ if name not in POLICY}
    row = key.row.lookup
    body = orjson.dumps(
        {"digest": key.row.digest, "caller": {**older, "scopes": sorted(first.scopes)}}
    )
    sealed = seal(body.decode(), purpose=lookup.PURPOSE, tenant_id=None, row_id=lookup._row_id(row))
    redis_client.set(name_of(key), sealed)
    forget_in_memory()
    assert await authenticate(key.clear) == first
    assert len(reads) == 1


async def test_policy__of_the_project__is_the_callers(
    key: CreatedKey, redis_client: redis.Redis
) -> None:
    assert (await authenticate(key.clear)).allowed_regions == ()
    policy = {"allowed_regions": ["eu", "br"], "data_class": "personal"}
    await in_database(change, Project, key.row.project_id, **policy)
    forget_in_memory()
    for _ in range(2):
        caller = await authenticate(key.clear)
        assert (caller.allowed_regions, caller.data_class) == (("eu", "br"), "personal")
        forget_in_memory()
