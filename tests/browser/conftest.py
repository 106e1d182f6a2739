"""The browser, and the site that it opens."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.factories.demo_site import DemoSite, running_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    """A running site with the demo data."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names.

    Ends with the module: while Playwright runs, its event loop is this thread's, and other modules'
    synchronous queries would be refused.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            # Containers have no user namespaces for the sandbox; only our own pages are opened.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, site: DemoSite) -> Iterator[Page]:
    """A page of a new person: no cookies, English."""
    context = chromium.new_context(
        base_url=site.base_url, locale="en-US", viewport={"width": 1400, "height": 900}
    )
    yield context.new_page()
    context.close()
