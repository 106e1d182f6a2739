"""`prompts/` over HTTP: with a session by role, with a key by scope."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.tenants.models import Tenant
from tests.factories.keys import make_key
from tests.factories.people import make_member, make_project, make_tenant
from tests.prompts.templates import HELLO, NAME, live_number, make_template, make_version, trail_of

pytestmark = pytest.mark.django_db(transaction=True)
PROMPTS = "/api/v1/prompts/"


def post(client: Client, path: str, **data: Any) -> Any:
    return client.post(path, data, content_type="application/json")


def signed_in(tenant: Tenant, role: str = Role.RULE_EDITOR) -> Client:
    client = Client()
    client.force_login(make_member(tenant, role))
    return client


def with_key(tenant: Tenant, *scopes: str) -> Client:
    key = make_key(make_project(tenant), name="CI", scopes=list(scopes))
    return Client(headers={"authorization": f"Bearer {key.clear}"})


def test_prompts__rule_editor__writes_a_template_from_first_version_to_rollback() -> None:
    tenant = make_tenant()
    client = signed_in(tenant)
    made = post(client, PROMPTS, slug="greeting", name="Greeting")
    assert made.status_code == 201, made.content
    assert made.json()["live_version"] is None
    path = f"{PROMPTS}{made.json()['id']}/"
    for number in (1, 2):
        version = post(client, f"{path}versions/", messages=HELLO, variables=NAME)
        assert (version.status_code, version.json()["number"]) == (201, number)
        live = post(client, f"{path}versions/{number}/make-live/", reason="kinder")
        assert live.json()["live_version"] == number
    assert post(client, f"{path}roll-back/").json()["live_version"] == 1
    listed = client.get(f"{path}versions/").json()["results"]
    assert [(row["number"], row["is_live"]) for row in listed] == [(2, False), (1, True)]
    assert client.get(f"{path}versions/1/").json()["messages"] == HELLO
    assert client.delete(path).status_code == 204
    assert [action for action, _ in trail_of(tenant)] == [
        "prompts.template_created",
        *["prompts.version_created", "prompts.version_made_live"] * 2,
        "prompts.version_made_live",
        "prompts.template_deleted",
    ]


def test_prompts__changed__keeps_its_short_name() -> None:
    template = make_template()
    client = signed_in(template.tenant)
    path = f"{PROMPTS}{template.pk}/"
    body = {"name": "Welcome", "slug": "other"}
    changed = client.patch(path, body, content_type="application/json").json()
    assert (changed["name"], changed["slug"]) == ("Welcome", "greeting")


def test_prompts__taken_short_name__is_a_conflict() -> None:
    template = make_template()
    answer = post(signed_in(template.tenant), PROMPTS, slug="greeting", name="Again")
    assert (answer.status_code, answer.json()["error"]["param"]) == (409, "slug")


def test_prompts__wrong_template__names_message_line_and_word() -> None:
    template = make_template()
    path = f"{PROMPTS}{template.pk}/versions/"
    answer = post(
        signed_in(template.tenant), path, messages=[{"role": "user", "text": "a\n{{ b }}"}]
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "messages.0.text")
    assert error["details"] == {"problem": "undeclared", "line": 2, "word": "b"}


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ANALYST])
def test_prompts__role_that_only_reads__reads_and_tries(role: str) -> None:
    template = make_template()
    make_version(template)
    client = signed_in(template.tenant, role)
    path = f"{PROMPTS}{template.pk}/"
    assert client.get(f"{path}versions/").status_code == 200
    tried = post(client, f"{path}preview/", version=1, values={"name": "Ana"})
    assert tried.json() == {"messages": [{"role": "user", "text": "Hello Ana"}]}
    assert post(client, PROMPTS, slug="x", name="X").status_code == 403
    assert post(client, f"{path}versions/", messages=HELLO, variables=NAME).status_code == 403
    assert post(client, f"{path}versions/1/make-live/").status_code == 403
    assert post(client, f"{path}roll-back/").status_code == 403
    assert client.delete(path).status_code == 403
    assert live_number(template) is None


def test_preview__of_what_is_not_saved__is_rendered_and_saves_nothing() -> None:
    template = make_template()
    client = signed_in(template.tenant)
    path = f"{PROMPTS}{template.pk}/"
    tried = post(client, f"{path}preview/", messages=HELLO, variables=NAME, values={"name": "Ana"})
    assert tried.json()["messages"][0]["text"] == "Hello Ana"
    missing = post(client, f"{path}preview/", messages=HELLO, variables=NAME)
    assert missing.json()["error"]["param"] == "variables.name"
    assert client.get(f"{path}versions/").json()["count"] == 0


def test_preview__with_a_wrong_value__names_the_field_in_english_whatever_the_caller_reads() -> (
    None
):
    template = make_template()
    make_version(template)
    client = with_key(template.tenant, "prompts")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "pt-br"
    path = f"{PROMPTS}{template.pk}/preview/"
    error = post(client, path, version=1, values={"name": 3}).json()["error"]
    assert error["message"] == "variables.name must be a text, not a number"
    assert error["param"] == "variables.name"
    assert error["details"] == {"problem": "not_a_text", "name": "name", "given": "number"}


def test_prompts__key_with_the_scope__is_named_as_the_author() -> None:
    template = make_template()
    client = with_key(template.tenant, "prompts")
    path = f"{PROMPTS}{template.pk}/versions/"
    made = post(client, path, messages=HELLO, variables=NAME)
    assert (made.status_code, made.json()["author_label"]) == (201, "CI")
    assert post(client, f"{path}1/make-live/").status_code == 200
    assert live_number(template) == 1


def test_prompts__key_without_the_scope__is_refused() -> None:
    tenant = make_tenant()
    assert with_key(tenant, "run", "manage").get(PROMPTS).status_code == 403


def test_prompts__of_another_tenant__are_not_found() -> None:
    theirs = make_template()
    make_version(theirs)
    mine = make_tenant()
    for client in (signed_in(mine), with_key(mine, "prompts")):
        path = f"{PROMPTS}{theirs.pk}/"
        assert client.get(PROMPTS).json()["count"] == 0
        for missing in (path, f"{path}versions/", f"{path}versions/1/"):
            assert client.get(missing).status_code == 404
        assert post(client, f"{path}versions/1/make-live/").status_code == 404
    assert live_number(theirs) is None
