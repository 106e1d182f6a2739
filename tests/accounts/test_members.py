"""Members of a tenant: by service, in the admin, over REST."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.accounts.enums import Role
from apps.accounts.models import Membership, User
from apps.accounts.services import add_member, change_role, remove_member
from apps.audit.models import AuditEntry
from apps.audit.types import SYSTEM
from apps.core.errors import Conflict
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.models import Tenant
from tests.factories.people import make_member, make_membership, make_tenant, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.people_urls")]
MEMBERS = "/admin/accounts/membership/"


def roles_of(user: User) -> set[tuple[Any, str]]:
    with all_tenants("tests"):
        return set(Membership.objects.filter(user=user).values_list("tenant_id", "role"))


def actions_in(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.pk):
        return list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))


def test_add_member__unknown_person__is_created_and_invited(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    tenant = make_tenant()
    with django_capture_on_commit_callbacks(execute=True), tenant_scope(tenant.pk):
        add_member(
            tenant_id=tenant.pk, email="New@Example.com", role=Role.ANALYST, name="N", actor=SYSTEM
        )
    user = User.objects.get(email="new@example.com")
    assert not user.has_usable_password()
    assert roles_of(user) == {(tenant.pk, Role.ANALYST)}
    assert actions_in(tenant) == ["accounts.user_created", "accounts.membership_created"]
    assert mail.outbox[0].to == ["new@example.com"]
    assert "http://localhost:8000/accounts/password/reset/key/" in mail.outbox[0].body


def test_add_member__known_person__is_not_invited_again(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    tenant, user = make_tenant(), make_user(name="Known")
    with django_capture_on_commit_callbacks(execute=True), tenant_scope(tenant.pk):
        add_member(tenant_id=tenant.pk, email=user.email, role=Role.OWNER, name="X", actor=SYSTEM)
    user.refresh_from_db()
    assert (user.name, mail.outbox) == ("Known", [])


def test_add_member__twice__is_a_conflict() -> None:
    membership = make_membership()
    with tenant_scope(membership.tenant_id), pytest.raises(Conflict):
        add_member(
            tenant_id=membership.tenant_id,
            email=membership.user.email,
            role=membership.role,
            actor=SYSTEM,
        )


def test_last_owner__demoted_or_removed__is_a_conflict() -> None:
    owner = make_membership()
    with tenant_scope(owner.tenant_id):
        with pytest.raises(Conflict):
            change_role(membership=owner, role=Role.ANALYST, actor=SYSTEM)
        with pytest.raises(Conflict):
            remove_member(membership=owner, actor=SYSTEM)


def test_owner__beside_another__may_go() -> None:
    tenant = make_tenant()
    one, two = make_membership(tenant=tenant), make_membership(tenant=tenant)
    with tenant_scope(tenant.pk):
        change_role(membership=one, role=Role.ANALYST, actor=SYSTEM)
    with tenant_scope(tenant.pk), pytest.raises(Conflict):
        remove_member(membership=two, actor=SYSTEM)
    assert actions_in(tenant) == ["accounts.membership_updated"]


def test_admin__owner__adds_a_member_of_the_own_tenant(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    page = client.get(f"{MEMBERS}add/")
    assert b'name="email"' in page.content
    assert b'name="tenant"' not in page.content
    data = {"email": "Ana@example.com", "name": "Ana", "role": Role.RULE_EDITOR}
    assert client.post(f"{MEMBERS}add/", data).status_code == 302
    assert roles_of(User.objects.get(email="ana@example.com")) == {(tenant.pk, Role.RULE_EDITOR)}
    assert actions_in(tenant) == ["accounts.user_created", "accounts.membership_created"]


def test_admin__same_member_and_role_again__is_a_message(client: Client) -> None:
    tenant = make_tenant()
    owner = make_member(tenant)
    client.force_login(owner)
    page = client.post(f"{MEMBERS}add/", {"email": owner.email, "role": Role.OWNER})
    assert page.status_code == 200
    assert b"has this role already" in page.content


def test_admin__platform_staff__choose_the_tenant(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_user(is_superuser=True))
    assert b'name="tenant"' in client.get(f"{MEMBERS}add/").content
    data = {"tenant": str(tenant.pk), "email": "x@example.com", "role": Role.OWNER}
    assert client.post(f"{MEMBERS}add/", data).status_code == 302
    assert roles_of(User.objects.get(email="x@example.com")) == {(tenant.pk, Role.OWNER)}


def test_admin__last_owner__keeps_the_role_and_the_row(client: Client) -> None:
    membership = make_membership()
    client.force_login(membership.user)
    path = f"{MEMBERS}{membership.pk}/change/"
    page = client.post(path, {"role": Role.ANALYST})
    assert b"needs an owner" in page.content
    assert client.post(f"{MEMBERS}{membership.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(MEMBERS, {"action": "delete_selected", "_selected_action": [str(membership.pk)]})
    assert roles_of(membership.user) == {(membership.tenant_id, Role.OWNER)}


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST])
def test_admin__other_roles__see_no_members(client: Client, role: str) -> None:
    client.force_login(make_member(role=role))
    assert client.get(MEMBERS).status_code == 403
    assert client.get(f"{MEMBERS}add/").status_code == 403


def test_admin__owner__sees_people_of_the_own_tenant_read_only(client: Client) -> None:
    tenant, stranger = make_tenant(), make_member()
    owner, colleague = make_member(tenant), make_member(tenant, Role.ANALYST)
    client.force_login(owner)
    page = client.get("/admin/accounts/user/").content.decode()
    assert colleague.email in page
    assert stranger.email not in page
    path = f"/admin/accounts/user/{colleague.pk}/change/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"email": "stolen@example.com"}).status_code == 403
    assert client.get(f"/admin/accounts/user/{stranger.pk}/change/").status_code == 302


def test_admin__platform_staff__add_a_user_who_gets_a_link(
    client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client.force_login(make_user(is_superuser=True))
    with django_capture_on_commit_callbacks(execute=True):
        data = {"email": "Zoe@example.com", "language": "pt-br", "is_active": "on"}
        response = client.post("/admin/accounts/user/add/", data)
    assert response.status_code == 302
    user = User.objects.get(email="zoe@example.com")
    assert (user.language, user.has_usable_password()) == ("pt-br", False)
    assert mail.outbox[0].to == ["zoe@example.com"]


def test_admin__password_link_action__mails_each_selected(
    client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client.force_login(make_user(is_superuser=True))
    user = make_user()
    data = {"action": "mail_password_link", "_selected_action": [str(user.pk)]}
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/admin/accounts/user/", data)
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_api__owner__adds_changes_and_removes(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    data = {"email": "ana@example.com", "role": "analyst"}
    made = client.post("/api/v1/members/", data, content_type="application/json")
    assert made.status_code == 201, made.content
    path = f"/api/v1/members/{made.json()['id']}/"
    changed = client.patch(path, {"role": "approver"}, content_type="application/json")
    assert (changed.json()["role"], changed.json()["email"]) == ("approver", "ana@example.com")
    assert client.get("/api/v1/members/").json()["count"] == 2
    assert client.delete(path).status_code == 204
    assert actions_in(tenant) == [
        "accounts.user_created",
        "accounts.membership_created",
        "accounts.membership_updated",
        "accounts.membership_deleted",
    ]


def test_api__address_of_a_member__is_not_the_tenants_to_change(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    other = make_membership(tenant=tenant, role=Role.ANALYST)
    path = f"/api/v1/members/{other.pk}/"
    data = {"email": "stolen@example.com", "name": "Stolen"}
    client.patch(path, data, content_type="application/json")
    assert User.objects.get(pk=other.user.pk).email == other.user.email


def test_api__analyst__is_refused(client: Client) -> None:
    client.force_login(make_member(role=Role.ANALYST))
    assert client.get("/api/v1/members/").status_code == 403
