"""Providers on sockets; pages need no collected static files."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.openai_servers import Serve, serving_kinds
from tests.providers.upstream import Upstream, running_upstream


@pytest.fixture(autouse=True)
def _no_collected_static_files(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that resemble OpenAI, of any kind."""
    with serving_kinds() as start:
        yield start
