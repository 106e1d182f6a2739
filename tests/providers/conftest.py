"""Providers on sockets; pages need no collected static files."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from apps.providers.adapters.registry import close_adapters
from tests.providers.openai_servers import Serve, serving_kinds
from tests.providers.upstream import Upstream, running_upstream


@pytest.fixture(autouse=True)
def _no_collected_static_files(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
async def _closed_clients() -> AsyncIterator[None]:
    """Clients belong to the loop of one test."""
    yield
    await close_adapters()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that resemble OpenAI, of any kind."""
    with serving_kinds() as start:
        yield start
