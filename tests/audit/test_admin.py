"""Every admin page: audited, in the own tenant only, exported as CSV."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.audit.services import record_change
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants, tenant_scope
from apps.providers.models import Credential, Provider
from apps.routing.models import Release, Rule, RuleSet
from apps.tenants.models import Project, Tenant
from tests.factories.people import (
    make_member,
    make_project,
    make_tenant,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.audit.admin_urls")]

PROJECTS = "/admin/tenants/project/"
RULE_SETS = "/admin/routing/ruleset/"
NO_RULES = {"rules-TOTAL_FORMS": "0", "rules-INITIAL_FORMS": "0"}


def make_rule_set(tenant: Tenant | None, **fields: Any) -> RuleSet:
    with all_tenants("tests"):
        rule_set: RuleSet = RuleSet.objects.create(tenant=tenant, **{"name": "Set", **fields})
    return rule_set


def trail_of(tenant: Tenant | None) -> list[tuple[str, dict[str, Any]]]:
    with all_tenants("tests"):
        rows = AuditEntry.objects.filter(tenant_id=tenant.pk if tenant else None).order_by(
            "sequence"
        )
        return list(rows.values_list("action", "changes"))


def read_csv(response: Any) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


# --- whose rows


def test_list__member__shows_the_own_tenant_only(client: Client) -> None:
    mine, theirs = make_project(name="Mine"), make_project(name="Theirs")
    client.force_login(make_member(mine.tenant))
    page = client.get(PROJECTS).content.decode()
    assert mine.name in page
    assert theirs.name not in page


@pytest.mark.parametrize("action", ["change", "delete", "history"])
def test_page_of_a_row__of_another_tenant__is_not_found(client: Client, action: str) -> None:
    theirs = make_project(name="Theirs")
    client.force_login(make_member())
    page = client.get(f"{PROJECTS}{theirs.pk}/{action}/", follow=True)
    assert "Theirs" not in page.content.decode().replace("&quot;", "")


@pytest.mark.parametrize("action", ["change", "delete"])
def test_row_of_another_tenant__posted_to__stays(client: Client, action: str) -> None:
    theirs = make_project(name="Theirs")
    client.force_login(make_member())
    client.post(f"{PROJECTS}{theirs.pk}/{action}/", {"name": "X", "slug": "x", "post": "yes"})
    with all_tenants("tests"):
        assert Project.objects.get(pk=theirs.pk).name == "Theirs"


def test_bulk_deletion__with_ids_of_another_tenant__deletes_none_of_them(client: Client) -> None:
    theirs = make_project()
    mine = make_project()
    client.force_login(make_member(mine.tenant))
    data = {
        "action": "delete_selected",
        "_selected_action": [str(theirs.pk), str(mine.pk)],
        "post": "yes",
    }
    client.post(PROJECTS, data)
    with all_tenants("tests"):
        assert list(Project.objects.all()) == [theirs]


def test_platform_row__tenant_user__reads_it_and_cannot_change_it(client: Client) -> None:
    shared = make_rule_set(None, name="Global")
    client.force_login(make_member())
    path = f"{RULE_SETS}{shared.pk}/change/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"name": "Taken", **NO_RULES}).status_code == 403
    assert client.post(f"{RULE_SETS}{shared.pk}/delete/", {"post": "yes"}).status_code == 403
    with all_tenants("tests"):
        assert RuleSet.objects.get().name == "Global"


def test_platform_row__platform_staff_in_a_tenant__choose_all_tenants_first(
    client: Client,
) -> None:
    shared, tenant = make_rule_set(None, name="Global"), make_tenant()
    client.force_login(make_user(is_superuser=True))
    path = f"{RULE_SETS}{shared.pk}/change/"
    session = client.session
    session["active_tenant"] = str(tenant.pk)
    session.save()
    assert client.post(path, {"name": "New", **NO_RULES}).status_code == 403
    session["active_tenant"] = "all"
    session.save()
    assert client.post(path, {"name": "New", "is_enabled": "on", **NO_RULES}).status_code == 302
    ((action, changes),) = trail_of(None)
    assert (action, changes["name"]) == ("routing.ruleset_updated", ["Global", "New"])
    assert "updated_at" not in changes


def test_choices__of_a_reference__are_the_own_tenants(client: Client) -> None:
    mine, theirs = make_project(name="Mine"), make_project(name="Theirs")
    client.force_login(make_member(mine.tenant))
    page = client.get(f"{RULE_SETS}add/").content.decode()
    assert "Mine" in page
    assert "Theirs" not in page
    data = {"name": "S", "project": str(theirs.pk), **NO_RULES}
    assert client.post(f"{RULE_SETS}add/", data).status_code == 200
    with all_tenants("tests"):
        assert not RuleSet.objects.exists()


def test_reference__to_another_tenant_by_platform_staff__is_a_message(client: Client) -> None:
    tenant, theirs = make_tenant(), make_project()
    client.force_login(make_user(is_superuser=True))
    data = {"tenant": str(tenant.pk), "name": "S", "project": str(theirs.pk), **NO_RULES}
    page = client.post(f"{RULE_SETS}add/", data)
    assert "belongs to someone else" in page.content.decode()


# --- writes


def test_add__member__fills_in_the_tenant_and_writes_the_trail(client: Client) -> None:
    tenant = make_tenant()
    user = make_member(tenant)
    client.force_login(user)
    assert b'name="tenant"' not in client.get(f"{PROJECTS}add/").content
    response = client.post(f"{PROJECTS}add/", {"name": "Shop", "slug": "shop", "is_active": "on"})
    assert response.status_code == 302
    with tenant_scope(tenant.pk):
        project = Project.objects.get()
        entry = AuditEntry.objects.get()
    assert project.tenant_id == tenant.pk
    assert (entry.action, entry.object_id) == ("tenants.project_created", str(project.pk))
    assert (entry.actor_kind, entry.actor_id) == ("user", str(user.pk))
    assert (entry.actor_label, entry.address) == (user.email, "127.0.0.1")
    assert entry.changes["name"] == "Shop"


def test_add__platform_staff_with_all_tenants__must_choose_one(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_user(is_superuser=True))
    assert b'name="tenant"' in client.get(f"{PROJECTS}add/").content
    data = {"name": "Shop", "slug": "shop"}
    assert client.post(f"{PROJECTS}add/", data).status_code == 200
    assert client.post(f"{PROJECTS}add/", {**data, "tenant": str(tenant.pk)}).status_code == 302
    assert [action for action, _changes in trail_of(tenant)] == ["tenants.project_created"]


def test_add__taken_in_the_tenant__is_a_message(client: Client) -> None:
    project = make_project(slug="shop")
    client.force_login(make_member(project.tenant))
    page = client.post(f"{PROJECTS}add/", {"name": "Shop", "slug": "shop"})
    assert page.status_code == 200
    assert b"errornote" in page.content or b"already exists" in page.content


def test_change__some_fields__are_recorded_with_old_and_new_value(client: Client) -> None:
    project = make_project(name="Old", slug="shop")
    client.force_login(make_member(project.tenant))
    data = {"name": "New", "slug": "shop", "is_active": "on"}
    client.post(f"{PROJECTS}{project.pk}/change/", data)
    assert trail_of(project.tenant) == [("tenants.project_updated", {"name": ["Old", "New"]})]


def test_change__nothing__is_not_recorded(client: Client) -> None:
    project = make_project(name="Same", slug="shop")
    client.force_login(make_member(project.tenant))
    data = {"name": "Same", "slug": "shop", "is_active": "on"}
    client.post(f"{PROJECTS}{project.pk}/change/", data)
    assert trail_of(project.tenant) == []


def test_delete__one_or_many__is_recorded(client: Client) -> None:
    tenant = make_tenant()
    one, two = make_project(tenant), make_project(tenant)
    client.force_login(make_member(tenant))
    client.post(f"{PROJECTS}{one.pk}/delete/", {"post": "yes"})
    data = {"action": "delete_selected", "_selected_action": [str(two.pk)], "post": "yes"}
    client.post(PROJECTS, data)
    assert [action for action, _changes in trail_of(tenant)] == ["tenants.project_deleted"] * 2


def test_delete__page__lists_what_goes_with_it(client: Client) -> None:
    project = make_project()
    make_rule_set(project.tenant, name="Rules of the shop", project=project)
    client.force_login(make_member(project.tenant))
    assert b"Rules of the shop" in client.get(f"{PROJECTS}{project.pk}/delete/").content


@pytest.mark.parametrize("is_platform", [False, True])
def test_inline__added_changed_deleted__has_the_parents_tenant_and_a_trail(
    client: Client, is_platform: bool
) -> None:
    tenant = None if is_platform else make_tenant()
    client.force_login(make_member(tenant) if tenant else make_user(is_superuser=True))
    data = {"name": "Set", "is_enabled": "on"}
    data |= {"rules-TOTAL_FORMS": "2", "rules-INITIAL_FORMS": "0"}
    for number, name in enumerate(["A", "B"]):
        data |= {f"rules-{number}-name": name, f"rules-{number}-position": str(number)}
    assert client.post(f"{RULE_SETS}add/", data).status_code == 302
    with all_tenants("tests"):
        rule_set, (first, second) = RuleSet.objects.get(), Rule.objects.order_by("name")
        assert {rule_set.tenant, first.tenant, second.tenant} == {tenant}
    data |= {
        "rules-INITIAL_FORMS": "2",
        "rules-0-id": str(first.pk),
        "rules-0-name": "C",
        "rules-1-id": str(second.pk),
        "rules-1-DELETE": "on",
    }
    data |= {f"rules-{n}-rule_set": str(rule_set.pk) for n in (0, 1)}
    assert client.post(f"{RULE_SETS}{rule_set.pk}/change/", data).status_code == 302
    assert [action for action, _changes in trail_of(tenant)] == [
        "routing.ruleset_created",
        "routing.rule_created",
        "routing.rule_created",
        "routing.rule_deleted",
        "routing.rule_updated",
    ]
    assert trail_of(tenant)[-1][1] == {"name": ["A", "C"]}


def test_secret_fields__of_a_changed_row__are_not_in_the_trail(client: Client) -> None:
    tenant = make_tenant()
    provider = Provider.objects.create(slug="p", name="P", adapter="openai")
    with all_tenants("tests"):
        credential = Credential.objects.create(
            tenant=tenant, provider=provider, name="Key", ciphertext="v1.sealed", last_four="1234"
        )
    client.force_login(make_member(tenant))
    client.post(f"/admin/providers/credential/{credential.pk}/delete/", {"post": "yes"})
    ((action, changes),) = trail_of(tenant)
    assert action == "providers.credential_deleted"
    assert "ciphertext" not in changes
    assert "sealed" not in str(changes)


def test_page__role_that_may_only_read__offers_no_change(client: Client) -> None:
    project = make_project()
    client.force_login(make_member(project.tenant, Role.ANALYST))
    path = f"{PROJECTS}{project.pk}/change/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"name": "X", "slug": "x"}).status_code == 403
    assert client.get(f"{PROJECTS}add/").status_code == 403


def test_read_only_page__platform_staff__cannot_write(client: Client) -> None:
    with all_tenants("tests"):
        release = Release.objects.create(version=1, snapshot={}, published_by="x")
    client.force_login(make_user(is_superuser=True))
    base = "/admin/routing/release/"
    assert client.get(base).status_code == 200
    assert client.get(f"{base}{release.pk}/change/").status_code == 200
    assert client.post(f"{base}{release.pk}/change/", {"version": "2"}).status_code == 403
    assert client.post(f"{base}{release.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{base}add/").status_code == 403


# --- reading


def test_export__selection__is_csv_of_the_listed_columns(client: Client) -> None:
    tenant = make_tenant()
    one = make_project(tenant, name='=HYPERLINK("x")', slug="one")
    two = make_project(tenant, name="Ação, 2", slug="two", store_content=True)
    left_out, theirs = make_project(tenant), make_project()
    client.force_login(make_member(tenant))
    chosen = [str(one.pk), str(two.pk), str(theirs.pk)]
    response = client.post(PROJECTS, {"action": "export_as_csv", "_selected_action": chosen})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="project.csv"'
    titles, *rows = read_csv(response)
    assert titles[:4] == ["Name", "Short name", "Active", "Store content"]
    assert [row[:4] for row in rows] == [
        ['\'=HYPERLINK("x")', "one", "True", "False"],
        ["Ação, 2", "two", "True", "True"],
    ]
    assert left_out.slug not in str(rows)


def test_export__platform_staff__has_the_tenant_column(client: Client) -> None:
    project = make_project()
    client.force_login(make_user(is_superuser=True))
    data = {"action": "export_as_csv", "_selected_action": [str(project.pk)]}
    titles, row = read_csv(client.post(PROJECTS, data))
    assert (titles[-1], row[-1]) == ("Tenant", project.tenant.name)


def test_empty_list__says_what_the_page_is_for(client: Client) -> None:
    client.force_login(make_member())
    assert b"one per application or team" in client.get(PROJECTS).content


def test_trail__owner__reads_filters_and_opens_it(client: Client) -> None:
    project = make_project(name="Shop")
    other = make_project(name="Foreign")
    for row in (project, other):
        with tenant_scope(row.tenant_id):
            record_change(
                actor=SYSTEM,
                action="tenants.project_updated",
                obj=row,
                changes={"name": ["<b>Old</b>", "New"], "note": "plain"},
            )
    client.force_login(make_member(project.tenant))
    base = "/admin/audit/auditentry/"
    page = client.get(base).content.decode()
    assert "Shop" in page
    assert "Foreign" not in page
    query = "?action=tenants.project_updated&object_type=tenants.Project&q=shop"
    assert "Shop" in client.get(f"{base}{query}").content.decode()
    with tenant_scope(project.tenant_id):
        entry = AuditEntry.objects.get()
    detail = client.get(f"{base}{entry.pk}/change/").content.decode()
    assert "&lt;b&gt;Old&lt;/b&gt;" in detail
    assert client.post(f"{base}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    history = client.get(f"{PROJECTS}{project.pk}/history/", follow=True)
    assert "Shop" in history.content.decode()


@pytest.mark.parametrize("role", ["owner", "platform staff"])
def test_trail__verified_on_the_page__holds(client: Client, role: str) -> None:
    project = make_project()
    with tenant_scope(project.tenant_id):
        record_change(actor=SYSTEM, action="x", obj=project)
    user = make_member(project.tenant) if role == "owner" else make_user(is_superuser=True)
    client.force_login(user)
    page = client.get("/admin/audit/auditentry/verify/", follow=True)
    assert b"The trail holds: 1 entry checked." in page.content


def test_trail__analyst__is_refused(client: Client) -> None:
    client.force_login(make_member(role=Role.ANALYST))
    assert client.get("/admin/audit/auditentry/").status_code == 403
