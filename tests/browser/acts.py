"""What people do in the browser: sign in, change the language, and what the tests look at."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.factories.demo_site import DemoSite

SERIOUS = {"serious", "critical"}


def sign_in(page: Page, site: DemoSite, role: str) -> None:
    """Sign in through the page that people use."""
    person = site.person(role)
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill(person["email"])
    page.locator("[name=password]").fill(person["password"])
    page.locator("[name=password]").press("Enter")
    expect(page).to_have_url(f"{site.base_url}/admin/")


def add_condition(page: Page, field: str, value: str) -> None:
    """Add a condition on the rule's page: the field, its first operator, one value."""
    builder = page.get_by_test_id("condition-builder")
    builder.get_by_role("button", name="Add a condition").last.click()
    clause = builder.get_by_role("group", name="Condition").last
    clause.get_by_label("Field").select_option(field)
    builder.get_by_role("group", name="Condition").last.get_by_label("Values").fill(value)


def serious_faults(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {node['html'][:160]}"
        for item in found
        if item["impact"] in SERIOUS
        for node in item["nodes"]
    ]


def keep_screenshot(page: Page, name: str) -> None:
    """Keep a picture where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
