"""What people and programs read where there is nothing, or nothing for them."""

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override

from apps.accounts.enums import Role
from tests.factories.people import make_member

pytestmark = pytest.mark.django_db
LANGUAGES = [
    ("en", "There is nothing here", "You may not open this page"),
    ("pt-br", "Não há nada aqui", "Você não pode abrir esta página"),
]


@pytest.mark.parametrize(("language", "nothing", "forbidden"), LANGUAGES)
def test_page__that_is_missing_or_forbidden__says_so_in_the_language(
    client: Client, language: str, nothing: str, forbidden: str
) -> None:
    client.force_login(make_member(role=Role.ANALYST))
    headers = {"accept-language": language}
    missing = client.get("/nothing/", headers=headers)
    assert (missing.status_code, nothing in missing.content.decode()) == (404, True)
    refused = client.get("/admin/routing/rule/add/", headers=headers)
    assert (refused.status_code, forbidden in refused.content.decode()) == (403, True)


@pytest.mark.parametrize(
    ("language", "told"), [("en", "Something went wrong"), ("pt-br", "Algo deu errado")]
)
def test_page_of_a_fault__needs_nothing_that_may_be_broken(language: str, told: str) -> None:
    with override(language):
        assert told in render_to_string("500.html")


def test_address_of_nobody__under_the_api__is_a_readable_404(client: Client) -> None:
    answer = client.get("/api/v1/nothing/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "/api/v1/nothing/" in answer.json()["error"]["message"]
