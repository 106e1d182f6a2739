"""Signing in: one door for everybody, a second factor where it is required, the own language."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.invitations import password_link
from apps.accounts.models import User
from tests.factories.people import PASSWORD, make_member, make_tenant, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.people_urls")]


def sign_in(client: Client, user: User, password: str = PASSWORD, **data: str) -> Any:
    return client.post("/accounts/login/", {"login": user.email, "password": password, **data})


def code_for(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def set_up_second_factor(client: Client) -> Any:
    page = client.get("/accounts/2fa/totp/activate/", follow=True)
    confirm_path, _status = page.redirect_chain[-1]
    page = client.post(confirm_path, {"password": PASSWORD}, follow=True)
    secret = page.context["form"].secret
    return client.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)})


def test_admin__anonymous__leads_to_the_sign_in_page_and_back(client: Client) -> None:
    page = client.get("/admin/", follow=True)
    path, _status = page.redirect_chain[-1]
    assert path.startswith("/accounts/login/?next=")
    user = make_member()
    response = sign_in(client, user, next="/admin/")
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


def test_admin__its_own_login_form__is_never_shown(client: Client) -> None:
    response = client.post("/admin/login/", {"username": "x", "password": "y"})
    assert response["Location"].startswith("/accounts/login/")


def test_admin__person_who_may_not_open_it__is_refused(client: Client) -> None:
    user = make_member()
    User.objects.filter(pk=user.pk).update(is_staff=False)
    client.force_login(user)
    assert client.get("/admin/", follow=True).status_code == 403


def test_sign_in__wrong_password__stays_outside(client: Client) -> None:
    response = sign_in(client, make_member(), password="wrong")
    assert response.status_code == 200
    assert b"errorlist" in response.content


def test_sign_in__locked_person__stays_outside(client: Client) -> None:
    assert sign_in(client, make_user(is_active=False))["Location"] == "/accounts/inactive/"


def test_sign_in__any_letter_case_of_the_address__works(client: Client) -> None:
    make_user(email="anna@example.com")
    data = {"login": "Anna@Example.COM", "password": PASSWORD}
    assert client.post("/accounts/login/", data)["Location"] == "/admin/"


def test_signup__public__is_closed(client: Client) -> None:
    page = client.get("/accounts/signup/")
    assert b"Accounts are made by owners" in page.content
    data = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", data)
    assert not User.objects.filter(email="new@example.com").exists()


@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_pages__either_language__need_no_inline_script_or_style(
    client: Client, language: str
) -> None:
    page = client.get("/accounts/login/", headers={"accept-language": language})
    text = page.content.decode()
    assert f'<html lang="{language}">' in text
    assert not re.search(r"<style|\sstyle=|<script|\son\w+=", text)
    assert "unsafe" not in page["Content-Security-Policy"]


def test_second_factor__required__must_be_set_up_before_the_admin_opens(
    client: Client, settings: Any
) -> None:
    settings.MFA_REQUIRED = True
    sign_in(client, make_member())
    assert client.get("/admin/")["Location"] == "/accounts/2fa/totp/activate/"
    assert client.get("/api/v1/projects/").status_code == 302
    assert set_up_second_factor(client).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_second_factor__required__cannot_be_removed(client: Client, settings: Any) -> None:
    settings.MFA_REQUIRED = True
    user = make_member()
    sign_in(client, user)
    set_up_second_factor(client)
    client.post("/accounts/2fa/totp/deactivate/")
    assert Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def test_second_factor__not_required__is_a_choice(client: Client) -> None:
    sign_in(client, make_member())
    assert client.get("/admin/").status_code == 200


def test_second_factor__set_up__is_asked_for_at_sign_in(client: Client) -> None:
    user = make_member()
    sign_in(client, user)
    set_up_second_factor(client)
    other = Client()
    assert sign_in(other, user)["Location"].startswith("/accounts/2fa/authenticate/")
    assert other.get("/admin/").status_code == 302


def test_second_factor__secret__is_sealed_at_rest(client: Client) -> None:
    user = make_member()
    sign_in(client, user)
    set_up_second_factor(client)
    stored = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    assert stored.data["secret"].startswith("v1.test.")


def test_language__profile__wins_over_the_browser(client: Client) -> None:
    user = make_member()
    User.objects.filter(pk=user.pk).update(language="pt-br")
    client.force_login(user)
    page = client.get("/accounts/2fa/", headers={"accept-language": "en"})
    assert b'<html lang="pt-br">' in page.content


def test_language__chosen_in_the_header__is_kept_in_the_profile(client: Client) -> None:
    user = make_member()
    client.force_login(user)
    client.post("/i18n/setlang/", {"language": "pt-br", "next": "/accounts/2fa/"})
    user.refresh_from_db()
    assert user.language == "pt-br"
    other = Client()
    other.force_login(user)
    assert b'<html lang="pt-br">' in other.get("/accounts/2fa/").content


def test_password_link__new_person__sets_a_password_and_signs_in(client: Client) -> None:
    user = make_member(make_tenant())
    user.set_unusable_password()
    user.save()
    link = password_link(user)
    assert link.startswith("http://localhost:8000/accounts/password/reset/key/")
    page = client.get(link.removeprefix("http://localhost:8000"), follow=True)
    form_path = page.redirect_chain[-1][0]
    data = {"password1": "a new long passphrase", "password2": "a new long passphrase"}
    assert client.post(form_path, data).status_code == 302
    assert sign_in(client, user, password="a new long passphrase")["Location"] == "/admin/"


def test_second_factor__not_required__costs_no_query(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make_member())
    client.get("/scope/")
    # Session, user, savepoint pair, two settings twice, roles, tenant.
    with django_assert_max_num_queries(10):
        client.get("/scope/")
