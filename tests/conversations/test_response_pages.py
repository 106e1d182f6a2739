"""Stored responses in the admin: who, when and what model for owners; content is noted."""

from uuid import UUID

import pytest
import redis
from django.test import Client

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.conversations.hot_copies import GONE
from apps.conversations.models import StoredResponse
from apps.conversations.response_rows import NewResponse, Thread, new_row
from apps.conversations.response_threads import hot_steps
from apps.core.chat import Message
from apps.core.ids import new_id
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.models import Project
from tests.factories.keys import caller_of_key, make_key
from tests.factories.people import make_member, make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/conversations/storedresponse/"
SECRET_WORDS = "The sky is blue"
PREVIOUS = new_id()


def make_response(project: Project, *, model: str, previous: UUID | None = None) -> StoredResponse:
    caller = caller_of_key(make_key(project, name="Shop").row)
    said = (Message("user", SECRET_WORDS).as_turn(),)
    new = NewResponse(new_id(), said, {"model": model, "status": "completed"}, "ana")
    row = new_row(caller, Thread((previous,) if previous else ()), new)
    with tenant_scope(project.tenant_id):
        row.save(force_insert=True)
    row.project = project
    return row


@pytest.fixture
def response() -> StoredResponse:
    return make_response(make_project(store_content=True), model="m-large", previous=PREVIOUS)


def actions(project: Project) -> list[str]:
    with tenant_scope(project.tenant_id):
        return list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))


def test_admin__owner__finds_who_asked_what_without_content(
    client: Client, response: StoredResponse
) -> None:
    make_response(response.project, model="m-small")
    client.force_login(make_member(response.project.tenant))
    assert "Shop" in client.get(LIST).content.decode()
    for query in (f"resp_{response.id.hex}", str(response.id), "m-large"):
        page = client.get(LIST, {"q": query}).content.decode()
        assert f"resp_{response.id.hex}" in page
        assert "m-small" not in page
    page = client.get(f"{LIST}{response.pk}/change/").content.decode()
    assert f"resp_{PREVIOUS.hex}" in page
    assert "ana" in page
    assert SECRET_WORDS not in page


def test_admin__content__is_for_owners_and_each_look_is_in_the_trail(
    client: Client, response: StoredResponse
) -> None:
    path = f"{LIST}{response.pk}/content/"
    client.force_login(make_member(response.project.tenant))
    assert SECRET_WORDS in client.get(path).content.decode()
    assert actions(response.project)[-1] == "responses.content_viewed"
    for role in (Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST):
        client.force_login(make_member(response.project.tenant, role))
        assert client.get(LIST).status_code == 403
        assert client.get(path).status_code == 403
    client.force_login(make_member())
    assert client.get(path).status_code == 404
    assert f"{response.id.hex}" not in client.get(LIST).content.decode()


def test_admin__deletion__is_whole_and_nobody_adds_or_changes(
    client: Client, response: StoredResponse, redis_client: redis.Redis
) -> None:
    key = hot_steps.key(response.tenant_id, response.id)
    redis_client.set(key, b"copy")
    client.force_login(make_user(is_superuser=True))
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{response.pk}/change/", {"user": "x"}).status_code == 403
    assert client.post(f"{LIST}{response.pk}/delete/", {"post": "yes"}).status_code == 302
    with all_tenants("tests"):
        assert not StoredResponse.objects.exists()
    assert redis_client.get(key) == GONE
    assert actions(response.project)[-1] == "responses.deleted"
