"""Pages of prompts: written without JSON, tried before saving, made live with a confirmation."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.audit.types import SYSTEM
from apps.core.scoping import tenant_scope
from apps.prompts.models import PromptTemplate, PromptVersion
from apps.prompts.prompt_manager import create_version
from tests.factories.people import make_member, make_tenant, make_user
from tests.prompts.templates import (
    HELLO,
    live_number,
    make_template,
    make_version,
    reread,
    trail_of,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/prompts/prompttemplate/"
PORTUGUESE = {"accept-language": "pt-br"}


def form(
    messages: list[tuple[str, str]],
    variables: Sequence[tuple[str, str, str, str]] = (),
    **more: str,
) -> dict[str, str]:
    """Return the editor's fields; a variable is name, type, "on" when required, default."""
    data = {"comment": "first", **more}
    for prefix, rows in (("messages", messages), ("variables", variables)):
        data[f"{prefix}-TOTAL_FORMS"] = str(len(rows))
        data[f"{prefix}-INITIAL_FORMS"] = str(len(rows))
    for index, (role, text) in enumerate(messages):
        data |= {f"messages-{index}-role": role, f"messages-{index}-text": text}
    for index, (name, kind, required, default) in enumerate(variables):
        at = f"variables-{index}"
        data |= {f"{at}-name": name, f"{at}-type": kind, f"{at}-default": default}
        if required:
            data[f"{at}-required"] = required
    return data


SUPPORT = form(
    [
        ("system", "You work for {{ company }}.\r\nBe kind."),
        ("user", "{{ question }}"),
        ("user", ""),
    ],
    [("company", "text", "", "Acme"), ("question", "text", "on", ""), ("", "text", "on", "")],
)


def editor_of(template: PromptTemplate) -> str:
    return f"{LIST}{template.pk}/versions/new/"


def versions_of(template: PromptTemplate) -> list[PromptVersion]:
    with tenant_scope(template.tenant_id):
        return list(template.versions.order_by("number"))


def test_list__without_templates__says_what_they_are_for(client: Client) -> None:
    client.force_login(make_member(role=Role.RULE_EDITOR))
    assert "keeps what is said to the model" in client.get(LIST).content.decode()


def test_list__searched_and_filtered__shows_the_live_version(client: Client) -> None:
    tenant = make_tenant()
    make_version(make_template(tenant, "greeting"), live=True)
    make_template(tenant, "farewell")
    client.force_login(make_member(tenant, Role.ANALYST))
    live = client.get(f"{LIST}?state=live").content.decode()
    assert "v1" in live
    assert "greeting" in live
    assert "farewell" not in live
    assert "farewell" in client.get(f"{LIST}?state=draft").content.decode()
    found = client.get(f"{LIST}?q=fare").content.decode()
    assert "greeting" not in found.replace("Greeting", "")


def test_template__added__leads_to_its_first_version(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_member(tenant, Role.RULE_EDITOR))
    answer: Any = client.post(
        f"{LIST}add/",
        {
            "name": "Greeting",
            "slug": "greeting",
            "description": "",
            "versions-TOTAL_FORMS": "0",
            "versions-INITIAL_FORMS": "0",
        },
    )
    with tenant_scope(tenant.pk):
        template = PromptTemplate.objects.get()
    assert answer.url == editor_of(template)
    assert trail_of(tenant)[0][0] == "prompts.template_created"
    assert "More rows" in client.get(answer.url).content.decode()


def test_template__changed__keeps_its_short_name_and_is_recorded(client: Client) -> None:
    template = make_template()
    make_version(template, live=True)
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    path = f"{LIST}{template.pk}/change/"
    page = client.get(path).content.decode()
    assert "Show and try" in page
    assert "(&#x27;" not in page
    fields = {"name": "Welcome", "slug": "other", "description": "New"}
    rows = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
    assert client.post(path, {**fields, **rows}).status_code == 302
    assert (reread(template).name, reread(template).slug) == ("Welcome", "greeting")
    assert trail_of(template.tenant)[-1][0] == "prompts.template_changed"


