"""API keys in the admin: a secret shown once, a revocation that is confirmed, no deletion."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.api_keys.hashing import digest_of, parse_key
from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEntry
from apps.core.clock import utc_now
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.models import Project
from tests.factories.keys import make_key
from tests.factories.people import make_member, make_project

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/api_keys/apikey/"


@pytest.fixture
def project() -> Project:
    return make_project()


def form(project: Project, **fields: Any) -> dict[str, Any]:
    return {"name": "Shop", "project": str(project.pk), "scopes": ["run"], **fields}


def the_key() -> ApiKey:
    with all_tenants("tests"):
        key: ApiKey = ApiKey.objects.get()
    return key


def actions(project: Project) -> list[str]:
    with tenant_scope(project.tenant_id):
        return list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))


def test_key__added__shows_its_secret_once_and_is_limited_as_said(
    client: Client, project: Project
) -> None:
    client.force_login(make_member(project.tenant))
    limits = {"monthly_budget": "12.5", "requests_per_minute": "60", "tags": "vip, beta"}
    shown = client.post(f"{LIST}add/", form(project, **limits), follow=True)
    key = the_key()
    assert shown.context["clear"] in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    parts = parse_key(shown.context["clear"])
    assert parts is not None
    assert (parts.lookup, digest_of(parts)) == (key.lookup, key.digest)
    assert (key.monthly_budget, key.requests_per_minute) == (12_500_000, 60)
    assert (key.tags, key.tenant_id) == (["vip", "beta"], project.tenant_id)
    again = client.get(f"{LIST}{key.pk}/secret/")
    assert again.context["clear"] == ""
    assert shown.context["clear"] not in again.content.decode()
    for path in (LIST, f"{LIST}{key.pk}/change/"):
        page = client.get(path).content.decode()
        assert key.lookup in page
        assert shown.context["clear"] not in page


def test_secret__asked_for_under_another_key__is_not_shown(
    client: Client, project: Project
) -> None:
    other = make_key(project).row
    client.force_login(make_member(project.tenant))
    client.post(f"{LIST}add/", form(project))
    assert client.get(f"{LIST}{other.pk}/secret/").context["clear"] == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"monthly_budget": "-1"},
        {"requests_per_minute": "0"},
    ],
)
def test_key__with_a_wrong_field__is_not_added(
    client: Client, project: Project, wrong: dict[str, Any]
) -> None:
    client.force_login(make_member(project.tenant))
    answer = client.post(f"{LIST}add/", form(project, **wrong))
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == set(wrong)
    with all_tenants("tests"):
        assert not ApiKey.objects.exists()


def test_key__of_a_project_of_another_tenant__is_not_added(
    client: Client, project: Project
) -> None:
    client.force_login(make_member())
    answer = client.post(f"{LIST}add/", form(project))
    assert "project" in answer.context["adminform"].form.errors


def test_key__changed__keeps_its_secret_and_shows_its_budget_in_dollars(
    client: Client, project: Project
) -> None:
    key = make_key(project, monthly_budget=2_500_000).row
    client.force_login(make_member(project.tenant))
    path = f"{LIST}{key.pk}/change/"
    page = client.get(path)
    assert page.context["adminform"].form.initial["monthly_budget"] == "2.500000"
    answer = client.post(path, form(project, name="New", monthly_budget=""))
    assert answer.status_code == 302
    after = the_key()
    assert (after.name, after.monthly_budget) == ("New", None)
    assert (after.lookup, after.digest) == (key.lookup, key.digest)


def test_key__revoked__is_asked_about_first_and_stays_in_the_list(
    client: Client, project: Project
) -> None:
    key = make_key(project).row
    client.force_login(make_member(project.tenant))
    asked = client.get(f"{LIST}{key.pk}/ask-revoke", follow=True)
    assert str(key) in asked.content.decode()
    assert the_key().revoked_at is None
    told = client.post(f"{LIST}{key.pk}/revoke/", {"comment": "leaked"}, follow=True)
    assert "within five seconds" in told.content.decode()
    assert the_key().revoked_at is not None
    with tenant_scope(project.tenant_id):
        entry = AuditEntry.objects.order_by("sequence").last()
    assert entry is not None
    assert (entry.action, entry.reason) == ("api_keys.revoked", "leaked")
    assert client.post(f"{LIST}{key.pk}/change/", form(project)).status_code == 403
    client.post(f"{LIST}{key.pk}/revoke/")
    assert actions(project).count("api_keys.revoked") == 1


def test_key__by_anyone__is_never_deleted(client: Client, project: Project) -> None:
    key = make_key(project).row
    client.force_login(make_member(project.tenant))
    assert client.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(key.pk)], "post": "yes"}
    client.post(LIST, chosen)
    assert the_key().pk == key.pk


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST])
def test_keys__other_roles__are_refused(client: Client, project: Project, role: str) -> None:
    key = make_key(project).row
    client.force_login(make_member(project.tenant, role))
    for path in (LIST, f"{LIST}add/", f"{LIST}{key.pk}/change/"):
        assert client.get(path).status_code == 403
    client.post(f"{LIST}{key.pk}/revoke/")
    assert the_key().revoked_at is None


def test_key__of_another_tenant__is_neither_shown_nor_revoked(
    client: Client, project: Project
) -> None:
    key = make_key(project).row
    client.force_login(make_member())
    assert key.lookup not in client.get(LIST).content.decode()
    assert client.get(f"{LIST}{key.pk}/change/").status_code == 302
    client.post(f"{LIST}{key.pk}/revoke/")
    assert the_key().revoked_at is None


def test_list__of_keys__tells_which_are_active_expired_and_revoked(
    client: Client, project: Project
) -> None:
    make_key(project, name="1")
    make_key(project, name="2", expires_at=utc_now() - timedelta(days=1))
    make_key(project, name="3", revoked_at=utc_now())
    client.force_login(make_member(project.tenant))
    answer = client.get(LIST)
    assert answer.status_code == 200
    shown = answer.context["cl"].model_admin.shown_state
    told = [shown(row)[0] for row in answer.context["cl"].result_list]
    assert told == ["active", "expired", "revoked"]
