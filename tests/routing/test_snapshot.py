"""Records of a release: what a publish would make live, in order, in few queries."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from apps.audit.types import SYSTEM
from apps.core.clock import utc_now
from apps.core.scoping import all_tenants, tenant_scope
from apps.prompts import prompt_manager
from apps.providers.models import LlmModel
from apps.routing.engine.compile import compile_rule
from apps.routing.rule_records import DEFAULTS, modern_rule
from apps.routing.snapshot import build_records
from tests.factories.keys import make_key
from tests.factories.people import make_project
from tests.factories.providers import make_deployment, make_model, make_price
from tests.factories.routing import (
    Site,
    clause,
    make_alias,
    make_calendar,
    make_live_prompt,
    make_rule,
    make_rule_set,
    make_site,
)

pytestmark = pytest.mark.django_db
# However many rows there are.
TENANT_QUERIES = 12
PLATFORM_QUERIES = 7


@pytest.fixture
def site() -> Site:
    return make_site()


def records_of(tenant_id: UUID | None) -> dict[str, Any]:
    with all_tenants("tests"):
        return build_records(tenant_id)


def names(records: dict[str, Any]) -> list[str]:
    return [rule["name"] for rule in records["rules"]]


def test_rules__disabled_or_in_a_disabled_set__are_left_out(site: Site) -> None:
    off = make_rule_set(site.tenant, is_enabled=False)
    make_rule(site.tenant, name="on")
    make_rule(site.tenant, name="off", is_enabled=False)
    make_rule(site.tenant, name="in a set that is off", rule_set=off)
    assert names(records_of(site.tenant_id)) == ["on"]


def test_rules__of_several_sets__stand_by_set_then_position(site: Site) -> None:
    second = make_rule_set(site.tenant, name="B")
    first = make_rule_set(site.tenant, name="A")
    make_rule(site.tenant, name="b1", rule_set=second, position=0)
    make_rule(site.tenant, name="a2", rule_set=first, position=2)
    make_rule(site.tenant, name="a1", rule_set=first, position=1)
    assert names(records_of(site.tenant_id)) == ["a1", "a2", "b1"]


def test_rule__whole__becomes_plain_json(site: Site) -> None:
    tree = {"all": [clause("tag", "has", "vip")]}
    prompt = make_live_prompt(site.tenant, "tone")
    rule = make_rule(
        site.tenant,
        name="VIP",
        targets=["sim-large", "sim-small"],
        conditions=tree,
        prompt_template=prompt,
        max_output_tokens=900,
        cache_seconds=60,
        strategy="weighted",
        price_weight=80,
        affinity="prefix",
        unit="user",
        arms=[{"name": "new", "weight": 10, "targets": ["sim-long"]}],
        parameters={"temperature": 0.2},
        add_tags=["gold"],
        regions=["br"],
        data_class="personal",
        price_cap=5_000_000,
        latency_cap_ms=900,
        allow_unknown=True,
        first_token_timeout_ms=4_000,
        total_timeout_ms=30_000,
        max_attempts=2,
        on_content_filter="next",
        on_unsupported="refuse",
        active_from=datetime(2026, 12, 1, tzinfo=UTC),
        active_until=datetime(2026, 12, 24, 12, tzinfo=UTC),
    )
    with all_tenants("tests"):
        rule.targets.filter(llm_model__name="sim-large").update(weight=3)
    (record,) = records_of(site.tenant_id)["rules"]
    assert record == json.loads(json.dumps(record))
    assert record == {
        "id": str(rule.id),
        "name": "VIP",
        "scope": "tenant",
        "project": "",
        "condition": tree,
        "action": "route",
        "key": "",
        "is_locked": False,
        "is_default": False,
        "active_from_ms": 1_796_083_200_000,
        "active_until_ms": 1_798_113_600_000,
        "targets": [{"model": "sim-large", "weight": 3}, {"model": "sim-small", "weight": 1}],
        "arms": [{"name": "new", "weight": 10, "targets": ["sim-long"]}],
        "strategy": "weighted",
        "price_weight": 80,
        "affinity": "prefix",
        "unit": "user",
        "reject_message": "",
        "prompt_template": "tone",
        "max_output_tokens": 900,
        "cache_seconds": 60,
        "parameters": {"temperature": 0.2},
        "add_tags": ["gold"],
        "regions": ["br"],
        "data_class": "personal",
        "price_cap": 5_000_000,
        "latency_cap_ms": 900,
        "allow_unknown": True,
        "first_token_timeout_ms": 4_000,
        "total_timeout_ms": 30_000,
        "max_attempts": 2,
        "on_content_filter": "next",
        "on_unsupported": "refuse",
    }
    compiled = compile_rule(record)
    assert (compiled.choice.targets[0].weight, compiled.effects.price_cap) == (3, 5_000_000)


def test_rule__with_defaults__is_what_the_mapper_writes(site: Site) -> None:
    make_rule(site.tenant, name="plain")
    (record,) = records_of(site.tenant_id)["rules"]
    assert {name: record[name] for name in DEFAULTS} == DEFAULTS
    assert modern_rule(record) == record


def test_scope__of_a_key__comes_with_the_key(site: Site) -> None:
    key = make_key(site.project).row
    make_rule(site.tenant, rule_set=make_rule_set(site.tenant, api_key=key))
    (record,) = records_of(site.tenant_id)["rules"]
    assert (record["scope"], record["key"], record["project"]) == ("key", str(key.id), "")


def test_scope__of_a_locked_set__is_the_platforms(site: Site) -> None:
    make_rule(None, rule_set=make_rule_set(None, is_locked=True))
    (record,) = records_of(None)["rules"]
    assert (record["scope"], record["is_locked"]) == ("global", True)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_rule_set(site.tenant, is_locked=True)


def test_scope__of_key_and_project_at_once__is_refused(site: Site) -> None:
    key = make_key(site.project).row
    with pytest.raises(IntegrityError), transaction.atomic():
        make_rule_set(site.tenant, api_key=key, project=site.project)


def test_calendars__of_tenant_and_platform__are_days_and_the_tenants_own_wins(site: Site) -> None:
    this_year = utc_now().year
    make_calendar(None, "brazil", country="BR")
    make_calendar(None, "shared", extra_dates=["2027-01-02"])
    make_calendar(site.tenant, "shared", extra_dates=["2027-05-05", "2027-04-04"])
    make_calendar(make_site("boa-vista").tenant, "theirs", extra_dates=["2027-05-05"])
    calendars = records_of(site.tenant_id)["calendars"]
    assert set(calendars) == {"brazil", "shared"}
    assert calendars["shared"] == ["2027-04-04", "2027-05-05"]
    assert records_of(None)["calendars"]["shared"] == ["2027-01-02"]
    years = {day[:4] for day in calendars["brazil"]}
    assert years == {str(year) for year in range(this_year - 1, this_year + 4)}
    assert f"{this_year}-09-07" in calendars["brazil"]


def test_successor__of_a_model__is_in_the_catalogue_by_name(site: Site) -> None:
    with all_tenants("tests"):
        successor = LlmModel.objects.get(name="sim-large")
        LlmModel.objects.filter(name="sim-small").update(successor=successor)
    models = records_of(None)["models"]
    assert (models["sim-small"]["successor"], models["sim-large"]["successor"]) == ("sim-large", "")


def test_scope__of_the_set__is_project_tenant_or_global(site: Site) -> None:
    make_rule(site.tenant, rule_set=make_rule_set(site.tenant, project=site.project))
    make_rule(None, name="for all")
    (mine,), (shared,) = (records_of(owner)["rules"] for owner in (site.tenant_id, None))
    assert (mine["scope"], mine["project"]) == ("project", "support")
    assert (shared["scope"], shared["project"], shared["name"]) == ("global", "", "for all")


def test_tenant__records__hold_what_is_its_own_only(site: Site) -> None:
    other = make_site("boa-vista", models=["sim-long"])
    make_alias(site.tenant, "best", ["sim-large", "sim-small"])
    make_alias(other.tenant, "theirs")
    make_rule(other.tenant, name="theirs")
    make_live_prompt(site.tenant, "tone")
    make_live_prompt(other.tenant, "theirs")
    make_deployment(make_model("priced"), tenant=other.tenant, name="theirs")
    make_price(make_model("mine"), (1, 2), tenant=site.tenant)
    records = records_of(site.tenant_id)
    assert "theirs" not in json.dumps(records)
    assert records["aliases"] == {"best": ["sim-large", "sim-small"]}
    assert records["granted"] == ["sim-large", "sim-long", "sim-small"]
    assert set(records["prompts"]) == {"tone"}
    assert set(records["prices"]) == {"mine"}


def test_prompts__without_a_live_version__are_left_out(site: Site) -> None:
    with tenant_scope(site.tenant_id):
        prompt_manager.create_template(
            tenant_id=site.tenant_id, slug="draft", name="Draft", actor=SYSTEM
        )
    assert records_of(site.tenant_id)["prompts"] == {}


def test_platform__records__hold_catalogue_and_deployments(site: Site) -> None:
    records = records_of(None)
    assert set(records) == {"rules", "models", "deployments", "calendars"}
    assert {item["name"] for item in records["deployments"]} == {
        "sim-small",
        "sim-large",
        "sim-long",
        "sim-embed",
    }


def test_connection__new_address__counts_as_a_change(site: Site) -> None:
    deployment = make_deployment(tenant=site.tenant)
    before = records_of(site.tenant_id)["deployments"]
    assert records_of(site.tenant_id)["deployments"] == before
    with all_tenants("tests"):
        deployment.base_url = "https://elsewhere.example.com"
        deployment.save()
    (old,), (new,) = before, records_of(site.tenant_id)["deployments"]
    assert old["connection"] != new["connection"]
    assert {**old, "connection": ""} == {**new, "connection": ""}


@pytest.mark.parametrize("rows", [1, 6])
def test_build_records__more_rows__take_no_more_queries(
    site: Site, rows: int, django_assert_num_queries: Any
) -> None:
    for number in range(rows):
        project = make_project(site.tenant)
        rule_set = make_rule_set(site.tenant, project=project)
        prompt = make_live_prompt(site.tenant, f"tone-{number}")
        make_rule(site.tenant, rule_set=rule_set, targets=site.models, prompt_template=prompt)
        make_rule(None, targets=site.models)
        make_alias(site.tenant, f"alias-{number}", site.models)
        make_deployment(tenant=site.tenant)
        make_deployment()
    with all_tenants("tests"):
        with django_assert_num_queries(TENANT_QUERIES):
            build_records(site.tenant_id)
        with django_assert_num_queries(PLATFORM_QUERIES):
            build_records(None)
