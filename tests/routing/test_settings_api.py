"""The management API of a rule's settings, of calendars and of switches."""

from typing import Any
from uuid import uuid4

import pytest

from apps.core.scoping import all_tenants, tenant_scope
from apps.providers.models import Deployment, Provider
from apps.routing.models import Release
from tests.factories.keys import make_key
from tests.factories.providers import make_deployment, make_model
from tests.factories.routing import (
    Site,
    clause,
    make_calendar,
    make_rule_set,
    make_site,
    publish,
)
from tests.routing.calls import Call, fault, trail

pytestmark = pytest.mark.django_db
VIP = {"all": [clause("tag", "has", ["vip"])]}


@pytest.fixture
def site() -> Site:
    return make_site()


EVERY_SETTING: dict[str, Any] = {
    "is_default": False,
    "active_from": "2026-12-01T00:00:00Z",
    "active_until": "2026-12-24T12:00:00Z",
    "action": "continue",
    "targets": [{"model": "sim-large", "weight": 3}],
    "strategy": "weighted",
    "price_weight": 70,
    "affinity": "conversation",
    "arms": [{"name": "new", "weight": 10, "targets": ["sim-long"]}],
    "unit": "user",
    "parameters": {"temperature": 0.5, "seed": 7, "reasoning_effort": "low"},
    "add_tags": ["gold"],
    "regions": ["br", "eu"],
    "data_class": "personal",
    "price_cap": 5_000_000,
    "latency_cap_ms": 800,
    "allow_unknown": True,
    "first_token_timeout_ms": 3_000,
    "total_timeout_ms": 20_000,
    "max_attempts": 2,
    "on_content_filter": "next",
    "on_unsupported": "refuse",
}


def test_rules__every_setting__is_written_and_read_back(call: Call, site: Site) -> None:
    rule_set = make_rule_set(site.tenant)
    made = call("post", "rules/", rule_set=str(rule_set.pk), name="All", **EVERY_SETTING)
    assert made.status_code == 201, made.content
    read = call("get", f"rules/{made.json()['id']}/").json()
    assert {name: read[name] for name in EVERY_SETTING} == EVERY_SETTING


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"conditions": VIP, "is_default": True}, "is_default"),
        ({"action": "reject"}, "reject_message"),
        ({"active_until": "2026-11-30T00:00:00Z"}, "active_until"),
        ({"first_token_timeout_ms": 30_000}, "first_token_timeout_ms"),
        ({"targets": [{"model": "sim-small", "weight": 0}]}, "targets"),
    ],
)
def test_rules__settings_that_do_not_go_together__are_refused_at_the_field(
    call: Call, site: Site, change: dict[str, Any], field: str
) -> None:
    rule_set = make_rule_set(site.tenant)
    made = call("post", "rules/", rule_set=str(rule_set.pk), name="All", **EVERY_SETTING)
    status, param = fault(call("patch", f"rules/{made.json()['id']}/", **change))
    assert (status, str(param).split(".")[0]) == (400, field)


def test_rule_sets__of_a_key__are_written_and_never_of_a_project_too(
    call: Call, site: Site
) -> None:
    key = make_key(site.project).row
    made = call("post", "rule-sets/", name="Key", api_key=str(key.pk))
    assert (made.status_code, made.json()["api_key"]) == (201, str(key.pk))
    path = f"rule-sets/{made.json()['id']}/"
    assert fault(call("patch", path, project=str(site.project.pk))) == (400, "api_key")
    assert fault(call("patch", path, is_locked=True)) == (400, "is_locked")
    theirs = make_key(make_site("boa-vista").project).row
    assert fault(call("patch", path, api_key=str(theirs.pk))) == (400, "api_key")


# --- calendars and switches --------------------------------------------------------------------


def test_calendars__key_that_manages__creates_reads_changes_and_deletes(
    call: Call, site: Site
) -> None:
    made = call(
        "post",
        "calendars/",
        name="ours",
        country="BR",
        subdivision="SP",
        extra_dates=["2026-12-24"],
        removed_dates=["2026-12-25"],
    )
    assert made.status_code == 201, made.content
    dates = made.json()["dates"]
    assert ("2026-07-09" in dates, "2026-12-24" in dates) == (True, True)
    assert "2026-12-25" not in dates
    path = f"calendars/{made.json()['id']}/"
    changed = call("patch", path, country="", subdivision="").json()
    assert changed["dates"] == ["2026-12-24"]
    assert call("delete", path).status_code == 204


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "BR", "subdivision": "ZZ"}, "subdivision"),
        ({"subdivision": "SP"}, "subdivision"),
        ({"extra_dates": ["24/12/2026"]}, "extra_dates"),
    ],
)
def test_calendars__faulty_field__is_named(
    call: Call, site: Site, values: dict[str, Any], field: str
) -> None:
    status, param = fault(call("post", "calendars/", name="x", **values))
    assert (status, str(param).split(".")[0]) == (400, field)


def test_calendars__of_the_platform__are_read_and_never_written(call: Call, site: Site) -> None:
    shared = make_calendar(None, "brazil", country="BR")
    (read,) = call("get", "calendars/").json()["results"]
    assert (read["name"], read["is_platform"]) == ("brazil", True)
    assert call("patch", f"calendars/{shared.pk}/", name="mine").status_code == 403


def test_traffic__of_an_own_deployment__is_switched_at_once(call: Call, site: Site) -> None:
    place = make_deployment(make_model("own"), tenant=site.tenant, name="own-place")
    publish(site.tenant)
    answer = call("post", "traffic/", ids=[str(place.pk)], traffic="drain", reason="Fire")
    assert (answer.status_code, [item["version"] for item in answer.json()]) == (200, [3])
    assert call("get", f"deployments/{place.pk}/").json()["traffic"] == "drain"
    with tenant_scope(site.tenant_id):
        live = Release.objects.get(tenant_id=site.tenant_id, state="live")
    assert live.snapshot["deployments"][0]["traffic"] == "drain"
    assert ("providers.deployment_switched", {"traffic": ["on", "drain"]}) in trail(site)


def test_traffic__of_the_platforms__is_not_a_keys_to_switch(call: Call, site: Site) -> None:
    with all_tenants("tests"):
        shared = Deployment.objects.get(name="sim-small")
        provider = Provider.objects.get(slug="simulated")
    own = make_deployment(tenant=site.tenant)
    asked = {"traffic": "off", "reason": ""}
    assert call("post", "traffic/", ids=[str(shared.pk)], **asked).status_code == 403
    ids = [str(provider.pk)]
    assert call("post", "traffic/", kind="provider", ids=ids, **asked).status_code == 403
    assert fault(call("post", "traffic/", ids=[str(own.pk), str(uuid4())], **asked)) == (400, "ids")
    with all_tenants("tests"):
        assert not Deployment.objects.exclude(traffic="on").exists()
