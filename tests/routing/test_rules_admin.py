"""Rules in the admin: plain fields become conditions, order is dragged, owners are kept apart."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.core.scoping import all_tenants, tenant_scope
from apps.providers.models import LlmModel
from apps.routing.models import ModelAlias, Rule
from tests.factories.people import make_member, make_user
from tests.factories.routing import (
    Site,
    clause,
    make_alias,
    make_rule,
    make_rule_set,
    make_site,
    publish,
)

pytestmark = pytest.mark.django_db
BASE = "/admin/routing"
RULES = f"{BASE}/rule/"
MOST_QUERIES = 32
LISTS = ("ruleset", "rule", "modelalias", "release")


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


def inline(prefix: str, *rows: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    """Return the fields of an inline's rows as a browser sends them."""
    data = {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": stored,
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
    }
    cells = ((f"{prefix}-{i}-{name}", v) for i, row in enumerate(rows) for name, v in row.items())
    return {**data, **dict(cells)}


def rule_form(rule_set: Any, *targets: str, **fields: Any) -> dict[str, Any]:
    """Return a rule's form with targets from top to bottom."""
    ids = dict(LlmModel.objects.filter(name__in=targets).values_list("name", "id"))
    rows = [{"llm_model": ids[name], "position": i} for i, name in enumerate(targets)]
    values = {
        "rule_set": rule_set.pk,
        "name": "VIP",
        "description": "",
        "is_enabled": "on",
        "position": 0,
        "action": "route",
        "reject_message": "",
        "cache_seconds": 0,
    }
    return {**values, **inline("targets", *rows), **fields}


def change(rule: Rule) -> str:
    return f"{RULES}{rule.pk}/change/"


def stored(rule: Rule) -> Rule:
    with all_tenants("tests"):
        found: Rule = Rule.objects.get(pk=rule.pk)
    return found


def only_rule() -> Rule:
    with all_tenants("tests"):
        found: Rule = Rule.objects.get()
    return found


def saved(client: Client, path: str, data: dict[str, Any]) -> None:
    """Post a form; what the form refuses is shown."""
    answer = client.post(path, data)
    if answer.status_code != 302:
        forms = [answer.context["adminform"].form, *answer.context["inline_admin_formsets"]]
        raise AssertionError([getattr(form, "errors", None) or form for form in forms])


def errors_of(client: Client, path: str, data: dict[str, Any]) -> dict[str, list[str]]:
    answer = client.post(path, data)
    assert answer.status_code == 200
    errors: dict[str, list[str]] = answer.context["adminform"].form.errors
    return errors


# --- the form ----------------------------------------------------------------------------------


def test_form__plain_fields__become_the_tree(editor: Client, site: Site) -> None:
    data = rule_form(
        make_rule_set(site.tenant),
        "sim-large",
        "sim-small",
        requested_models="gpt-5, claude ,gpt-5,",
        projects=["support"],
        tags="vip",
        needs=["tools", "vision"],
        fewest_prompt_tokens="0",
        most_prompt_tokens="4000",
    )
    saved(editor, f"{RULES}add/", data)
    rule = only_rule()
    assert rule.tenant_id == site.tenant_id
    assert rule.conditions == {
        "all": [
            clause("requested_model", "is", ["gpt-5", "claude"]),
            clause("project", "is", ["support"]),
            clause("tag", "has", ["vip"]),
            clause("needs", "has_all", ["tools", "vision"]),
            clause("prompt_tokens", "at_least", 0),
            clause("prompt_tokens", "at_most", 4000),
        ]
    }
    with tenant_scope(site.tenant_id):
        names = rule.targets.order_by("position").values_list("llm_model__name", flat=True)
        assert list(names) == ["sim-large", "sim-small"]
        assert {target.tenant_id for target in rule.targets.all()} == {site.tenant_id}
        actions = AuditEntry.objects.values_list("action", flat=True)
        assert "routing.rule_created" in set(actions)
        assert "routing.ruletarget_created" in set(actions)


