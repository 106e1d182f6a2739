"""Pages need no collected static files; a folder of snapshots and a closed Redis for each test."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from apps.core.redis import hot_redis


@pytest.fixture(autouse=True)
def _own_places(settings: Any, tmp_path: Path) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"


@pytest.fixture
async def closes_redis() -> AsyncIterator[None]:
    """Close the client of the test's event loop, which ends with the test."""
    yield
    await hot_redis().aclose()
