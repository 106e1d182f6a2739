"""Rules in the admin: order is dragged, owners are kept apart, lists tell when and then."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.core.scoping import tenant_scope
from apps.providers.models import LlmModel
from apps.routing.models import ModelAlias, Rule
from tests.factories.people import make_member, make_user
from tests.factories.routing import (
    Site,
    clause,
    make_alias,
    make_calendar,
    make_rule,
    make_rule_set,
    make_site,
    publish,
)
from tests.routing.rule_pages import (
    BASE,
    RULES,
    change,
    inline,
    rule_form,
    saved,
    stored,
)

pytestmark = pytest.mark.django_db
MOST_QUERIES = 32
LISTS = ("ruleset", "rule", "modelalias", "holidaycalendar", "release")


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def editor(client: Client, site: Site) -> Client:
    client.force_login(make_member(site.tenant, Role.RULE_EDITOR))
    return client


@pytest.fixture
def staff(client: Client, site: Site) -> Client:
    client.force_login(make_user(is_superuser=True))
    return client


# --- order -------------------------------------------------------------------------------------


def test_rule_set__rules_dragged__stand_in_the_new_order(editor: Client, site: Site) -> None:
    rule_set = make_rule_set(site.tenant, name="Main")
    rules = [make_rule(site.tenant, rule_set=rule_set, name=name) for name in "abc"]
    rows = [
        {"id": rule.pk, "rule_set": rule_set.pk, "name": rule.name, "is_enabled": "on"}
        for rule in rules
    ]
    for row, position in zip(rows, (2, 0, 1), strict=True):
        row["position"] = position
    data = {"name": "Main", "is_enabled": "on", **inline("rules", *rows, stored=3)}
    path = f"{BASE}/ruleset/{rule_set.pk}/change/"
    assert "Rules: the first one" in editor.get(path).content.decode()
    saved(editor, path, data)
    with tenant_scope(site.tenant_id):
        ordered = Rule.objects.order_by("position").values_list("name", flat=True)
        assert list(ordered) == ["b", "c", "a"]
        moved = AuditEntry.objects.filter(action="routing.rule_updated")
        assert all("position" in entry.changes for entry in moved)
        assert moved.exists()


def test_alias__with_models_in_order__is_saved(editor: Client, site: Site) -> None:
    ids = dict(LlmModel.objects.values_list("name", "id"))
    names = ("sim-large", "sim-small")
    rows = [{"llm_model": ids[name], "position": i} for i, name in enumerate(names)]
    path = f"{BASE}/modelalias/"
    saved(editor, f"{path}add/", {"name": "fast", **inline("targets", *rows)})
    with tenant_scope(site.tenant_id):
        alias = ModelAlias.objects.get(name="fast")
        assert [str(target) for target in alias.targets.order_by("position")] == list(names)
    assert "sim-large → sim-small" in editor.get(path).content.decode()


# --- whose rows --------------------------------------------------------------------------------


def test_rule__of_another_tenant__is_not_found(editor: Client) -> None:
    theirs = make_rule(make_site("boa-vista").tenant, name="Their rule")
    assert "Their rule" not in editor.get(RULES).content.decode()
    for path in (change(theirs), f"{RULES}{theirs.pk}/delete/"):
        assert editor.get(path).status_code == 302
        assert editor.post(path, {"post": "yes"}).status_code == 302
    assert stored(theirs).name == "Their rule"


def test_rule__of_the_platform__is_read_and_never_written_by_a_tenant(
    editor: Client,
) -> None:
    shared = make_rule(None, name="For all")
    assert "For all" in editor.get(RULES).content.decode()
    assert editor.get(change(shared)).status_code == 200
    assert editor.post(change(shared), rule_form(shared.rule_set, name="Mine")).status_code == 403
    assert editor.post(f"{RULES}{shared.pk}/delete/", {"post": "yes"}).status_code == 403
    path = f"{BASE}/ruleset/{shared.rule_set_id}/change/"
    assert editor.get(path).status_code == 200
    assert editor.post(path, {"name": "Mine"}).status_code == 403
    assert stored(shared).name == "For all"


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ANALYST])
def test_rule__role_that_only_reads__reads(client: Client, site: Site, role: str) -> None:
    rule = make_rule(site.tenant)
    client.force_login(make_member(site.tenant, role))
    assert client.get(change(rule)).status_code == 200
    assert client.post(change(rule), rule_form(rule.rule_set)).status_code == 403
    assert client.get(f"{RULES}add/").status_code == 403


# --- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LISTS, "grant"])
def test_pages__platform_staff__open(staff: Client, site: Site, name: str) -> None:
    make_rule(site.tenant, conditions={"any": [clause("tag", "has", "vip")]})
    make_alias(site.tenant)
    for query in ("", "?q=sim"):
        assert staff.get(f"{BASE}/{name}/{query}").status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_pages__more_rows__take_no_more_queries(editor: Client, site: Site, name: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert editor.get(f"{BASE}/{name}/").status_code == 200
        return len(captured)

    def add_rows(start: int, end: int) -> None:
        for number in range(start, end):
            make_rule(site.tenant, targets=site.models)
            make_alias(site.tenant, f"alias-{number}", site.models)
            make_calendar(site.tenant, f"calendar-{number}", country="BR")
            publish(site.tenant)

    add_rows(0, 2)
    queries()  # What is cached for the process is cached now.
    few = queries()
    add_rows(2, 8)
    assert queries() == few <= MOST_QUERIES


def test_list__of_rules__tells_when_and_then(editor: Client, site: Site) -> None:
    tree = {"all": [clause("tag", "has", ["vip"])]}
    make_rule(site.tenant, conditions=tree, targets=["sim-large", "sim-small"])
    make_rule(site.tenant, action="reject", reject_message="Not today.", targets=[])
    make_rule(site.tenant, action="continue", targets=[], cache_seconds=5)
    arms = [{"name": "new", "weight": 10, "targets": ["sim-long"]}]
    make_rule(site.tenant, strategy="cheapest", arms=arms, targets=["sim-small", "sim-large"])
    page = editor.get(RULES).content.decode()
    told = (
        *("tag must have vip", "sim-large → sim-small", "reject: Not today."),
        *("apply the settings, go on", "new 10 %: sim-long; sim-small, sim-large"),
    )
    for text in told:
        assert text in page
