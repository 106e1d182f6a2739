"""Pages need no collected static files."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_collected_static_files(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
