"""Pages stand alone here: the tests' urls hold a few admin pages, not the whole menu."""

from copy import deepcopy
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_menu(settings: Any) -> None:
    shell = deepcopy(settings.UNFOLD["SIDEBAR"]) | {"navigation": []}
    settings.UNFOLD = {**settings.UNFOLD, "SIDEBAR": shell}
