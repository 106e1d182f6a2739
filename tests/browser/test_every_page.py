"""Every page opens for whom it is meant, speaks both languages, logs no fault, and passes axe."""

import re

import pytest
from playwright.sync_api import ConsoleMessage, Page

from tests.browser.acts import keep_screenshot, serious_faults, sign_in
from tests.factories.demo_site import DemoSite

pytestmark = pytest.mark.browser

OWNER_PAGES = (
    "/admin/",
    "/admin/usage/requestlog/",
    "/admin/usage/ledgerentry/",
    "/admin/routing/ruleset/",
    "/admin/routing/ruleset/add/",
    "/admin/routing/rule/",
    "/admin/routing/rule/add/",
    "/admin/routing/modelalias/",
    "/admin/routing/modelalias/add/",
    "/admin/routing/holidaycalendar/",
    "/admin/routing/holidaycalendar/add/",
    "/admin/routing/release/",
    "/admin/routing/release/publish/",
    "/admin/routing/grant/",
    "/admin/prompts/prompttemplate/",
    "/admin/prompts/prompttemplate/add/",
    "/admin/providers/llmmodel/",
    "/admin/providers/deployment/",
    "/admin/providers/deployment/add/",
    "/admin/providers/credential/",
    "/admin/providers/credential/add/",
    "/admin/providers/price/",
    "/admin/providers/provider/",
    "/admin/api_keys/apikey/",
    "/admin/api_keys/apikey/add/",
    "/admin/tenants/project/",
    "/admin/tenants/project/add/",
    "/admin/accounts/membership/",
    "/admin/accounts/membership/add/",
    "/admin/conversations/conversation/",
    "/admin/conversations/storedresponse/",
    "/admin/jobs/job/",
    "/admin/audit/auditentry/",
)
STAFF_PAGES = (
    "/admin/tenants/tenant/",
    "/admin/tenants/tenant/add/",
    "/admin/accounts/user/",
    "/admin/django_celery_beat/periodictask/",
    "/admin/providers/provider/add/",
    "/admin/providers/llmmodel/add/",
)
# The newest request, rule and key have pages of their own.
FIRST_ROWS = ("/admin/usage/requestlog/", "/admin/routing/rule/", "/admin/routing/ruleset/")
LANGUAGES = ("en", "pt-br")
ENGLISH_LEFT = re.compile(r"\b(Add another|Save and continue|Type to search|Select action)\b")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_an_owner__in_each_language__open_without_faults(
    page: Page, site: DemoSite, language: str
) -> None:
    _visit_all(page, site, "owner", language, OWNER_PAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_platform_staff__in_each_language__open_without_faults(
    page: Page, site: DemoSite, language: str
) -> None:
    _visit_all(page, site, "platform admin", language, STAFF_PAGES)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_detail_pages__in_light_and_dark__open_without_faults(
    page: Page, site: DemoSite, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sign_in(page, site, "owner")
    for path in FIRST_ROWS:
        page.goto(path)
        page.locator("#result_list tbody th a").first.click()
        page.wait_for_load_state()
        assert serious_faults(page) == [], page.url
        keep_screenshot(page, f"{scheme}-{_name(path)}-detail")


def test_dashboard_in_the_dark__passes_axe(page: Page, site: DemoSite) -> None:
    page.emulate_media(color_scheme="dark")
    sign_in(page, site, "analyst")
    page.goto("/admin/")
    assert serious_faults(page) == []
    keep_screenshot(page, "dark-dashboard")


@pytest.mark.parametrize("language", LANGUAGES)
def test_sign_in_page__in_each_language__passes_axe(
    page: Page, site: DemoSite, language: str
) -> None:
    _speak(page, site, language)
    page.goto("/accounts/login/")
    assert serious_faults(page) == []
    keep_screenshot(page, f"{language}-sign-in")


def test_api_docs__under_the_strict_policy__show_the_operations(page: Page, site: DemoSite) -> None:
    faults = _collect_faults(page)
    page.goto("/api/docs/")
    page.get_by_text("/api/v1/complete").first.wait_for()
    page.get_by_text("/api/v1/route").first.wait_for()
    keep_screenshot(page, "api-docs")
    assert faults == []


def _visit_all(
    page: Page, site: DemoSite, role: str, language: str, paths: tuple[str, ...]
) -> None:
    sign_in(page, site, role)
    _speak(page, site, language)
    faults = _collect_faults(page)
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        page.wait_for_load_state()
        assert serious_faults(page) == [], path
        assert faults == [], path
        if language == "pt-br":
            assert ENGLISH_LEFT.findall(page.locator("body").inner_text()) == [], path
        keep_screenshot(page, f"{language}-{_name(path)}")


def _speak(page: Page, site: DemoSite, language: str) -> None:
    cookie = {"name": "django_language", "value": language, "url": site.base_url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict is what it takes


def _collect_faults(page: Page) -> list[str]:
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(str(error)))
    return faults


def _name(path: str) -> str:
    return path.strip("/").replace("/", "-")
