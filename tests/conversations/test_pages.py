"""`conversations/` and its admin pages: the own ones, content for owners, deletions whole."""

from typing import Any

import pytest
import redis
from django.test import Client

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.conversations.models import Conversation
from apps.conversations.store import hot_conversations
from apps.core.chat import Message
from apps.core.ids import public_id
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.models import Project
from tests.conversations.histories import make_conversation
from tests.factories.keys import make_key
from tests.factories.people import make_member, make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/conversations/"
LIST = "/admin/conversations/conversation/"
SECRET_WORDS = "The sky is blue"


@pytest.fixture
def project() -> Project:
    return make_project(store_content=True)


@pytest.fixture
def conversation(project: Project) -> Conversation:
    return make_conversation(
        project,
        [Message("user", "What is blue?"), Message("assistant", SECRET_WORDS)],
        title="Colours",
    )


def with_key(project: Project, *scopes: str) -> Client:
    key = make_key(project, scopes=list(scopes))
    return Client(headers={"authorization": f"Bearer {key.clear}"})


def outside(conversation: Conversation) -> str:
    return public_id("conv", conversation.id)


def actions(project: Project) -> list[str]:
    with tenant_scope(project.tenant_id):
        return list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))


def test_api__own_project__lists_and_reads_turns(conversation: Conversation) -> None:
    client = with_key(conversation.project, "conversations")
    listed = client.get(API).json()["results"]
    assert [(row["id"], row["turn_count"]) for row in listed] == [(outside(conversation), 2)]
    assert SECRET_WORDS not in str(listed)
    read = client.get(f"{API}{outside(conversation)}/").json()
    assert [(turn["role"], turn["content"]) for turn in read["turns"]] == [
        ("user", "What is blue?"),
        ("assistant", SECRET_WORDS),
    ]
    assert read["next_position"] is None
    assert "conversations.content_viewed" not in actions(conversation.project)


def test_api__long_conversation__is_read_page_by_page(project: Project) -> None:
    long = make_conversation(project, [Message("user", str(n)) for n in range(250)])
    client = with_key(project, "conversations")
    first = client.get(f"{API}{outside(long)}/").json()
    assert (len(first["turns"]), first["next_position"]) == (200, 200)
    rest = client.get(f"{API}{outside(long)}/?from_position=200").json()
    assert (rest["turns"][0]["content"], rest["next_position"]) == ("200", None)
    assert client.get(f"{API}{outside(long)}/?from_position=x").status_code == 400


def test_api__deletion__removes_row_turns_and_hot_copy(
    conversation: Conversation, redis_client: redis.Redis
) -> None:
    key = hot_conversations.key(conversation.tenant_id, conversation.id)
    redis_client.set(key, b"copy")
    client = with_key(conversation.project, "conversations")
    path = f"{API}{outside(conversation)}/"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert redis_client.get(key) is None
    assert actions(conversation.project)[-1] == "conversations.deleted"


def test_api__key_of_another_project_or_tenant__finds_nothing(conversation: Conversation) -> None:
    neighbour = make_project(conversation.project.tenant, store_content=True)
    for project in (neighbour, make_project(store_content=True)):
        client = with_key(project, "conversations")
        assert client.get(API).json()["count"] == 0
        assert client.get(f"{API}{outside(conversation)}/").status_code == 404
        assert client.delete(f"{API}{outside(conversation)}/").status_code == 404
    with all_tenants("tests"):
        assert Conversation.objects.count() == 1


def test_api__key_without_the_scope__is_refused(conversation: Conversation) -> None:
    client = with_key(conversation.project, "run", "manage")
    assert client.get(API).status_code == 403
    assert client.delete(f"{API}{outside(conversation)}/").status_code == 403


@pytest.mark.parametrize("text", ["x", "conv_1", "job_" + "0" * 32])
def test_api__what_is_no_id__is_not_found(project: Project, text: str) -> None:
    assert with_key(project, "conversations").get(f"{API}{text}/").status_code == 404


def test_api__owner_with_a_session__reads_and_that_is_in_the_trail(
    client: Client, conversation: Conversation
) -> None:
    client.force_login(make_member(conversation.project.tenant))
    assert client.get(f"{API}{outside(conversation)}/").json()["turn_count"] == 2
    assert actions(conversation.project)[-1] == "conversations.content_viewed"


def test_admin__owner__finds_by_title_or_id_without_content(
    client: Client, conversation: Conversation
) -> None:
    make_conversation(conversation.project, [], title="Other")
    client.force_login(make_member(conversation.project.tenant))
    for query in ("Colours", outside(conversation), str(conversation.id)):
        page = client.get(LIST, {"q": query}).content.decode()
        assert "Colours" in page
        assert "Other" not in page.replace("Others", "")
    page = client.get(f"{LIST}{conversation.pk}/change/").content.decode()
    assert outside(conversation) in page
    assert SECRET_WORDS not in page


def test_admin__content__is_for_owners_and_each_look_is_in_the_trail(
    client: Client, conversation: Conversation
) -> None:
    path = f"{LIST}{conversation.pk}/content/"
    client.force_login(make_member(conversation.project.tenant))
    assert SECRET_WORDS in client.get(path).content.decode()
    assert actions(conversation.project)[-1] == "conversations.content_viewed"
    client.force_login(make_user(is_superuser=True))
    assert SECRET_WORDS in client.get(path).content.decode()
    assert actions(conversation.project).count("conversations.content_viewed") == 2


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST])
def test_admin__other_roles__see_neither_list_nor_content(
    client: Client, conversation: Conversation, role: str
) -> None:
    client.force_login(make_member(conversation.project.tenant, role))
    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{conversation.pk}/content/").status_code == 403
    assert client.get(f"{API}{outside(conversation)}/").status_code == 403
    assert "conversations.content_viewed" not in actions(conversation.project)


def test_admin__owner_of_another_tenant__finds_nothing(
    client: Client, conversation: Conversation
) -> None:
    client.force_login(make_member())
    assert client.get(f"{LIST}{conversation.pk}/content/").status_code == 404
    assert "Colours" not in client.get(LIST).content.decode()


@pytest.mark.parametrize("is_bulk", [False, True])
def test_admin__deletion__is_confirmed_and_whole(
    client: Client, conversation: Conversation, redis_client: redis.Redis, is_bulk: bool
) -> None:
    key = hot_conversations.key(conversation.tenant_id, conversation.id)
    redis_client.set(key, b"copy")
    client.force_login(make_member(conversation.project.tenant))
    path = LIST if is_bulk else f"{LIST}{conversation.pk}/delete/"
    data: dict[str, Any] = {"post": "yes"}
    if is_bulk:
        data |= {"action": "delete_selected", "_selected_action": [str(conversation.pk)]}
    else:
        assert client.get(path).status_code == 200
    assert client.post(path, data).status_code == 302
    with all_tenants("tests"):
        assert not Conversation.objects.exists()
    assert redis_client.get(key) is None
    assert actions(conversation.project)[-1] == "conversations.deleted"


def test_admin__nobody__adds_or_changes(client: Client, conversation: Conversation) -> None:
    client.force_login(make_user(is_superuser=True))
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{conversation.pk}/change/", {"title": "x"}).status_code == 403
