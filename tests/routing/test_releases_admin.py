"""Publishing and going back in the admin: what would change, who may, what is told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from redis.exceptions import RedisError

from apps.accounts.enums import Role
from apps.core.clock import unix_ms
from apps.core.redis import control_redis
from apps.core.scoping import all_tenants
from apps.routing import route_manager
from apps.routing.documents import WORKERS_KEY
from apps.routing.models import Release, Rule
from apps.tenants.models import Tenant
from tests.factories.people import make_member, make_user
from tests.factories.routing import (
    Site,
    clause,
    make_alias,
    make_rule,
    make_site,
    publish,
)

pytestmark = pytest.mark.django_db
RELEASES = "/admin/routing/release/"
PUBLISH = f"{RELEASES}publish/"
type SignIn = Callable[[str], Client]


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def as_role(client: Client, site: Site) -> SignIn:
    def sign_in(role: str) -> Client:
        client.force_login(make_member(site.tenant, role))
        return client

    return sign_in


def releases(tenant: Tenant | None) -> list[Release]:
    with all_tenants("tests"):
        return list(Release.objects.filter(tenant=tenant).order_by("version"))


def roll_back_path(release: Release) -> str:
    return f"{RELEASES}{release.pk}/roll-back/"


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def messages_of(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


# --- publish -----------------------------------------------------------------------------------


def test_review__changed_draft__shows_what_would_change(as_role: SignIn, site: Site) -> None:
    make_rule(site.tenant, name="VIP", conditions={"all": [clause("tag", "has", "vip")]})
    make_alias(site.tenant, "fast")
    answer = as_role(Role.APPROVER).get(PUBLISH)
    told = [(item.verb, item.name) for item in answer.context["differences"]]
    assert told == [("added", "VIP"), ("added", "fast")]
    page = answer.content.decode()
    assert "Version 1 is live now." in page
    assert '<form method="post"' in page
    assert 'data-testid="problems"' not in page


def test_review__nothing_changed__says_so(as_role: SignIn) -> None:
    assert "There is nothing to publish" in text_of(as_role(Role.APPROVER), PUBLISH)


def test_review__faulty_draft__shows_the_problems_and_no_button(
    as_role: SignIn, site: Site
) -> None:
    make_rule(site.tenant, name="<lost>", targets=["gpt-5"])
    rule = make_rule(site.tenant, name="odd")
    with all_tenants("tests"):
        Rule.objects.filter(pk=rule.pk).update(conditions={"all": ["x"]})
    answer = as_role(Role.APPROVER).get(PUBLISH)
    found = {(item.subject, field) for item, field in answer.context["problems"]}
    assert found == {("<lost>", "targets"), ("odd", "conditions")}
    page = answer.content.decode()
    assert escape("<lost>, targets: ") in page
    assert "<lost>" not in page
    assert "Correct the errors first." in page
    assert 'name="comment"' not in page


@pytest.mark.parametrize("role", [Role.APPROVER, Role.OWNER])
def test_publish__role_that_may__makes_the_draft_live(
    as_role: SignIn, site: Site, role: str
) -> None:
    make_rule(site.tenant, name="VIP")
    answer = as_role(role).post(PUBLISH, {"comment": "for Christmas"}, follow=True)
    assert messages_of(answer)[0].startswith("Version 2 is live on 0 workers")
    release = releases(site.tenant)[-1]
    assert (release.version, release.state, release.comment) == (2, "live", "for Christmas")
    assert release.snapshot["rules"][0]["name"] == "VIP"
    assert "@" in release.published_by


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.ANALYST])
def test_publish__role_that_may_not__is_refused_and_told_on_the_page(
    as_role: SignIn, site: Site, role: str
) -> None:
    make_rule(site.tenant)
    client = as_role(role)
    assert "Your role may not publish" in text_of(client, PUBLISH)
    assert client.post(PUBLISH).status_code == 403
    (release,) = releases(site.tenant)
    assert client.post(roll_back_path(release)).status_code == 403
    assert len(releases(site.tenant)) == 1


def test_publish__anonymous__is_sent_to_sign_in(client: Client) -> None:
    answer = client.post(PUBLISH)
    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_publish__faulty_draft__tells_and_writes_nothing(as_role: SignIn, site: Site) -> None:
    make_rule(site.tenant, name="lost", targets=["gpt-5"])
    answer = as_role(Role.APPROVER).post(PUBLISH)
    assert answer.status_code == 200
    assert "lost" in messages_of(answer)[0]
    assert len(releases(site.tenant)) == 1


def test_publish__redis_away__tells_and_writes_nothing(
    as_role: SignIn, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise RedisError("away")

    client = as_role(Role.APPROVER)
    monkeypatch.setattr(route_manager, "publish_document", refuse)
    answer = client.post(PUBLISH)
    assert messages_of(answer) == ["Redis is away: nothing was published."]
    assert [release.state for release in releases(site.tenant)] == ["live"]


def test_publish__late_worker__is_named(as_role: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_manager, "ACKNOWLEDGE_SECONDS", 0.05)
    control_redis().zadd(WORKERS_KEY, {"stuck": unix_ms()})
    answer = as_role(Role.APPROVER).post(PUBLISH, follow=True)
    assert messages_of(answer)[1] == "These workers are late: stuck."


def test_publish__platform_staff_with_all_tenants__publishes_the_platform(
    client: Client, site: Site
) -> None:
    make_rule(None, name="for all")
    client.force_login(make_user(is_superuser=True))
    assert "the platform" in text_of(client, PUBLISH)
    assert client.post(PUBLISH).status_code == 302
    assert releases(None)[-1].snapshot["rules"][0]["name"] == "for all"
    assert len(releases(site.tenant)) == 1


# --- going back --------------------------------------------------------------------------------


def test_roll_back__page__shows_what_would_change(as_role: SignIn, site: Site) -> None:
    make_rule(site.tenant, name="VIP")
    publish(site.tenant)
    first, _second = releases(site.tenant)
    answer = as_role(Role.APPROVER).get(roll_back_path(first))
    told = [(item.verb, item.name) for item in answer.context["differences"]]
    assert told == [("removed", "VIP")]
    assert "Go back to version 1" in answer.content.decode()


def test_roll_back__approver__makes_it_live_again_as_a_new_version(
    as_role: SignIn, site: Site
) -> None:
    make_rule(site.tenant, name="VIP")
    publish(site.tenant)
    path = roll_back_path(releases(site.tenant)[0])
    answer = as_role(Role.APPROVER).post(path, {"comment": "It was better."}, follow=True)
    assert messages_of(answer)[0].startswith("Version 3 is live")
    release = releases(site.tenant)[-1]
    assert (release.state, release.snapshot["rules"]) == ("live", [])
    assert release.comment == "Back to version 1. It was better."


def test_roll_back__release_of_another_owner__is_not_found(as_role: SignIn) -> None:
    other = make_site("boa-vista")
    client = as_role(Role.OWNER)
    for owner in (other.tenant, None):
        (release,) = releases(owner)
        assert client.get(roll_back_path(release)).status_code == 404
        assert client.post(roll_back_path(release)).status_code == 404
        assert len(releases(owner)) == 1


def test_roll_back__rules_that_no_longer_run__tells_and_writes_nothing(
    as_role: SignIn, site: Site
) -> None:
    make_rule(site.tenant, name="old")
    publish(site.tenant)
    release = releases(site.tenant)[-1]
    release.snapshot["rules"][0]["condition"] = {"all": [{"field": "mood"}]}
    with all_tenants("tests"):
        release.save()
    answer = as_role(Role.APPROVER).post(roll_back_path(release))
    assert "mood" in messages_of(answer)[0]
    assert [item.version for item in releases(site.tenant)] == [1, 2]


# --- the list ----------------------------------------------------------------------------------


def test_list__of_a_tenant__shows_its_own_versions(as_role: SignIn, site: Site) -> None:
    publish(make_site("boa-vista").tenant, "theirs")
    publish(None, "the platform's")
    publish(site.tenant, "mine")
    page = text_of(as_role(Role.ANALYST), RELEASES)
    assert "mine" in page
    assert "theirs" not in page
    assert escape("the platform's") not in page


def test_release__page__is_read_only_with_its_rules(as_role: SignIn, site: Site) -> None:
    make_rule(site.tenant, name="VIP")
    publish(site.tenant)
    release = releases(site.tenant)[-1]
    client = as_role(Role.OWNER)
    path = f"{RELEASES}{release.pk}/change/"
    page = text_of(client, path)
    assert "VIP" in page
    assert client.post(path, {"comment": "x"}).status_code == 403
    assert client.get(f"{RELEASES}add/").status_code == 403
    assert client.post(f"{RELEASES}{release.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", ["rule", "ruleset", "modelalias", "release"])
def test_lists__of_the_draft__lead_to_the_review(as_role: SignIn, name: str) -> None:
    client = as_role(Role.RULE_EDITOR)
    page = text_of(client, f"/admin/routing/{name}/")
    assert "Review and publish" in page


def test_release__go_back__leads_to_its_page(as_role: SignIn, site: Site) -> None:
    (release,) = releases(site.tenant)
    answer = as_role(Role.APPROVER).get(f"{RELEASES}{release.pk}/go-back/")
    assert (answer.status_code, answer["Location"]) == (302, roll_back_path(release))
