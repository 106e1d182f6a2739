"""Every test is a process of its own."""

from typing import Any

import pytest

from tests.factories.process import event_loop_clients, fresh_process

__all__ = ["event_loop_clients", "fresh_process"]


@pytest.fixture(autouse=True)
def _alone(fresh_process: None, settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
