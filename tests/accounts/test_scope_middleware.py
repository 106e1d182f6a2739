"""Each signed-in request runs in the tenant that its person chose, and fails as a whole."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, RequestFactory

from apps.accounts.active_tenant import SESSION_KEY, TenantChoice, tenant_choices
from apps.accounts.enums import Role
from apps.accounts.middleware import ScopeMiddleware
from apps.accounts.models import Membership, User
from apps.core.scoping import all_tenants, has_scope
from apps.tenants.models import Project, Tenant
from tests.factories.people import (
    make_member,
    make_membership,
    make_project,
    make_tenant,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.people_urls")]


def scope_of(client: Client, path: str = "/scope/") -> str:
    return client.get(path).content.decode()


def choose(client: Client, value: Any, **data: str) -> Any:
    return client.post("/accounts/active-tenant/", {"tenant": str(value), **data})


def test_scope__anonymous__is_none(client: Client) -> None:
    assert scope_of(client) == "none"


def test_scope__member__is_the_own_tenant(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    assert scope_of(client) == str(tenant.pk)
    assert client.session[SESSION_KEY] == str(tenant.pk)
    assert not has_scope()


def test_scope__platform_staff__is_all_until_one_is_chosen(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_user(is_superuser=True))
    assert scope_of(client) == "all"
    assert choose(client, tenant.pk).status_code == 302
    assert scope_of(client) == str(tenant.pk)
    choose(client, "all")
    assert scope_of(client) == "all"


def test_scope__chosen_tenant_is_gone__platform_staff_see_all(client: Client) -> None:
    client.force_login(make_user(is_superuser=True))
    session = client.session
    session[SESSION_KEY] = str(uuid4())
    session.save()
    assert scope_of(client) == "all"


def test_scope__member_of_two__switches(client: Client) -> None:
    user = make_user()
    one, two = make_tenant(name="A"), make_tenant(name="B")
    for tenant in (one, two):
        make_membership(tenant=tenant, user=user)
    client.force_login(user)
    assert scope_of(client) == str(one.pk)
    choose(client, two.pk)
    assert scope_of(client) == str(two.pk)


@pytest.mark.parametrize("value", ["all", "", "nonsense", None])
def test_switch__to_what_is_not_the_members_own__is_refused(
    client: Client, value: str | None
) -> None:
    tenant, other = make_tenant(), make_tenant()
    client.force_login(make_member(tenant))
    assert choose(client, other.pk if value is None else value).status_code == 403
    assert scope_of(client) == str(tenant.pk)


def test_switch__by_get_or_without_token__is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    assert client.get("/accounts/active-tenant/").status_code == 405
    assert choose(client, tenant.pk).status_code == 403


def test_switch__anonymous__signs_in_first(client: Client) -> None:
    response = choose(client, make_tenant().pk)
    assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("wanted", "leads_to"), [("/scope/", "/scope/"), ("https://evil.example/", "/admin/")]
)
def test_switch__next_page__never_leaves_the_site(
    client: Client, wanted: str, leads_to: str
) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    assert choose(client, tenant.pk, next=wanted)["Location"] == leads_to


def test_scope__forged_session__falls_back_to_the_own_tenant(client: Client) -> None:
    tenant, other = make_tenant(), make_tenant()
    client.force_login(make_member(tenant))
    session = client.session
    session[SESSION_KEY] = str(other.pk)
    session.save()
    assert scope_of(client) == str(tenant.pk)


def test_scope__membership_taken_away__ends_at_the_next_request(client: Client) -> None:
    user = make_member()
    client.force_login(user)
    assert client.get("/scope/").status_code == 200
    with all_tenants("tests"):
        Membership.objects.filter(user=user).delete()
    response = client.get("/scope/")
    assert response.status_code == 403
    assert b"Ask an owner" in response.content


def test_scope__tenant_deactivated__ends_at_the_next_request(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant))
    with all_tenants("tests"):
        Tenant.objects.filter(pk=tenant.pk).update(is_active=False)
    assert client.get("/scope/").status_code == 403


def test_scope__person_without_tenant__may_still_manage_the_account(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/scope/").status_code == 403
    assert client.get("/accounts/2fa/").status_code == 200
    assert client.get("/accounts/logout/").status_code == 200


def test_scope__view_that_makes_its_own__gets_none(client: Client) -> None:
    client.force_login(make_member())
    assert scope_of(client, "/own-scope/") == "none"


@pytest.mark.parametrize("path", ["/fail/", "/refuse/"])
@pytest.mark.parametrize("is_staff_choosing", [False, True])
def test_scope__view_fails_or_refuses__nothing_is_kept(
    client: Client, path: str, is_staff_choosing: bool
) -> None:
    tenant = make_tenant()
    client.force_login(make_user(is_superuser=True) if is_staff_choosing else make_member(tenant))
    choose(client, tenant.pk)
    client.raise_request_exception = False
    assert client.get(path).status_code in {409, 500}
    with all_tenants("tests"):
        assert not Project.objects.filter(slug="lost").exists()
    assert scope_of(client) == str(tenant.pk)


def make_request(user: Any) -> HttpRequest:
    request = RequestFactory().get("/x/")
    request.user = user
    request.session = SessionStore()
    return request


def test_scope__streamed_answer__is_read_inside_the_scope() -> None:
    project = make_project()

    def names() -> Iterator[str]:
        yield from Project.objects.values_list("name", flat=True)

    middleware = ScopeMiddleware(lambda _request: StreamingHttpResponse(names()))
    response = middleware(make_request(make_member(project.tenant)))
    assert not has_scope()
    assert b"".join(response.streaming_content).decode() == project.name


def test_scope__large_streamed_answer__arrives_whole() -> None:
    chunks = [bytes([n]) * 100_000 for n in range(30)]
    middleware = ScopeMiddleware(lambda _request: StreamingHttpResponse(chunks))
    response = middleware(make_request(make_member()))
    assert b"".join(response.streaming_content) == b"".join(chunks)


def test_tenant_choices__member__are_the_own_tenants_with_the_active_one_marked() -> None:
    user = make_user()
    one, two = make_tenant(name="A"), make_tenant(name="B")
    make_tenant(name="C")
    for tenant in (one, two):
        make_membership(tenant=tenant, user=user, role=Role.ANALYST)
    seen: list[list[TenantChoice]] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(tenant_choices(request))
        return HttpResponse()

    ScopeMiddleware(view)(make_request(user))
    assert seen == [[TenantChoice(str(one.pk), "A", True), TenantChoice(str(two.pk), "B", False)]]


def test_tenant_choices__platform_staff__are_all_and_each() -> None:
    tenant = make_tenant()
    request = make_request(User(is_superuser=True))
    choices = tenant_choices(request)
    assert choices[0] == TenantChoice("all", "All tenants", True)
    assert TenantChoice(str(tenant.pk), tenant.name, False) in choices


def test_tenant_choices__anonymous__are_none() -> None:
    assert tenant_choices(make_request(AnonymousUser())) == []


@pytest.mark.django_db(transaction=True)
async def test_scope__asynchronous_server__holds_for_pages_and_downloads(
    async_client: AsyncClient,
) -> None:
    project = await sync_to_async(make_project)(name="Mine")
    await sync_to_async(make_project)(name="Theirs")
    user = await sync_to_async(make_member)(project.tenant)
    await async_client.aforce_login(user)
    assert (await async_client.get("/scope/")).content.decode() == str(project.tenant_id)
    data = {"action": "export_as_csv", "_selected_action": [str(project.pk)]}
    download: Any = await async_client.post("/admin/tenants/project/", data)
    text = b"".join([chunk async for chunk in download]).decode()
    assert "Mine" in text
    assert "Theirs" not in text
    # The thread of the views has a connection of its own.
    await sync_to_async(connections.close_all)()
