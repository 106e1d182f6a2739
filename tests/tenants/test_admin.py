"""Tenants in the admin: the platform's to create, an owner's to name."""

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.core.scoping import all_tenants
from apps.tenants.models import Tenant
from tests.factories.people import make_member, make_project, make_tenant, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.audit.admin_urls")]
TENANTS = "/admin/tenants/tenant/"


def stored(tenant: Tenant) -> Tenant:
    with all_tenants("tests"):
        return Tenant.objects.get(pk=tenant.pk)


def test_add__platform_staff__creates_a_tenant(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    data = {"name": "Acme", "slug": "acme", "language": "pt-br", "time_zone": "America/Sao_Paulo"}
    assert client.post(f"{TENANTS}add/", {**data, "is_active": "on"}).status_code == 302
    with all_tenants("tests"):
        assert Tenant.objects.get(slug="acme").language == "pt-br"


def test_add__owner__is_refused(client: Client) -> None:
    client.force_login(make_member())
    assert client.get(f"{TENANTS}add/").status_code == 403


def test_change__owner__renames_and_cannot_reach_what_the_platform_decides(
    client: Client,
) -> None:
    tenant = make_tenant(slug="acme")
    client.force_login(make_member(tenant))
    data = {"name": "New", "slug": "stolen", "language": "en", "time_zone": "UTC"}
    assert client.post(f"{TENANTS}{tenant.pk}/change/", data).status_code == 302
    after = stored(tenant)
    assert (after.name, after.slug, after.is_active) == ("New", "acme", True)


def test_change__unknown_time_zone__is_a_message(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    data = {"name": "New", "language": "en", "time_zone": "Mars/Olympus"}
    assert client.post(f"{TENANTS}{tenant.pk}/change/", data).status_code == 200
    assert stored(tenant).time_zone == "UTC"


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST])
def test_change__other_roles__only_read(client: Client, role: str) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant, role))
    path = f"{TENANTS}{tenant.pk}/change/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"name": "New"}).status_code == 403


def test_list__owner__shows_the_own_tenant_only(client: Client) -> None:
    tenant, other = make_tenant(name="Mine"), make_tenant(name="Theirs")
    client.force_login(make_member(tenant))
    page = client.get(TENANTS).content.decode()
    assert "Mine" in page
    assert other.name not in page
    assert client.get(f"{TENANTS}{other.pk}/change/").status_code == 302


def test_project_page__explains_what_is_stored(client: Client) -> None:
    project = make_project()
    client.force_login(make_member(project.tenant))
    page = client.get(f"/admin/tenants/project/{project.pk}/change/").content.decode()
    assert "are never stored" in page
