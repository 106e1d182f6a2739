"""The product's promise: a rule changed in the browser is what the next request follows."""

import pytest
from openai import OpenAI, PermissionDeniedError
from playwright.sync_api import Page, expect

from tests.browser.acts import add_condition, keep_screenshot, sign_in
from tests.factories.demo_site import DemoSite

pytestmark = pytest.mark.browser


def _client(site: DemoSite, key: str = "") -> OpenAI:
    return OpenAI(
        base_url=f"{site.base_url}/v1", api_key=key or site.facts["api_key"], max_retries=0
    )


def _model_of_stream(client: OpenAI, tag: str) -> str:
    """Stream one answer and return the model that gave it."""
    stream = client.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": "Hello"}],
        stream=True,
        extra_headers={"x-router-tags": tag},
    )
    models = {chunk.model for chunk in stream}
    assert len(models) == 1
    return models.pop()


def test_rule_made_by_an_editor_and_published_by_an_approver__next_stream_follows_it(
    page: Page, site: DemoSite
) -> None:
    client = _client(site)
    assert _model_of_stream(client, "vip") == "sim-small"
    sign_in(page, site, "rule_editor")
    page.goto("/admin/routing/rule/add/")
    page.select_option("#id_rule_set", label="Company rules")
    page.fill("#id_name", "VIP goes to the long model")
    add_condition(page, "tag", "vip")
    page.locator("#id_targets-0-llm_model + .select2").click()
    page.locator(".select2-search__field").fill("sim-long")
    page.locator(".select2-results__option", has_text="sim-long").click()
    keep_screenshot(page, "rule-filled-in")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert _model_of_stream(client, "vip") == "sim-small", "a draft must not run"
    page.goto("/admin/routing/release/publish/")
    expect(page.get_by_text("Your role may not publish")).to_be_visible()
    page.context.clear_cookies()
    sign_in(page, site, "approver")
    page.goto("/admin/routing/release/publish/")
    expect(page.get_by_test_id("differences")).to_contain_text("VIP goes to the long model")
    keep_screenshot(page, "review-and-publish")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("is live on 2 workers")).to_be_visible()
    assert [_model_of_stream(client, "vip") for _ in range(8)] == ["sim-long"] * 8


def test_release_rolled_back__next_request_follows_the_old_rules(
    page: Page, site: DemoSite
) -> None:
    client = _client(site)
    sign_in(page, site, "owner")
    page.goto("/admin/routing/rule/")
    page.get_by_role("link", name="No experiments with personal data").click()
    page.locator("#id_is_enabled").uncheck(force=True)
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/admin/routing/release/publish/")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("is live on")).to_be_visible()
    assert _model_of_stream(client, "personal-data")
    page.goto("/admin/routing/release/")
    page.locator("#result_list tbody tr").nth(1).locator("th a").click()
    page.get_by_role("link", name="Go back to this release").click()
    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_text("is live on")).to_be_visible()
    with pytest.raises(PermissionDeniedError):
        _model_of_stream(client, "personal-data")


def test_new_api_key__its_secret_is_shown_once_and_works_until_revoked(
    page: Page, site: DemoSite
) -> None:
    sign_in(page, site, "owner")
    page.goto("/admin/api_keys/apikey/add/")
    page.fill("#id_name", "Browser key")
    page.select_option("#id_project", label="Research")
    page.get_by_role("button", name="Save", exact=True).click()
    secret = page.get_by_test_id("secret").input_value()
    keep_screenshot(page, "secret-shown-once")
    assert secret.startswith("llmr_")
    assert _model_of_stream(_client(site, secret), "")
    page.reload()
    expect(page.get_by_text("shown once")).to_be_visible()
    assert secret not in page.content()


def test_platform_staff__switch_the_tenant_in_the_header__see_its_rows_only(
    page: Page, site: DemoSite
) -> None:
    sign_in(page, site, "platform admin")
    page.goto("/admin/tenants/project/")
    expect(page.locator("#result_list tbody tr")).to_have_count(4)
    page.select_option("#active-tenant", label="Boa Vista")
    expect(page.locator("#active-tenant option:checked")).to_have_text("Boa Vista")
    page.goto("/admin/tenants/project/")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)


def test_request__opened_by_an_analyst__tells_why_it_went_where_it_went(
    page: Page, site: DemoSite
) -> None:
    _client(site).chat.completions.create(
        model="support-best",
        messages=[{"role": "user", "content": "Hello"}],
        extra_headers={"x-router-tags": "premium"},
    )
    sign_in(page, site, "analyst")
    page.goto("/admin/usage/requestlog/")
    row = page.locator("#result_list tbody tr", has_text="support-best")
    # The books are written behind the answer; a busy machine may take a while.
    for _ in range(60):
        if row.first.is_visible():
            break
        page.wait_for_timeout(500)
        page.reload()
    row.first.locator("th a").click()
    expect(page.get_by_text("First choice: sim-large")).to_be_visible()
    keep_screenshot(page, "request-with-its-trace")
