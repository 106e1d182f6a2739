"""The Route Manager: publishing, going back, and what happens when something is away."""

from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import connection
from redis.exceptions import RedisError

from apps.audit.models import AuditEntry
from apps.audit.types import Actor
from apps.core.clock import unix_ms
from apps.core.errors import InvalidRequest, ServiceUnavailable
from apps.core.scoping import all_tenants, tenant_scope
from apps.providers.credentials import open_secret, rotate_credential
from apps.providers.models import Credential, Deployment, LlmModel
from apps.routing import documents, route_manager
from apps.routing.documents import VERSIONS_KEY, WORKERS_KEY, acks_key, document_key, owner_of
from apps.routing.engine.compile import compile_snapshot
from apps.routing.models import Grant, Release, Rule
from apps.routing.tasks import restore_snapshots
from tests.factories.providers import make_credential, make_deployment, make_model, make_price
from tests.factories.routing import (
    Site,
    make_alias,
    make_live_prompt,
    make_rule,
    make_site,
    publish,
)

pytestmark = pytest.mark.django_db
ANA = Actor("user", "1", "ana@example.com")


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every write of a document fail."""

    def refuse(*_arguments: Any) -> None:
        raise RedisError("away")

    monkeypatch.setattr(route_manager, "publish_document", refuse)


def releases(tenant_id: UUID | None) -> list[tuple[int, str]]:
    with all_tenants("tests"):
        rows = Release.objects.filter(tenant_id=tenant_id).order_by("version")
        return list(rows.values_list("version", "state"))


def live(tenant_id: UUID | None) -> Release:
    with all_tenants("tests"):
        release = route_manager.live_release(tenant_id)
    assert release is not None
    return release


def go_back(site: Site, version: int) -> None:
    with tenant_scope(site.tenant_id):
        release = Release.objects.get(tenant_id=site.tenant_id, version=version)
        route_manager.roll_back(release=release, actor=ANA, reason="It was better.")


def document_of(tenant_id: UUID | None, client: redis.Redis) -> documents.Document:
    owner = owner_of(tenant_id)
    sealed: Any = client.get(document_key(owner))
    opened = documents._open(owner, sealed.decode())
    assert opened is not None
    return opened


def rule_names(release: Release) -> list[str]:
    return [rule["name"] for rule in release.snapshot["rules"]]


# --- publish -----------------------------------------------------------------------------------


def test_publish__again_and_again__raises_the_version_and_keeps_one_live(site: Site) -> None:
    assert [publish(site.tenant).version for _ in range(2)] == [2, 3]
    assert releases(site.tenant_id) == [(1, "superseded"), (2, "superseded"), (3, "live")]
    assert releases(None) == [(1, "live")]


def test_publish__draft__is_frozen_in_the_release_and_in_redis(
    site: Site, redis_client: redis.Redis
) -> None:
    rule = make_rule(site.tenant, name="VIP")
    with tenant_scope(site.tenant_id):
        assert route_manager.has_unpublished_changes(site.tenant_id)
        route_manager.publish(tenant_id=site.tenant_id, actor=ANA, comment="for Christmas")
        assert not route_manager.has_unpublished_changes(site.tenant_id)
        Rule.objects.filter(pk=rule.pk).update(name="Later")
    release = live(site.tenant_id)
    assert rule_names(release) == ["VIP"]
    assert (release.published_by, release.comment) == (ANA.label, "for Christmas")
    document = document_of(site.tenant_id, redis_client)
    assert (document.version, document.records) == (2, release.snapshot)
    assert redis_client.hget(VERSIONS_KEY, owner_of(site.tenant_id)) == b"2"


def test_publish__done__is_in_the_trail_with_who_and_why(site: Site) -> None:
    with tenant_scope(site.tenant_id):
        route_manager.publish(tenant_id=site.tenant_id, actor=ANA, comment="why")
        entry = AuditEntry.objects.get(actor_id=ANA.id)
    assert (entry.action, entry.actor_label) == ("routing.published", ANA.label)
    assert entry.changes == {"version": [1, 2], "comment": "why"}


def test_publish__errors_in_the_draft__writes_nothing(
    site: Site, redis_client: redis.Redis
) -> None:
    make_rule(site.tenant, name="lost", targets=["gpt-5"])
    make_alias(site.tenant, "empty", [])
    before = redis_client.get(document_key(owner_of(site.tenant_id)))
    with tenant_scope(site.tenant_id), pytest.raises(InvalidRequest) as caught:
        route_manager.publish(tenant_id=site.tenant_id, actor=ANA)
    assert caught.value.param == "targets"
    assert [subject for subject, *_rest in caught.value.details["problems"]] == ["lost", "empty"]
    assert releases(site.tenant_id) == [(1, "live")]
    assert redis_client.get(document_key(owner_of(site.tenant_id))) == before
    with tenant_scope(site.tenant_id):
        assert not AuditEntry.objects.filter(actor_id=ANA.id).exists()


def test_publish__warnings_only__goes_through(site: Site) -> None:
    make_rule(site.tenant, targets=[])
    assert publish(site.tenant).version == 2


def test_publish__redis_away__keeps_nothing_although_the_caller_goes_on(
    site: Site, redis_away: None
) -> None:
    # As a page does: the failure is told, and the scope's transaction is committed.
    with tenant_scope(site.tenant_id), pytest.raises(ServiceUnavailable):
        route_manager.publish(tenant_id=site.tenant_id, actor=ANA)
    assert releases(site.tenant_id) == [(1, "live")]
    with tenant_scope(site.tenant_id):
        assert not AuditEntry.objects.filter(actor_id=ANA.id).exists()


def test_publish__redis_goes_after_the_document__is_published(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise RedisError("away")

    monkeypatch.setattr(route_manager, "worker_acks", refuse)
    done = publish(site.tenant)
    assert (done.version, done.acknowledged, done.late) == (2, (), ())
    assert releases(site.tenant_id)[-1] == (2, "live")


def test_publish__version_used_by_a_lost_transaction__is_not_used_twice(
    site: Site, redis_client: redis.Redis
) -> None:
    redis_client.hset(VERSIONS_KEY, owner_of(site.tenant_id), 41)
    assert publish(site.tenant).version == 42


def test_publish__long_comment__is_cut_to_the_column(site: Site) -> None:
    assert len(live_after_comment(site, "x" * 500).comment) == 300


def live_after_comment(site: Site, comment: str) -> Release:
    publish(site.tenant, comment)
    return live(site.tenant_id)


def test_publish__workers__are_waited_for_and_the_late_ones_named(
    site: Site, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route_manager, "ACKNOWLEDGE_SECONDS", 0.1)
    now = unix_ms()
    silent_ms = now - route_manager.WORKER_ALIVE_MS - 1_000
    redis_client.zadd(WORKERS_KEY, {"quick": now, "slow": now, "gone": silent_ms})
    redis_client.hset(acks_key(owner_of(site.tenant_id)), mapping={"quick": 2, "slow": 1})
    done = publish(site.tenant)
    assert (done.acknowledged, done.late) == (("quick",), ("slow",))
    assert done.milliseconds >= 100


def test_publish__nobody_to_wait_for__returns_at_once(site: Site) -> None:
    assert publish(site.tenant).milliseconds < 500


# --- going back --------------------------------------------------------------------------------


def test_roll_back__earlier_release__restores_its_rules_as_a_new_version(site: Site) -> None:
    good = make_rule(site.tenant, name="good")
    make_alias(site.tenant, "fast", ["sim-small"])
    make_live_prompt(site.tenant)
    publish(site.tenant)
    with all_tenants("tests"):
        Rule.objects.filter(pk=good.pk).delete()
    make_rule(site.tenant, name="bad")
    make_alias(site.tenant, "slow", ["sim-large"])
    publish(site.tenant)
    go_back(site, 2)
    release = live(site.tenant_id)
    assert (release.version, rule_names(release)) == (4, ["good"])
    assert set(release.snapshot["aliases"]) == {"fast"}
    assert set(release.snapshot["prompts"]) == {"tone"}
    assert release.comment == "Back to version 2. It was better."
    assert [state for _version, state in releases(site.tenant_id)].count("live") == 1
    with tenant_scope(site.tenant_id):
        # The draft stays as people left it.
        assert Rule.objects.filter(name="bad").exists()
        actions = AuditEntry.objects.filter(actor_id=ANA.id).values_list("action", flat=True)
        assert list(actions) == ["routing.rolled_back"]


def test_roll_back__credential_rotated_since__keeps_todays(
    site: Site, redis_client: redis.Redis
) -> None:
    credential = make_credential(tenant=site.tenant, secret="sk-old-old-old-old")
    model = make_model(provider=credential.provider)
    deployment = make_deployment(model, tenant=site.tenant, credential=credential)
    publish(site.tenant)
    with all_tenants("tests"):
        rotate_credential(actor=ANA, credential=credential, secret="sk-new-new-new-new")
        stored = Credential.objects.get(pk=credential.pk)
    publish(site.tenant)
    go_back(site, 2)
    connections = document_of(site.tenant_id, redis_client).connections
    assert connections[str(deployment.pk)]["ciphertext"] == stored.ciphertext
    assert open_secret(stored) == "sk-new-new-new-new"


def test_roll_back__what_was_withdrawn_since__stays_withdrawn(site: Site) -> None:
    credential = make_credential(tenant=site.tenant)
    model = make_model("own", prices=(5, 5), provider=credential.provider)
    make_deployment(model, tenant=site.tenant, credential=credential, name="own")
    make_rule(site.tenant, name="keeps", targets=["sim-large", "own"])
    publish(site.tenant)
    with all_tenants("tests"):
        Grant.objects.filter(tenant=site.tenant, llm_model__name="sim-large").delete()
        Credential.objects.filter(pk=credential.pk).update(is_enabled=False)
        Rule.objects.all().delete()
    make_price(model, (9, 9), tenant=site.tenant)
    publish(site.tenant)
    go_back(site, 2)
    snapshot = live(site.tenant_id).snapshot
    assert rule_names(live(site.tenant_id)) == ["keeps"]
    assert "sim-large" not in snapshot["granted"]
    (deployment,) = snapshot["deployments"]
    assert (deployment["traffic"], deployment["input_price"]) == ("off", 9)


def test_roll_back__conditions_of_another_version_of_the_code__is_refused(site: Site) -> None:
    make_rule(site.tenant, name="old")
    publish(site.tenant)
    with all_tenants("tests"):
        release = Release.objects.get(tenant=site.tenant, version=2)
        release.snapshot["rules"][0]["condition"] = {"all": [{"field": "mood"}]}
        release.save()
    with pytest.raises(InvalidRequest):
        go_back(site, 2)
    assert [version for version, _state in releases(site.tenant_id)] == [1, 2]


def test_roll_back__of_the_platform__keeps_todays_catalogue(site: Site) -> None:
    rule = make_rule(None, name="global")
    publish(None)
    with all_tenants("tests"):
        Rule.objects.filter(pk=rule.pk).delete()
        LlmModel.objects.filter(name="sim-long").update(lifecycle="retired")
        Deployment.objects.filter(name="sim-large").update(traffic="off")
    publish(None)
    with all_tenants("tests"):
        release = Release.objects.get(tenant=None, version=2)
        route_manager.roll_back(release=release, actor=ANA)
    now = live(None)
    assert (now.version, rule_names(now)) == (4, ["global"])
    assert now.snapshot["models"]["sim-long"]["lifecycle"] == "retired"
    state = {item["name"]: item["traffic"] for item in now.snapshot["deployments"]}
    assert state["sim-large"] == "off"
    compile_snapshot(
        {**now.snapshot, "version": 4}, {**live(site.tenant_id).snapshot, "version": 1}
    )


# --- republish and restore ---------------------------------------------------------------------


def test_republish__rotated_credential__reaches_redis_without_the_draft(
    site: Site, redis_client: redis.Redis
) -> None:
    credential = make_credential(tenant=site.tenant)
    model = make_model(provider=credential.provider)
    deployment = make_deployment(model, tenant=site.tenant, credential=credential)
    publish(site.tenant)
    make_rule(site.tenant, name="draft")
    with all_tenants("tests"):
        rotate_credential(actor=ANA, credential=credential, secret="sk-new-new-new-new")
        done = route_manager.republish(tenant_id=site.tenant_id, actor=ANA, comment="rotated")
    assert done is not None
    assert rule_names(live(site.tenant_id)) == []
    document = document_of(site.tenant_id, redis_client)
    assert document.version == done.version == 3
    assert document.connections[str(deployment.pk)]["ciphertext"] == credential.ciphertext


def test_republish__nothing_live__does_nothing() -> None:
    with all_tenants("tests"):
        assert route_manager.republish(tenant_id=None, actor=ANA, comment="") is None


@pytest.mark.parametrize("lost", ["everything", "the document"])
def test_restore__redis_has_lost_it__puts_the_live_release_back(
    site: Site, redis_client: redis.Redis, lost: str
) -> None:
    owner = owner_of(site.tenant_id)
    if lost == "everything":
        redis_client.flushdb()
    else:
        redis_client.delete(document_key(owner))
    with all_tenants("tests"):
        assert route_manager.restore(site.tenant_id)
        assert not route_manager.restore(site.tenant_id)
    assert document_of(site.tenant_id, redis_client).version == 1
    assert redis_client.hget(VERSIONS_KEY, owner) == b"1"


def test_restore__nothing_published__has_nothing_to_do() -> None:
    with all_tenants("tests"):
        assert not route_manager.restore(None)


def test_restore_snapshots__task__restores_every_owner(
    site: Site, redis_client: redis.Redis
) -> None:
    make_site("boa-vista")
    redis_client.flushdb()
    assert restore_snapshots() == 3
    assert restore_snapshots() == 0


# --- together ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_publish__by_several_at_once__takes_a_version_each() -> None:
    site, together, taken = make_site(), Barrier(5), []

    def work() -> None:
        try:
            together.wait()
            with tenant_scope(site.tenant_id):
                done = route_manager.publish(tenant_id=site.tenant_id, actor=ANA)
            taken.append(done.version)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [2, 3, 4, 5, 6]
    assert releases(site.tenant_id)[-1] == (6, "live")
    assert [state for _version, state in releases(site.tenant_id)].count("live") == 1