def test_form__nothing_filled_in__matches_every_request(editor: Client, site: Site) -> None:
    saved(editor, f"{RULES}add/", rule_form(make_rule_set(site.tenant), "sim-small"))
    assert only_rule().conditions == {}


def test_form__stored_rule__is_shown_and_saved_unchanged(editor: Client, site: Site) -> None:
    tree = {"all": [clause("requested_model", "is", ["a", "b"]), clause("tag", "has", ["vip"])]}
    rule = make_rule(site.tenant, targets=[], conditions=tree)
    form = editor.get(change(rule)).context["adminform"].form
    shown = {name: form[name].value() for name in ("requested_models", "tags")}
    assert shown == {"requested_models": "a, b", "tags": "vip"}
    saved(editor, change(rule), rule_form(rule.rule_set, **shown))
    assert stored(rule).conditions == tree


@pytest.mark.parametrize(
    "tree",
    [
        {"any": [clause("tag", "has", "vip"), clause("door", "is", "chat")]},
        # The form would lose these: it offers no such choice, or a comma separates.
        {"all": [clause("needs", "has_all", ["reasoning"])]},
        {"all": [clause("project", "is", ["deleted-project"])]},
        {"all": [clause("tenant", "is", ["acme"])]},
        {"all": [clause("tag", "has", ["a,b"])]},
        {"all": [clause("requested_model", "is", [" m "])]},
        {"all": [clause("prompt_tokens", "at_least", -5)]},
    ],
)
def test_form__condition_that_it_cannot_show__is_told_and_kept(
    editor: Client, site: Site, tree: dict[str, Any]
) -> None:
    rule = make_rule(site.tenant, targets=[], conditions=tree)
    page = editor.get(change(rule)).content.decode()
    assert "made through the API" in page
    assert 'name="requested_models"' not in page
    saved(editor, change(rule), rule_form(rule.rule_set, name="Renamed", tags="lost"))
    assert (stored(rule).name, stored(rule).conditions) == ("Renamed", tree)


def test_form__limits_that_cross__are_refused_at_the_field(editor: Client, site: Site) -> None:
    data = rule_form(make_rule_set(site.tenant), fewest_prompt_tokens="9", most_prompt_tokens="8")
    assert set(errors_of(editor, f"{RULES}add/", data)) == {"most_prompt_tokens"}


def test_form__rejection_without_a_message__is_refused_at_the_field(
    editor: Client, site: Site
) -> None:
    data = rule_form(make_rule_set(site.tenant), action="reject")
    assert set(errors_of(editor, f"{RULES}add/", data)) == {"reject_message"}


def test_form__rule_set_of_another_owner__is_refused(editor: Client, site: Site) -> None:
    for owner in (make_site("boa-vista").tenant, None):
        data = rule_form(make_rule_set(owner), "sim-small")
        assert set(errors_of(editor, f"{RULES}add/", data)) == {"rule_set"}


def test_form__of_a_tenant__offers_its_own_projects_and_no_tenants(
    editor: Client, site: Site
) -> None:
    make_site("boa-vista")
    page = editor.get(f"{RULES}add/")
    choices = page.context["adminform"].form.fields["projects"].choices
    assert choices == [("support", "Support")]
    assert 'name="tenants"' not in page.content.decode()


def test_form__of_the_platform__chooses_among_tenants(staff: Client, site: Site) -> None:
    data = rule_form(make_rule_set(None), "sim-small", tenants=["acme"])
    saved(staff, f"{RULES}add/", data)
    rule = only_rule()
    assert rule.tenant_id is None
    assert rule.conditions == {"all": [clause("tenant", "is", ["acme"])]}


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
    page = editor.get(RULES).content.decode()
    for text in ("tag must have vip", "sim-large → sim-small", "reject: Not today."):
        assert text in page