def test_new_version__plain_fields__is_saved_as_messages_and_variables(client: Client) -> None:
    template = make_template()
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    answer: Any = client.post(editor_of(template), {**SUPPORT, "save": "1"})
    (version,) = versions_of(template)
    assert answer.url == f"{LIST}{template.pk}/versions/1/"
    assert version.messages == [
        {"role": "system", "text": "You work for {{ company }}.\nBe kind."},
        {"role": "user", "text": "{{ question }}"},
    ]
    assert version.variables == [
        {"name": "company", "type": "text", "required": False, "default": "Acme"},
        {"name": "question", "type": "text", "required": True},
    ]
    assert version.comment == "first"
    assert live_number(template) is None


def test_new_version__tried__shows_what_the_model_reads_and_saves_nothing(client: Client) -> None:
    template = make_template()
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    page = client.post(editor_of(template), {**SUPPORT, "preview": "1"}).content.decode()
    assert "You work for Acme." in page
    assert "[question]" in page
    typed = {**SUPPORT, "preview": "1", "sample-question": "Where is it?"}
    assert "<pre" in client.post(editor_of(template), typed).content.decode()
    assert "Where is it?" in client.post(editor_of(template), typed).content.decode()
    assert versions_of(template) == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (form([("user", "{{ nmae }}")]), "nmae"),
        (form([("system", ""), ("user", "{{ nmae }}")]), "(Message 2)"),
        (form([("user", "")]), "at least one message"),
        (form([("user", "x")], [("n", "number", "", "three")]), "not a value of the chosen type"),
        (form([("user", "x")], [("n", "text", "on", "given")]), "“n” is required, so it has no"),
        (form([("user", "x")], [("", "text", "", ""), ("N", "text", "on", "")]), "(Variable 2)"),
        (form([("robot", "x")]), "Select a valid choice"),
    ],
)
def test_new_version__with_a_fault__names_it_and_keeps_what_was_typed(
    client: Client, data: dict[str, str], told: str
) -> None:
    template = make_template()
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    page = client.post(editor_of(template), {**data, "save": "1"}).content.decode()
    assert told in page
    assert 'name="messages-0-text"' in page
    assert versions_of(template) == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (form([("user", "")]), "Escreva pelo menos uma mensagem."),
        (form([("user", "{{ b }}")]), "não foi declarada; adicione-a às variáveis. (Mensagem 1)"),
        (form([("user", "x")], [("n", "text", "on", "a")]), "torne-a opcional ou deixe o padrão"),
        (form([("user", "x")], [("N", "text", "on", "")]), "com uma letra minúscula"),
    ],
)
def test_new_version__with_a_fault_on_a_portuguese_page__names_it_in_portuguese(
    client: Client, data: dict[str, str], told: str
) -> None:
    template = make_template()
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    body = {**data, "preview": "1"}
    page = client.post(editor_of(template), body, headers=PORTUGUESE).content.decode()
    assert told in page
    assert "variables." not in page


def test_version_page__in_portuguese__speaks_it_from_speakers_to_faults(client: Client) -> None:
    template = make_template()
    records = [{"name": "name", "type": "text"}, {"name": "urgent", "type": "boolean"}]
    with tenant_scope(template.tenant_id):
        create_version(template=template, messages=HELLO, variables=records, actor=SYSTEM)
    client.force_login(make_member(template.tenant, Role.ANALYST))
    path = f"{LIST}{template.pk}/versions/1/"
    page = client.post(path, {"sample-name": ""}, headers=PORTUGUESE).content.decode()
    assert "A variável “name” é obrigatória; informe um valor." in page
    for word in (">Usuário<", "· Sim ou não ·", 'value="sim"'):
        assert word in page


