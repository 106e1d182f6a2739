"""The management API's base, seen through projects, tenants and the trail."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIRequestFactory, force_authenticate

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.audit.services import record_change
from apps.audit.types import SYSTEM
from apps.core.errors import Conflict
from apps.core.scoping import all_tenants, has_scope, tenant_scope
from apps.tenants.api.views import ProjectViewSet, TenantViewSet
from apps.tenants.models import Project, Tenant
from tests.factories.people import make_member, make_project, make_tenant, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.people_urls")]
PROJECTS = "/api/v1/projects/"


def post(client: Client, path: str, **data: Any) -> Any:
    return client.post(path, data, content_type="application/json")


def make_key(tenant: Tenant, *scopes: str) -> Any:
    """What the authentication of API keys puts into `request.auth`."""
    return SimpleNamespace(
        key_id="key-1", key_name="CI", tenant_id=tenant.pk, scopes=frozenset(scopes)
    )


def call(view: Any, method: str, key: Any, **data: Any) -> Any:
    actions = {method: {"get": "list", "post": "create"}[method]}
    request = getattr(APIRequestFactory(), method)("/x/", data or None, format="json")
    force_authenticate(request, token=key)
    return view.as_view(actions)(request)


def test_projects__anonymous__are_refused(client: Client) -> None:
    assert client.get(PROJECTS).status_code in {401, 403}


def test_projects__owner__creates_changes_and_deletes_with_a_trail(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    made = post(client, PROJECTS, slug="shop", name="Shop")
    assert made.status_code == 201, made.content
    path = f"{PROJECTS}{made.json()['id']}/"
    changed = client.patch(path, {"name": "New"}, content_type="application/json")
    assert changed.json()["name"] == "New"
    assert client.delete(path).status_code == 204
    with tenant_scope(tenant.pk):
        trail = AuditEntry.objects.order_by("sequence").values_list("action", "changes")
        (created, values), (updated, changes), (deleted, _gone) = trail
    assert created == "tenants.project_created"
    assert values["name"] == "Shop"
    assert (updated, changes) == ("tenants.project_updated", {"name": ["Shop", "New"]})
    assert deleted == "tenants.project_deleted"


def test_projects__of_another_tenant__are_not_found(client: Client) -> None:
    theirs = make_project()
    client.force_login(make_member())
    path = f"{PROJECTS}{theirs.pk}/"
    assert client.get(PROJECTS).json()["count"] == 0
    assert client.get(path).status_code == 404
    assert client.patch(path, {"name": "x"}, content_type="application/json").status_code == 404
    assert client.delete(path).status_code == 404


def test_projects__tenant_named_in_the_body__is_ignored(client: Client) -> None:
    tenant, other = make_tenant(), make_tenant()
    client.force_login(make_member(tenant))
    post(client, PROJECTS, slug="shop", name="Shop", tenant=str(other.pk))
    with all_tenants("tests"):
        assert Project.objects.get().tenant_id == tenant.pk


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST])
def test_projects__role_that_only_reads__reads(client: Client, role: str) -> None:
    project = make_project()
    client.force_login(make_member(project.tenant, role))
    path = f"{PROJECTS}{project.pk}/"
    assert client.get(path).status_code == 200
    assert post(client, PROJECTS, slug="x", name="X").status_code == 403
    assert client.delete(path).status_code == 403


def test_projects__taken_short_name__is_a_conflict_and_leaves_nothing(client: Client) -> None:
    project = make_project(slug="shop")
    client.force_login(make_member(project.tenant))
    answer = post(client, PROJECTS, slug="shop", name="Again")
    assert answer.status_code == Conflict.http_status
    assert answer.json()["error"]["code"] == "conflict"
    with tenant_scope(project.tenant_id):
        assert AuditEntry.objects.count() == 0


def test_projects__platform_staff_with_all_tenants__choose_one_first(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    answer = post(client, PROJECTS, slug="shop", name="Shop")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tenant")


def test_projects__listed__are_searched_ordered_and_paged(client: Client) -> None:
    tenant = make_tenant()
    for name in ("B shop", "A shop", "Other"):
        make_project(tenant, name=name)
    client.force_login(make_member(tenant))
    page = client.get(f"{PROJECTS}?search=shop&ordering=-name&page_size=1").json()
    assert (page["count"], [row["name"] for row in page["results"]]) == (2, ["B shop"])
    assert page["next"]


def test_api_key__with_the_scope__works_in_its_tenant_and_is_named_in_the_trail() -> None:
    tenant = make_tenant()
    make_project()
    key = make_key(tenant, "manage")
    made = call(ProjectViewSet, "post", key, slug="shop", name="Shop")
    assert made.status_code == 201, made.data
    assert not has_scope()
    listed = call(ProjectViewSet, "get", key)
    assert [row["slug"] for row in listed.data["results"]] == ["shop"]
    with tenant_scope(tenant.pk):
        entry = AuditEntry.objects.get()
    assert (entry.actor_kind, entry.actor_id, entry.actor_label) == ("api_key", "key-1", "CI")


def test_api_key__without_the_scope__is_refused() -> None:
    key = make_key(make_tenant(), "run")
    assert call(ProjectViewSet, "get", key).status_code == 403


def test_api_key__request_that_fails_after_a_write__keeps_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tenant = make_tenant()

    def refuse(*_arguments: Any) -> None:
        raise Conflict("no")

    monkeypatch.setattr(ProjectViewSet, "record", refuse)
    answer = call(ProjectViewSet, "post", make_key(tenant, "manage"), slug="shop", name="Shop")
    assert answer.status_code == 409
    with all_tenants("tests"):
        assert not Project.objects.exists()


def test_api_key__defect_after_a_write__keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = make_tenant()

    def fail(*_arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ProjectViewSet, "record", fail)
    with pytest.raises(ZeroDivisionError):
        call(ProjectViewSet, "post", make_key(tenant, "manage"), slug="shop", name="Shop")
    assert not has_scope()
    with all_tenants("tests"):
        assert not Project.objects.exists()


def test_tenants__key__reads_its_own_only() -> None:
    tenant, _other = make_tenant(), make_tenant()
    listed = call(TenantViewSet, "get", make_key(tenant, "manage"))
    assert [row["slug"] for row in listed.data["results"]] == [tenant.slug]


def test_tenants__written_to__is_not_allowed(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    assert post(client, "/api/v1/tenants/", slug="x", name="x").status_code in {403, 405}
    assert client.delete(f"/api/v1/tenants/{tenant.pk}/").status_code in {403, 405}


def test_audit__owner__reads_the_own_trail(client: Client) -> None:
    project, other = make_project(), make_project()
    for row in (project, other):
        with tenant_scope(row.tenant_id):
            record_change(actor=SYSTEM, action="tenants.project_updated", obj=row)
    client.force_login(make_member(project.tenant))
    page = client.get("/api/v1/audit/").json()
    assert [row["object_id"] for row in page["results"]] == [str(project.pk)]


def test_audit__analyst__is_refused(client: Client) -> None:
    client.force_login(make_member(role=Role.ANALYST))
    assert client.get("/api/v1/audit/").status_code == 403
