"""Sites served by each of the servers that we support; clients are the vendors' own SDKs."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.factories.demo_site import DemoSite, running_site


@pytest.fixture(scope="module", params=["granian", "uvicorn"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoSite]:
    """A running site with the demo data, on one of the servers."""
    with running_site(tmp_path_factory.mktemp("site"), request.param) as running:
        yield running


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
