"""Sites served by each of the servers that we support; clients are the vendors' own SDKs."""

from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.factories.demo_site import DemoSite, running_site
from tests.factories.offers import empty_tables
from tests.factories.routed_site import ALL_MODELS, RoutedSite, routed_site


@pytest.fixture(scope="module", params=["granian", "uvicorn"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoSite]:
    """A running site with the demo data, on one of the servers."""
    with running_site(tmp_path_factory.mktemp("site"), request.param) as running:
        yield running


@pytest.fixture(scope="module")
def routed_for_module(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[RoutedSite]:
    """A running site with a model behind every wire, for all tests of a module."""
    with django_db_blocker.unblock():
        empty_tables()
        with routed_site(tmp_path_factory.mktemp("routed")) as running:
            yield running
        empty_tables()


@pytest.fixture(scope="module")
def keeping_for_module(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[RoutedSite]:
    """The same, for a project that stores content."""
    with django_db_blocker.unblock():
        empty_tables()
        with routed_site(tmp_path_factory.mktemp("keeping"), store_content=True) as running:
            yield running
        empty_tables()


@pytest.fixture(scope="module")
def everywhere_for_module(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: Any,
) -> Iterator[RoutedSite]:
    """The same with every kind of provider; its log says all that a log can say.

    A module names its number of doubles as SPARES.
    """
    folder, spares = tmp_path_factory.mktemp("everywhere"), getattr(request.module, "SPARES", 0)
    with django_db_blocker.unblock():
        empty_tables()
        with routed_site(folder, models=ALL_MODELS, spares=spares, log_level="DEBUG") as running:
            yield running
        empty_tables()


@pytest.fixture
def everywhere(everywhere_for_module: RoutedSite) -> RoutedSite:
    """The module's site, with providers that have forgotten the test before."""
    everywhere_for_module.forget()
    return everywhere_for_module


@pytest.fixture
def routed(routed_for_module: RoutedSite) -> RoutedSite:
    """The module's site, with a provider that has forgotten the test before."""
    routed_for_module.forget()
    return routed_for_module


@pytest.fixture
def routed_client(routed: RoutedSite) -> Iterator[OpenAI]:
    """The official client with the site's key."""
    with OpenAI(base_url=f"{routed.address}/v1", api_key=routed.key, max_retries=0) as made:
        yield made


@pytest.fixture
def client(site: DemoSite) -> Iterator[OpenAI]:
    """The official client with the first tenant's key."""
    with OpenAI(
        base_url=f"{site.base_url}/v1", api_key=site.facts["api_key"], max_retries=0
    ) as made:
        yield made


@pytest.fixture
def second_client(site: DemoSite) -> Iterator[OpenAI]:
    """The official client with the second tenant's key."""
    with OpenAI(
        base_url=f"{site.base_url}/v1", api_key=site.facts["second_tenant_api_key"], max_retries=0
    ) as made:
        yield made
