"""Pages need no collected static files; own snapshots, a closed Redis, calls with a key."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.api_keys import lookup
from apps.api_keys.enums import Scope
from apps.core.redis import hot_redis
from tests.factories.routing import Site
from tests.routing.calls import Call, caller


@pytest.fixture(autouse=True)
def _own_places(settings: Any, tmp_path: Path) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"


@pytest.fixture
async def closes_redis() -> AsyncIterator[None]:
    """Close the client of the test's event loop, which ends with the test."""
    yield
    await hot_redis().aclose()


@pytest.fixture
def call(client: Client, site: Site) -> Iterator[Call]:
    """Call the API with a key of the site: `call("post", "rules/", name=…)`."""
    yield caller(client, site, Scope.MANAGE)
    lookup.forget_in_memory()
