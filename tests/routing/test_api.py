"""The management API of rules: written with a key, checked at the field, kept in its tenant."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.enums import Role
from apps.api_keys.enums import Scope
from apps.core.scoping import all_tenants, tenant_scope
from apps.routing.models import Release, Rule, RuleSet
from tests.factories.people import make_member, make_project, make_user
from tests.factories.routing import (
    Site,
    clause,
    make_alias,
    make_live_prompt,
    make_rule,
    make_rule_set,
    make_site,
    publish,
)
from tests.routing.calls import API, Call, caller, fault, trail, weighted

pytestmark = pytest.mark.django_db
VIP = {"all": [clause("tag", "has", ["vip"])]}


@pytest.fixture
def site() -> Site:
    return make_site()


# --- rules -------------------------------------------------------------------------------------


def test_rules__key_that_manages__creates_reads_changes_and_deletes(call: Call, site: Site) -> None:
    rule_set = make_rule_set(site.tenant)
    made = call(
        "post",
        "rules/",
        rule_set=str(rule_set.pk),
        name="VIP",
        conditions=VIP,
        targets=["sim-large", "sim-small"],
        cache_seconds=60,
    )
    assert made.status_code == 201, made.content
    path = f"rules/{made.json()['id']}/"
    read = call("get", path).json()
    assert (read["conditions"], read["targets"]) == (VIP, weighted("sim-large", "sim-small"))
    changed = call("patch", path, targets=["sim-small", {"model": "sim-large", "weight": 9}]).json()
    kept = [*weighted("sim-small"), {"model": "sim-large", "weight": 9}]
    assert changed["targets"] == kept
    assert call("patch", path, name="Gold").json()["targets"] == kept
    assert call("patch", path, targets=[]).json()["targets"] == []
    assert call("delete", path).status_code == 204
    assert call("get", path).status_code == 404


def test_rules__written_with_a_key__are_in_the_trail_with_their_targets(
    call: Call, site: Site
) -> None:
    rule_set = make_rule_set(site.tenant)
    made = call("post", "rules/", rule_set=str(rule_set.pk), name="VIP", targets=["sim-small"])
    path = f"rules/{made.json()['id']}/"
    call("patch", path, targets=["sim-large"])
    call("patch", path, targets=["sim-large"])
    call("patch", path, name="Gold")
    call("delete", path)
    (created, values), (_, retargeted), (_, renamed), (deleted, gone) = trail(site)
    assert (created, deleted) == ("routing.rule_created", "routing.rule_deleted")
    assert (values["name"], values["targets"]) == ("VIP", ["sim-small"])
    assert retargeted == {"targets": [["sim-small"], ["sim-large"]]}
    assert renamed == {"name": ["VIP", "Gold"]}
    assert gone["targets"] == ["sim-large"]


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"all": [clause("mood", "is", "x")]}, "all.0.field: there is no field"),
        ({"some": []}, "“some” is not all"),
        ({"all": [clause("message_text", "matches", "(a")]}, "all.0.value: the pattern"),
        ({"any": [clause("header.cookie", "is", "a")]}, "any.0.field: rules may not read"),
        ({"all": [{"any": []}]}, "all.0.any: no request can meet this"),
        (["all"], "a group holds one of"),
    ],
)
def test_rules__faulty_condition__is_refused_at_the_field_with_the_place(
    call: Call, site: Site, tree: Any, told: str
) -> None:
    rule_set = make_rule_set(site.tenant)
    answer = call("post", "rules/", rule_set=str(rule_set.pk), name="x", conditions=tree)
    assert fault(answer) == (400, "conditions")
    assert answer.json()["error"]["message"].startswith(told)
    with all_tenants("tests"):
        assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conditions", None),
        ("targets", ["gpt-99"]),
        ("targets", "sim-small"),
        ("action", "explode"),
        ("name", ""),
        ("cache_seconds", 86_401),
        ("cache_seconds", -1),
        ("max_output_tokens", -1),
        ("rule_set", None),
        ("prompt_template", "not-an-id"),
        ("strategy", "random"),
        ("price_weight", 101),
        ("affinity", "user"),
        ("unit", "key"),
        ("arms", [{"name": "a", "weight": 101, "targets": ["sim-small"]}]),
        ("arms", [{"name": "a", "weight": 10, "targets": []}]),
        ("parameters", {"temperature": 3}),
        ("parameters", ["temperature"]),
        ("add_tags", ["a b"]),
        ("regions", "br"),
        ("price_cap", 0),
        ("latency_cap_ms", 0),
        ("first_token_timeout_ms", 0),
        ("total_timeout_ms", -1),
        ("max_attempts", 6),
        ("on_content_filter", "cry"),
        ("on_unsupported", "cry"),
        ("active_from", "yesterday"),
        ("targets", [{"model": "sim-small", "weight": -1}]),
        ("targets", [{"weight": 1}]),
    ],
)
def test_rules__faulty_field__is_named(call: Call, site: Site, field: str, value: Any) -> None:
    data = {"rule_set": str(make_rule_set(site.tenant).pk), "name": "x", field: value}
    status, param = fault(call("post", "rules/", **data))
    assert (status, str(param).split(".")[0]) == (400, field)


def test_rules__references_to_another_owners_rows__are_refused_at_the_field(
    call: Call, site: Site
) -> None:
    other = make_site("boa-vista")
    theirs = make_rule_set(other.tenant)
    prompt = make_live_prompt(other.tenant)
    project = make_project(other.tenant)
    mine = make_rule(site.tenant)
    for rule_set in (theirs, make_rule_set(None)):
        answer = call("post", "rules/", rule_set=str(rule_set.pk), name="x")
        assert fault(answer) == (400, "rule_set")
        assert fault(call("patch", f"rules/{mine.pk}/", rule_set=str(rule_set.pk))) == (
            400,
            "rule_set",
        )
    answer = call("patch", f"rules/{mine.pk}/", prompt_template=str(prompt.pk))
    assert fault(answer) == (400, "prompt_template")
    assert fault(call("post", "rule-sets/", name="x", project=str(project.pk))) == (400, "project")


def test_rules__platform_staff_with_all_tenants__write_the_platforms_only(
    client: Client, site: Site
) -> None:
    client.force_login(make_user(is_superuser=True))
    for rule_set, status in ((make_rule_set(None), 201), (make_rule_set(site.tenant), 400)):
        data = {"rule_set": str(rule_set.pk), "name": "x"}
        answer = client.post(f"{API}/rules/", data, content_type="application/json")
        assert answer.status_code == status, answer.content


def test_rules__of_another_tenant__are_not_found(call: Call) -> None:
    theirs = make_rule(make_site("boa-vista").tenant, name="theirs")
    assert call("get", "rules/").json()["count"] == 0
    path = f"rules/{theirs.pk}/"
    for method in ("get", "patch", "delete"):
        assert call(method, path).status_code == 404
    assert call("patch", f"rule-sets/{theirs.rule_set_id}/", name="x").status_code == 404


def test_rules__of_the_platform__are_read_and_never_written(call: Call) -> None:
    shared = make_rule(None, name="for all")
    path = f"rules/{shared.pk}/"
    assert call("get", path).json()["name"] == "for all"
    assert call("patch", path, name="mine").status_code == 403
    assert call("delete", path).status_code == 403
    with all_tenants("tests"):
        assert Rule.objects.get().name == "for all"


def test_rules__key_without_the_scope__is_refused(client: Client, site: Site) -> None:
    run_only = caller(client, site, Scope.RUN)
    assert run_only("get", "rules/").status_code == 403
    assert run_only("post", "releases/publish/").status_code == 403


def test_rules__no_key__is_refused(client: Client) -> None:
    assert client.get(f"{API}/rules/").status_code == 401


@pytest.mark.parametrize("path", ["rules", "aliases", "grants", "rule-sets", "releases"])
def test_lists__more_rows__take_no_more_queries(call: Call, site: Site, path: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert call("get", f"{path}/").status_code == 200
        return len(captured)

    def add_row(number: int) -> None:
        make_rule(site.tenant, targets=site.models)
        make_alias(site.tenant, f"alias-{number}", site.models)
        publish(site.tenant)

    add_row(0)
    queries()  # The key is in the cache now.
    few = queries()
    for number in range(1, 6):
        add_row(number)
    assert queries() == few


# --- aliases, rule sets, grants ----------------------------------------------------------------


def test_aliases__with_models_in_order__are_written(call: Call, site: Site) -> None:
    made = call("post", "aliases/", name="fast", targets=["sim-large", "sim-small"])
    assert made.json()["targets"] == ["sim-large", "sim-small"]
    path = f"aliases/{made.json()['id']}/"
    assert call("put", path, name="quick", targets=["sim-small"]).json()["name"] == "quick"
    assert fault(call("post", "aliases/", name="x")) == (400, "targets")
    assert call("post", "aliases/", name="quick", targets=[]).status_code == 409
    assert call("delete", path).status_code == 204
    assert [action for action, _changes in trail(site)] == [
        "routing.modelalias_created",
        "routing.modelalias_updated",
        "routing.modelalias_updated",
        "routing.modelalias_deleted",
    ]


def test_rule_sets__of_a_project__are_written(call: Call, site: Site) -> None:
    made = call("post", "rule-sets/", name="Support", project=str(site.project.pk))
    assert made.status_code == 201
    with tenant_scope(site.tenant_id):
        assert RuleSet.objects.get(name="Support").tenant_id == site.tenant_id


def test_grants__of_a_tenant__are_read_only(call: Call) -> None:
    make_site("boa-vista", models=["sim-long"])
    page = call("get", "grants/").json()
    assert {row["model"] for row in page["results"]} == {"sim-small", "sim-large", "sim-long"}
    assert page["count"] == 3
    assert call("post", "grants/", model="gpt-5").status_code == 405


# --- releases ----------------------------------------------------------------------------------


def test_publish__draft__is_made_live(call: Call, site: Site) -> None:
    make_rule(site.tenant, name="VIP")
    answer = call("post", "releases/publish/", comment="for Christmas")
    assert answer.status_code == 200, answer.content
    assert answer.json()["version"] == 2
    newest, oldest = call("get", "releases/").json()["results"]
    assert (newest["version"], newest["state"], newest["comment"]) == (2, "live", "for Christmas")
    assert (newest["published_by"], oldest["state"]) == ("CI", "superseded")


def test_publish__faulty_draft__is_refused_with_every_problem(call: Call, site: Site) -> None:
    make_rule(site.tenant, name="lost", targets=["gpt-5"])
    found = call("get", "releases/problems/").json()
    assert [(item["severity"], item["subject"], item["field"]) for item in found] == [
        ("error", "lost", "targets")
    ]
    answer = call("post", "releases/publish/")
    assert fault(answer) == (400, "targets")
    assert answer.json()["error"]["details"]["problems"][0][0] == "lost"
    assert call("get", "releases/").json()["count"] == 1


def test_publish__comment_too_long__is_refused_at_the_field(call: Call) -> None:
    assert fault(call("post", "releases/publish/", comment="x" * 301)) == (400, "comment")


def test_problems__sound_draft__are_none(call: Call) -> None:
    assert call("get", "releases/problems/").json() == []


def test_roll_back__own_release__is_published_again(call: Call, site: Site) -> None:
    make_rule(site.tenant, name="VIP")
    publish(site.tenant)
    with tenant_scope(site.tenant_id):
        first = Release.objects.get(tenant_id=site.tenant_id, version=1)
    answer = call("post", f"releases/{first.pk}/roll-back/", comment="better")
    assert answer.json()["version"] == 3
    with tenant_scope(site.tenant_id):
        assert Release.objects.get(version=3).snapshot["rules"] == []


def test_roll_back__release_of_another_owner__is_not_found(call: Call) -> None:
    other = make_site("boa-vista")
    with all_tenants("tests"):
        foreign = Release.objects.filter(tenant__in=[other.tenant]).get()
        shared = Release.objects.get(tenant=None)
    for release_id in (foreign.pk, shared.pk, uuid4()):
        assert call("post", f"releases/{release_id}/roll-back/").status_code == 404
    with all_tenants("tests"):
        assert Release.objects.filter(tenant=None).count() == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.APPROVER, 200), (Role.OWNER, 200), (Role.RULE_EDITOR, 403), (Role.ANALYST, 403)],
)
def test_publish__by_a_person__needs_the_permission(
    client: Client, site: Site, role: str, status: int
) -> None:
    client.force_login(make_member(site.tenant, role))
    assert client.get(f"{API}/releases/problems/").status_code == 200
    path = f"{API}/releases/publish/"
    assert client.post(path, {}, content_type="application/json").status_code == status
    with tenant_scope(site.tenant_id):
        release = Release.objects.filter(tenant_id=site.tenant_id).earliest("version")
    path = f"{API}/releases/{release.pk}/roll-back/"
    assert client.post(path, {}, content_type="application/json").status_code == status


def test_rules__by_a_person_who_only_reads__are_read(client: Client, site: Site) -> None:
    rule = make_rule(site.tenant)
    client.force_login(make_member(site.tenant, Role.ANALYST))
    path = f"{API}/rules/{rule.pk}/"
    assert client.get(path).status_code == 200
    assert client.patch(path, {"name": "x"}, content_type="application/json").status_code == 403