def test_new_version__more_rows__keeps_what_was_typed(client: Client) -> None:
    template = make_template()
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    page = client.post(editor_of(template), {**SUPPORT, "more_rows": "1"}).content.decode()
    assert "messages-4-text" in page
    assert "variables-4-name" in page
    assert "Be kind." in page


def test_new_version__opened__starts_from_the_live_one_or_the_named_one(client: Client) -> None:
    template = make_template()
    make_version(template, "old words")
    make_version(template, "live words", live=True)
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    assert "live words" in client.get(editor_of(template)).content.decode()
    assert "old words" in client.get(f"{editor_of(template)}?from=1").content.decode()


def test_version_page__sample_values__are_rendered(client: Client) -> None:
    template = make_template()
    make_version(template)
    client.force_login(make_member(template.tenant, Role.ANALYST))
    path = f"{LIST}{template.pk}/versions/1/"
    shown = client.get(path).content.decode()
    assert "Hello {{ name }}" in shown
    assert "make-live" not in shown
    assert "Hello Ana" in client.post(path, {"sample-name": "Ana"}).content.decode()
    assert "is required" in client.post(path, {"sample-name": ""}).content.decode()


def test_make_live__after_the_confirmation__says_when_it_takes_effect(client: Client) -> None:
    template = make_template()
    make_version(template, live=True)
    make_version(template)
    client.force_login(make_member(template.tenant, Role.RULE_EDITOR))
    path = f"{LIST}{template.pk}/versions/2/make-live/"
    page = client.get(path).content.decode()
    assert "with the next publish" in page
    assert live_number(template) == 1
    told = client.post(path, {"comment": "kinder"}, follow=True).content.decode()
    assert "from the next publish on" in told
    assert live_number(template) == 2


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ANALYST])
def test_writing__role_that_only_reads__is_refused(client: Client, role: str) -> None:
    template = make_template()
    make_version(template)
    client.force_login(make_member(template.tenant, role))
    assert client.get(f"{LIST}{template.pk}/change/").status_code == 200
    assert client.get(editor_of(template)).status_code == 403
    assert client.post(editor_of(template), {**SUPPORT, "save": "1"}).status_code == 403
    assert client.post(f"{LIST}{template.pk}/versions/1/make-live/").status_code == 403
    assert client.post(f"{LIST}{template.pk}/delete/", {"post": "yes"}).status_code == 403
    assert (live_number(template), len(versions_of(template))) == (None, 1)


def test_pages__of_another_tenants_template__are_not_found(client: Client) -> None:
    theirs = make_template()
    make_version(theirs)
    client.force_login(make_member(role=Role.OWNER))
    assert client.get(editor_of(theirs)).status_code == 404
    assert client.get(f"{LIST}{theirs.pk}/versions/1/").status_code == 404
    assert client.post(f"{LIST}{theirs.pk}/versions/1/make-live/").status_code == 404


def test_deletion__of_a_live_template__takes_its_versions_along(client: Client) -> None:
    template = make_template()
    make_version(template, live=True)
    client.force_login(make_member(template.tenant, Role.OWNER))
    path = f"{LIST}{template.pk}/delete/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"post": "yes"}).status_code == 302
    assert trail_of(template.tenant)[-1][0] == "prompts.template_deleted"


def test_platform_staff__with_all_tenants__choose_the_owner(client: Client) -> None:
    tenant = make_tenant()
    client.force_login(make_user(is_superuser=True))
    assert client.get(LIST).status_code == 200
    rows = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
    fields: dict[str, Any] = {"tenant": tenant.pk, "name": "A", "slug": "a", "description": ""}
    answer: Any = client.post(f"{LIST}add/", {**fields, **rows})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    with tenant_scope(tenant.pk):
        template = PromptTemplate.objects.get()
    assert client.post(answer.url, {**form([("user", "x")]), "save": "1"}).status_code == 302
    assert versions_of(template)[0].tenant_id == tenant.pk
