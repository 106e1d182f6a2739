"""The search of the admin's menu: pages and rows that the person may open, of the active tenant."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from router_project.admin_search import ROWS_PER_MODEL
from tests.factories.people import make_member, make_tenant, make_user
from tests.factories.routing import make_rule
from tests.factories.usage import make_event, write

pytestmark = pytest.mark.django_db(transaction=True)


def found(client: Client, term: str, **more: Any) -> str:
    answer = client.get("/admin/search/", {"s": term}, **more)
    assert answer.status_code == 200
    return answer.content.decode()


def test_search__part_of_a_name__finds_pages_and_rows_twice_the_same(client: Client) -> None:
    tenant = make_tenant()
    rule = make_rule(tenant, name="Model of the VIPs", targets=())
    client.force_login(make_member(tenant, Role.RULE_EDITOR))
    for _ in range(2):
        page = found(client, "MODEL")
        assert "/admin/routing/modelalias/" in page
        assert "Model of the VIPs" in page
        assert f"/admin/routing/rule/{rule.pk}/change/" in page


def test_search__in_portuguese_after_english__answers_in_portuguese(client: Client) -> None:
    tenant = make_tenant()
    make_rule(tenant, name="Regra nova", targets=())
    client.force_login(make_member(tenant, Role.RULE_EDITOR))
    assert ">Rule<" in found(client, "regra")
    assert ">Regra<" in found(client, "regra", headers={"accept-language": "pt-br"})


def test_search__by_members_of_two_tenants__never_shows_the_others_rows(client: Client) -> None:
    mine, theirs = make_tenant(), make_tenant()
    make_rule(theirs, name="Secret plan", targets=())
    for tenant, is_there in ((theirs, True), (mine, False)):
        client.force_login(make_member(tenant))
        assert ("Secret plan" in found(client, "secret")) is is_there


def test_search__in_what_grows_without_end__finds_the_page_but_no_rows(client: Client) -> None:
    tenant = make_tenant()
    write(make_event(tenant, requested_model="requested-by-them"))
    client.force_login(make_member(tenant))
    page = found(client, "request")
    assert "/admin/usage/requestlog/" in page
    assert "/change/" not in page


def test_search__many_rows__shows_the_first_few(client: Client) -> None:
    tenant = make_tenant()
    for number in range(ROWS_PER_MODEL + 2):
        make_rule(tenant, name=f"Many {number}", targets=())
    client.force_login(make_member(tenant))
    assert found(client, "many").count("/admin/routing/rule/") == ROWS_PER_MODEL


def test_search__of_a_page_out_of_reach__finds_nothing(client: Client) -> None:
    client.force_login(make_member(role=Role.ANALYST))
    assert "/admin/accounts/user/" not in found(client, "user")
    client.force_login(make_user(is_superuser=True))
    assert "/admin/accounts/user/" in found(client, "user")


def test_search__without_a_word__is_empty(client: Client) -> None:
    client.force_login(make_member())
    assert found(client, " ") == ""
