"""Pages need no collected static files; each test keeps its snapshots in a folder of its own."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _own_places(settings: Any, tmp_path: Path) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"
