"""`keys/` over HTTP: the secret comes back once; keys are changed and revoked, never deleted."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.api_keys.models import ApiKey
from apps.core.scoping import all_tenants
from apps.tenants.models import Project
from tests.factories.keys import make_key
from tests.factories.people import make_member, make_project

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = "/api/v1/keys/"


@pytest.fixture
def project() -> Project:
    return make_project()


def with_key(project: Project, *scopes: str) -> Client:
    return bearer(make_key(project, scopes=list(scopes)).clear)


def bearer(clear: str) -> Client:
    return Client(headers={"authorization": f"Bearer {clear}"})


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def patch(client: Client, key: ApiKey, **body: Any) -> Any:
    return client.patch(f"{KEYS}{key.pk}/", body, content_type="application/json")


def reread(key: ApiKey) -> ApiKey:
    with all_tenants("tests"):
        fresh: ApiKey = ApiKey.objects.get(pk=key.pk)
    return fresh


def test_key__created__returns_a_secret_that_works_and_is_never_told_again(
    project: Project,
) -> None:
    client = with_key(project, "manage")
    made = post(client, KEYS, name="CI", project=str(project.pk), scopes=["usage"])
    assert made.status_code == 201, made.content
    told = made.json()
    assert told["secret"].startswith(told["prefix"])
    assert bearer(told["secret"]).get("/api/v1/usage").status_code == 200
    assert bearer(told["secret"]).get(KEYS).status_code == 403
    for path in (KEYS, f"{KEYS}{told['id']}/"):
        text = client.get(path).content.decode()
        assert told["prefix"] in text
        assert told["secret"] not in text
        assert "digest" not in text


def test_key__created_for_a_project_of_another_tenant__is_refused(project: Project) -> None:
    theirs = make_project()
    answer = post(with_key(project, "manage"), KEYS, name="CI", project=str(theirs.pk))
    assert answer.status_code == 400
    with all_tenants("tests"):
        assert not ApiKey.objects.filter(project=theirs).exists()


@pytest.mark.parametrize("wrong", [{"scopes": []}, {"scopes": ["root"]}, {"name": ""}])
def test_key__created_with_a_wrong_field__is_refused_by_name(
    project: Project, wrong: dict[str, Any]
) -> None:
    body = {"name": "CI", "project": str(project.pk), **wrong}
    answer = post(with_key(project, "manage"), KEYS, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith(next(iter(wrong)))


def test_key__changed__takes_effect_and_cannot_be_given_a_revocation(project: Project) -> None:
    key = make_key(project).row
    client = with_key(project, "manage")
    answer = patch(client, key, name="New", monthly_budget=5, revoked_at="2020-01-01T00:00:00Z")
    assert answer.status_code == 200
    after = reread(key)
    assert (after.name, after.monthly_budget, after.revoked_at) == ("New", 5, None)


def test_key__revoked__is_refused_from_then_on(project: Project, settings: Any) -> None:
    doomed = make_key(project, scopes=["manage"])
    answer = post(with_key(project, "manage"), f"{KEYS}{doomed.row.pk}/revoke/")
    assert answer.status_code == 200
    assert answer.json()["revoked_at"]
    assert bearer(doomed.clear).get(KEYS).status_code == 401


def test_key__deleted__is_not_allowed(project: Project) -> None:
    key = make_key(project).row
    assert with_key(project, "manage").delete(f"{KEYS}{key.pk}/").status_code == 405
    assert reread(key).pk == key.pk


def test_key__of_another_tenant__is_404(project: Project) -> None:
    theirs = make_key().row
    client = with_key(project, "manage")
    assert client.get(f"{KEYS}{theirs.pk}/").status_code == 404
    assert patch(client, theirs, name="x").status_code == 404
    assert post(client, f"{KEYS}{theirs.pk}/revoke/").status_code == 404
    assert str(theirs.pk) not in client.get(KEYS).content.decode()
    assert reread(theirs).revoked_at is None


def test_keys__by_key_without_the_scope__are_refused(project: Project) -> None:
    client = with_key(project, "run", "usage")
    assert client.get(KEYS).status_code == 403
    assert post(client, KEYS, name="CI", project=str(project.pk)).status_code == 403


def test_keys__owner__manages_them(client: Client, project: Project) -> None:
    client.force_login(make_member(project.tenant))
    made = post(client, KEYS, name="CI", project=str(project.pk))
    assert made.status_code == 201, made.content
    assert post(client, f"{KEYS}{made.json()['id']}/revoke/").status_code == 200


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST])
def test_keys__other_roles__are_refused(client: Client, project: Project, role: str) -> None:
    key = make_key(project).row
    client.force_login(make_member(project.tenant, role))
    assert client.get(KEYS).status_code == 403
    assert post(client, KEYS, name="CI", project=str(project.pk)).status_code == 403
    assert post(client, f"{KEYS}{key.pk}/revoke/").status_code == 403
    assert reread(key).revoked_at is None
