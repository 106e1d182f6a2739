"""The store of a worker: loads on first use, swaps on a publish, keeps tenants apart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.db import connection

from apps.audit.types import SYSTEM
from apps.core.clock import unix_ms
from apps.core.errors import ServiceUnavailable
from apps.core.redis import control_redis
from apps.core.scoping import all_tenants
from apps.providers.credentials import rotate_credential
from apps.providers.models import Credential
from apps.routing import documents, route_manager, snapshot_store
from apps.routing.documents import (
    CHANNEL,
    PLATFORM,
    VERSIONS_KEY,
    WORKERS_KEY,
    Document,
    acks_key,
    document_key,
    owner_of,
    publish_document,
)
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Health
from apps.routing.snapshot_store import Pinned, SnapshotStore
from apps.routing.types import Publication
from apps.tenants.models import Tenant
from tests.engine.records import make_facts, rule_record, tenant_records
from tests.factories.providers import SECRET, make_credential, make_deployment, make_model
from tests.factories.routing import (
    Site,
    make_alias,
    make_live_prompt,
    make_rule,
    make_site,
    publish,
)

pytestmark = pytest.mark.django_db(transaction=True)
type StartStore = Callable[[], Awaitable[SnapshotStore]]
WAIT_SECONDS = 3.0


def in_thread[**P, R](function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Return the function to be awaited; its thread leaves no connection open."""

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    async def awaited(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(run, *args, **kwargs)

    return awaited


@pytest.fixture
async def stores(closes_redis: None) -> AsyncIterator[StartStore]:
    """Start workers that listen; they are stopped at the end."""
    started: list[SnapshotStore] = []

    async def start() -> SnapshotStore:
        store = SnapshotStore()
        started.append(store)
        await store.start()
        await until(lambda: store.worker.encode() in _workers())
        return store

    yield start
    for store in started:
        await store.stop()


def _workers() -> list[bytes]:
    workers: Any = control_redis().zrange(WORKERS_KEY, 0, -1)
    return list(workers)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fails after a while."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():  # noqa: ASYNC110 - another process's state is watched
            await asyncio.sleep(0.01)


async def new_site(slug: str = "acme", **fields: Any) -> Site:
    return await in_thread(make_site)(slug, **fields)


async def published(tenant: Tenant | None) -> Publication:
    return await in_thread(publish)(tenant)


def rule_names(pinned: Pinned) -> list[str]:
    return [rule.name for rule in pinned.snapshot.rules]


def unusable(owner: str, version: int) -> Document:
    """Return a document that this version of the code cannot run."""
    records = tenant_records(rules=[rule_record(condition={"all": [{"field": "mood"}]})])
    return Document(owner, version, records, {})


def versions(store: SnapshotStore, owners: Iterable[UUID | None]) -> list[int]:
    return [store.version(owner) for owner in owners]


# --- loading -----------------------------------------------------------------------------------


async def test_pin__first_use__loads_the_pair(stores: StartStore) -> None:
    site = await new_site()
    await in_thread(make_rule)(site.tenant, name="VIP")
    await in_thread(make_alias)(site.tenant, "fast")
    await in_thread(make_live_prompt)(site.tenant)
    await published(site.tenant)
    store = await stores()
    assert versions(store, (None, site.tenant_id)) == [0, 0]
    pinned = await store.pin(site.tenant_id)
    assert store.is_ready
    assert (pinned.snapshot.platform_version, pinned.snapshot.tenant_version) == (1, 2)
    assert versions(store, (None, site.tenant_id)) == [1, 2]
    assert rule_names(pinned) == ["VIP"]
    assert set(pinned.prompts) == {"tone"}
    ids = {item.id for items in pinned.snapshot.deployments.values() for item in items}
    assert ids <= set(pinned.connections)


async def test_pin__again__is_the_same_object_without_redis(
    stores: StartStore, redis_client: redis.Redis
) -> None:
    site, store = await new_site(), await stores()
    pinned = await store.pin(site.tenant_id)
    redis_client.flushdb()
    assert await store.pin(site.tenant_id) is pinned


async def test_pin__by_many_at_once__reads_each_document_once(
    stores: StartStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, store, read = await new_site(), await stores(), []

    async def counted(owner: str) -> Document | None:
        read.append(owner)
        return await documents.read_document(owner)

    monkeypatch.setattr(snapshot_store, "read_document", counted)
    pinned = await asyncio.gather(*(store.pin(site.tenant_id) for _ in range(20)))
    assert sorted(read) == sorted([PLATFORM, owner_of(site.tenant_id)])
    assert all(item is pinned[0] for item in pinned)


async def test_pin__tenant_that_never_published__is_unavailable(stores: StartStore) -> None:
    await new_site()
    store = await stores()
    with pytest.raises(ServiceUnavailable):
        await store.pin(uuid4())


async def test_pin__redis_empty__loads_what_was_kept_on_disk(
    stores: StartStore, redis_client: redis.Redis
) -> None:
    site, store = await new_site(), await stores()
    await store.pin(site.tenant_id)
    redis_client.flushdb()
    pinned = await (await stores()).pin(site.tenant_id)
    assert pinned.snapshot.tenant_version == 1


async def test_pin__published_routing_unreadable__is_unavailable(stores: StartStore) -> None:
    site, store = await new_site(), await stores()
    publish_document(unusable(owner_of(site.tenant_id), 2))
    with pytest.raises(ServiceUnavailable):
        await store.pin(site.tenant_id)
    await published(site.tenant)
    assert (await store.pin(site.tenant_id)).snapshot.tenant_version == 3


async def test_warm__nothing_published__is_not_fatal(stores: StartStore) -> None:
    store = await stores()
    await store.warm()
    assert not store.is_ready


async def test_connections__sealed_secret__is_open_in_memory(stores: StartStore) -> None:
    site = await new_site()
    credential = await in_thread(make_credential)(tenant=site.tenant)
    model = await in_thread(make_model)(provider=credential.provider)
    deployment = await in_thread(make_deployment)(model, tenant=site.tenant, credential=credential)
    await published(site.tenant)
    pinned = await (await stores()).pin(site.tenant_id)
    assert pinned.connections[str(deployment.pk)].secret == SECRET


# --- publishes ---------------------------------------------------------------------------------


async def test_publish__to_listening_workers__is_acknowledged_within_a_second(
    stores: StartStore,
) -> None:
    site = await new_site()
    workers = [await stores() for _ in range(3)]
    before = [await store.pin(site.tenant_id) for store in workers]
    await in_thread(make_rule)(site.tenant, name="new")
    done = await published(site.tenant)
    assert set(done.acknowledged) == {store.worker for store in workers}
    assert done.late == ()
    assert done.milliseconds < 1_000
    # Whoever starts now gets the new version; whoever pinned before keeps the old one.
    for store, old in zip(workers, before, strict=True):
        assert rule_names(await store.pin(site.tenant_id)) == ["new"]
        assert rule_names(old) == []


async def test_publish__of_the_platform__reaches_every_pinned_tenant(stores: StartStore) -> None:
    first, second, store = await new_site(), await new_site("boa-vista"), await stores()
    for site in (first, second):
        await store.pin(site.tenant_id)
    await in_thread(make_rule)(None, name="for all")
    done = await published(None)
    assert done.acknowledged == (store.worker,)
    for site in (first, second):
        assert rule_names(await store.pin(site.tenant_id)) == ["for all"]


async def test_publish__owner_that_was_not_loaded__is_acknowledged_and_loaded_on_use(
    stores: StartStore,
) -> None:
    site, store = await new_site(), await stores()
    done = await published(site.tenant)
    assert done.acknowledged == (store.worker,)
    assert store.version(site.tenant_id) == 0
    assert (await store.pin(site.tenant_id)).snapshot.tenant_version == 2


async def test_publish__worker_that_does_not_listen__is_named_late(stores: StartStore) -> None:
    site, quick = await new_site(), await stores()
    control_redis().zadd(WORKERS_KEY, {"stuck": unix_ms()})
    done = await published(site.tenant)
    assert (done.acknowledged, done.late) == ((quick.worker,), ("stuck",))
    assert 1_000 <= done.milliseconds < 2_000


async def test_publish__document_that_cannot_be_used__keeps_the_old_one_and_is_named(
    stores: StartStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, store = await new_site(), await stores()
    pinned = await store.pin(site.tenant_id)
    document = unusable(owner_of(site.tenant_id), 2)
    monkeypatch.setattr(route_manager, "_document", lambda _release: document)
    done = await published(site.tenant)
    assert (done.acknowledged, done.late) == ((), (store.worker,))
    assert await store.pin(site.tenant_id) is pinned
    monkeypatch.undo()
    assert (await published(site.tenant)).late == ()
    assert (await store.pin(site.tenant_id)).snapshot.tenant_version == 3


async def test_publish__announcement_missed__is_caught_by_polling(stores: StartStore) -> None:
    site, store = await new_site(), await stores()
    await store.pin(site.tenant_id)
    owner = owner_of(site.tenant_id)
    document = Document(owner, 9, tenant_records(rules=[rule_record("silent")]), {})
    control_redis().set(document_key(owner), documents._seal(document))
    control_redis().hset(VERSIONS_KEY, owner, 9)
    await until(lambda: store.version(site.tenant_id) == 9)
    assert rule_names(await store.pin(site.tenant_id)) == ["silent"]
    await until(lambda: control_redis().hget(acks_key(owner), store.worker) == b"9")


async def test_publish__older_document__is_not_taken(stores: StartStore) -> None:
    site, store = await new_site(), await stores()
    await published(site.tenant)
    pinned = await store.pin(site.tenant_id)
    publish_document(Document(owner_of(site.tenant_id), 1, tenant_records(), {}))
    for announced in (1, 5):
        await store.refresh(owner_of(site.tenant_id), announced)
    assert await store.pin(site.tenant_id) is pinned


async def test_publish__tampered_document__changes_nothing(stores: StartStore) -> None:
    site, store = await new_site(), await stores()
    pinned = await store.pin(site.tenant_id)
    control_redis().set(document_key(owner_of(site.tenant_id)), "v1.test.AAAA")
    await store.refresh(owner_of(site.tenant_id), 5)
    assert await store.pin(site.tenant_id) is pinned


@pytest.mark.parametrize("message", ["", "rubbish", "platform:", "x:1", "platform:-1"])
async def test_channel__rubbish_on_it__does_not_end_the_watch(
    stores: StartStore, message: str
) -> None:
    site, store = await new_site(), await stores()
    await store.pin(site.tenant_id)
    control_redis().publish(CHANNEL, message)
    assert (await published(site.tenant)).acknowledged == (store.worker,)


async def test_watch__connection_lost__listens_again(stores: StartStore) -> None:
    site, store = await new_site(), await stores()
    await store.pin(site.tenant_id)
    assert control_redis().client_kill_filter(_type="pubsub") >= 1
    await published(site.tenant)
    await until(lambda: store.version(site.tenant_id) == 2)
    assert (await published(site.tenant)).acknowledged == (store.worker,)


async def test_workers__gone_for_long__are_forgotten(stores: StartStore) -> None:
    control_redis().zadd(WORKERS_KEY, {"gone": unix_ms() - 3_600_000})
    await stores()
    await until(lambda: b"gone" not in _workers())


async def test_rotation__of_a_credential__is_used_after_the_publish(stores: StartStore) -> None:
    site = await new_site()
    credential = await in_thread(make_credential)(tenant=site.tenant)
    model = await in_thread(make_model)(provider=credential.provider)
    deployment = await in_thread(make_deployment)(model, tenant=site.tenant, credential=credential)
    await published(site.tenant)
    store = await stores()
    await store.pin(site.tenant_id)
    await in_thread(_rotate)(credential)
    await published(site.tenant)
    pinned = await store.pin(site.tenant_id)
    assert pinned.connections[str(deployment.pk)].secret == "sk-new-new-new-new"


def _rotate(credential: Credential) -> None:
    with all_tenants("tests"):
        rotate_credential(actor=SYSTEM, credential=credential, secret="sk-new-new-new-new")


# --- two tenants -------------------------------------------------------------------------------


async def test_pin__of_one_tenant__shows_nothing_of_another(stores: StartStore) -> None:
    mine = await new_site(models=["sim-small"])
    theirs = await new_site("boa-vista")
    model = await in_thread(make_model)("shared-model")
    await in_thread(make_deployment)(model, tenant=theirs.tenant, name="theirs")
    await in_thread(make_rule)(theirs.tenant, name="theirs")
    await in_thread(make_alias)(theirs.tenant, "theirs")
    await in_thread(make_live_prompt)(theirs.tenant, "theirs")
    for tenant in (None, mine.tenant, theirs.tenant):
        await published(tenant)
    store = await stores()
    other = await store.pin(theirs.tenant_id)
    pinned = await store.pin(mine.tenant_id)
    assert rule_names(other) == ["theirs"]
    assert rule_names(pinned) == []
    assert (dict(pinned.snapshot.aliases), dict(pinned.prompts)) == ({}, {})
    assert set(pinned.snapshot.deployments) == {"sim-small"}
    names = {item.name for items in other.snapshot.deployments.values() for item in items}
    assert "theirs" in names
    only_theirs = {item.id for item in other.snapshot.deployments["shared-model"]}
    assert only_theirs <= set(other.connections)
    assert only_theirs.isdisjoint(pinned.connections)


async def test_model__without_a_grant__cannot_be_used(stores: StartStore) -> None:
    site = await new_site(models=["sim-small"])
    # A rule of the platform may name any model; the tenant's grants stand above it.
    await in_thread(make_rule)(None, targets=["sim-large"])
    await published(None)
    pinned = await (await stores()).pin(site.tenant_id)
    named = decide(make_facts(requested_model="sim-large"), pinned.snapshot, Health(), "s")
    assert named.outcome == "unknown_model"
    ruled = decide(make_facts(), pinned.snapshot, Health(), "s")
    assert (ruled.outcome, ruled.attempts) == ("ineligible", ())


async def test_publish__of_one_tenant__does_not_touch_another(stores: StartStore) -> None:
    mine, theirs, store = await new_site(), await new_site("boa-vista"), await stores()
    pinned = await store.pin(mine.tenant_id)
    await store.pin(theirs.tenant_id)
    await published(theirs.tenant)
    assert await store.pin(mine.tenant_id) is pinned
    assert versions(store, (mine.tenant_id, theirs.tenant_id)) == [1, 2]
