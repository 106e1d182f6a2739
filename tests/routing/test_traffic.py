"""Switches: what they touch is told, they hold at once, and drafts stay drafts."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.audit.types import Actor
from apps.core.scoping import all_tenants, tenant_scope
from apps.providers.models import Deployment, LlmModel, Provider
from apps.routing import route_manager
from apps.routing.models import Release
from apps.routing.traffic import switch_traffic, touched_by
from tests.factories.people import make_member, make_user
from tests.factories.providers import make_deployment, make_model
from tests.factories.routing import Site, make_rule, make_site, publish

pytestmark = pytest.mark.django_db
ANA = Actor("user", "1", "ana@example.com")
PAGE = "/admin/routing/release/traffic/"


@pytest.fixture
def site() -> Site:
    """A site whose tenant has a deployment of its own, with a live rule and one in the draft."""
    site = make_site()
    make_deployment(make_model("own"), tenant=site.tenant, name="own-place")
    make_rule(site.tenant, name="live rule", targets=["own", "sim-small"])
    publish(None)
    publish(site.tenant)
    make_rule(site.tenant, name="draft rule")
    return site


def row(kind: type[Any], **found: Any) -> Any:
    with all_tenants("tests"):
        return kind._default_manager.get(**found)


def live(tenant_id: UUID | None) -> dict[str, Any]:
    with all_tenants("tests"):
        release = route_manager.live_release(tenant_id)
    assert release is not None
    snapshot: dict[str, Any] = release.snapshot
    return snapshot


def versions(tenant_id: UUID | None) -> int:
    with all_tenants("tests"):
        return Release.objects.filter(tenant_id=tenant_id).count()


def switch(kind: str, traffic: str, *rows: Any) -> int:
    with all_tenants("tests"):
        return len(switch_traffic(kind=kind, rows=rows, traffic=traffic, actor=ANA, reason="Fire"))


def traffic_of(snapshot: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["traffic"] for item in snapshot["deployments"]}


def test_switch__of_a_model__holds_in_the_platforms_release_and_the_owners(site: Site) -> None:
    assert switch("llmmodel", "drain", row(LlmModel, name="own")) == 2
    assert live(None)["models"]["own"]["traffic"] == "drain"
    assert traffic_of(live(site.tenant_id)) == {"own-place": "drain"}
    assert [rule["name"] for rule in live(site.tenant_id)["rules"]] == ["live rule"]


def test_switch__of_a_provider__reaches_every_model_and_deployment(site: Site) -> None:
    other = make_site("boa-vista")
    before = versions(other.tenant_id)
    assert switch("provider", "off", row(Provider, slug="simulated")) == 1
    platform = live(None)
    names = ("sim-small", "sim-large", "sim-long")
    assert {platform["models"][name]["traffic"] for name in names} == {"off"}
    assert {traffic_of(platform)[name] for name in names} == {"off"}
    # Its release holds nothing of it: nothing there had to change.
    assert versions(other.tenant_id) == before


def test_switch__of_a_tenants_deployment__leaves_the_platform_alone(site: Site) -> None:
    before = versions(None)
    with tenant_scope(site.tenant_id):
        place = Deployment.objects.get(name="own-place")
        switch_traffic(kind="deployment", rows=[place], traffic="off", actor=ANA, reason="Fire")
        entry = AuditEntry.objects.get(action="providers.deployment_switched")
        assert (entry.changes, entry.reason) == ({"traffic": ["on", "off"]}, "Fire")
        release = route_manager.live_release(site.tenant_id)
        assert release is not None
        assert release.comment == "own-place: Off. Fire"
    assert traffic_of(live(site.tenant_id)) == {"own-place": "off"}
    assert versions(None) == before


def test_switch__that_is_so_already__publishes_nothing(site: Site) -> None:
    assert switch("llmmodel", "on", row(LlmModel, name="own")) == 0


def test_touched__by_a_model__names_deployments_tenants_and_live_rules(site: Site) -> None:
    with all_tenants("tests"):
        touched = touched_by("llmmodel", [LlmModel.objects.get(name="own")])
    assert (touched.models, touched.deployments) == (("own",), ("own-place",))
    assert (touched.tenants, touched.rules) == (frozenset({site.tenant_id}), ("live rule",))


# --- the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["list", "row"])
def test_page__from_the_list_or_the_row__asks_before_it_switches(
    client: Client, site: Site, way: str
) -> None:
    client.force_login(make_member(site.tenant))
    place = row(Deployment, name="own-place")
    base = "/admin/providers/deployment/"
    if way == "list":
        data = {"action": "switch_off", "_selected_action": [str(place.pk)]}
        answer = client.post(base, data)
    else:
        answer = client.get(f"{base}{place.pk}/switch-off/")
    assert answer.status_code == 302, answer.content
    page = client.get(answer.headers["location"])
    text = page.content.decode()
    for shown in ("own-place", "live rule", "Nothing is sent there any more"):
        assert shown in text
    assert row(Deployment, name="own-place").traffic == "on"
    asked = {"kind": "deployment", "traffic": "off", "id": [str(place.pk)], "comment": "Fire"}
    done = client.post(PAGE, asked, follow=True)
    assert "Switched; 1 release was published again." in done.content.decode()
    assert row(Deployment, name="own-place").traffic == "off"
    assert traffic_of(live(site.tenant_id)) == {"own-place": "off"}


def test_page__platform_staff__switch_a_provider(client: Client, site: Site) -> None:
    client.force_login(make_user(is_superuser=True))
    provider = row(Provider, slug="simulated")
    asked = {"kind": "provider", "traffic": "off", "id": [str(provider.pk)]}
    assert "sim-large" in client.get(PAGE, asked).content.decode()
    client.post(PAGE, asked)
    assert live(None)["models"]["sim-small"]["traffic"] == "off"
    assert "Off" in client.get("/admin/providers/provider/").content.decode()


@pytest.mark.parametrize("kind", ["provider", "llmmodel", "deployment"])
def test_page__what_is_the_platforms__is_not_a_tenants_to_switch(
    client: Client, site: Site, kind: str
) -> None:
    client.force_login(make_member(site.tenant))
    with all_tenants("tests"):
        tables: dict[str, Any] = {
            "provider": Provider.objects.filter(slug="simulated"),
            "llmmodel": LlmModel.objects.filter(name="sim-small"),
            "deployment": Deployment.objects.filter(name="sim-small"),
        }
        id_ = str(tables[kind].get().pk)
    asked = {"kind": kind, "traffic": "off", "id": [id_]}
    assert client.get(PAGE, asked).status_code == 403
    assert client.post(PAGE, asked).status_code == 403


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.ANALYST])
def test_page__role_that_may_not_change_deployments__is_refused(
    client: Client, site: Site, role: str
) -> None:
    client.force_login(make_member(site.tenant, role))
    place = row(Deployment, name="own-place")
    asked = {"kind": "deployment", "traffic": "off", "id": [str(place.pk)]}
    assert client.post(PAGE, asked).status_code == 403
    assert row(Deployment, name="own-place").traffic == "on"


@pytest.mark.parametrize("asked", [{}, {"kind": "user", "traffic": "off"}, {"kind": "provider"}])
def test_page__asked_for_nonsense__leads_home(
    client: Client, site: Site, asked: dict[str, str]
) -> None:
    client.force_login(make_user(is_superuser=True))
    assert client.get(PAGE, asked).headers["location"] == "/admin/"
