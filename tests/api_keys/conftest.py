"""Every test is a process of its own."""

from typing import Any

import pytest

from apps.api_keys import limits
from tests.api_keys.clock import Clock
from tests.factories.process import event_loop_clients, fresh_process

__all__ = ["event_loop_clients", "fresh_process"]


@pytest.fixture(autouse=True)
def _alone(fresh_process: None, settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the limits go by."""
    clock = Clock()
    monkeypatch.setattr(limits, "unix_ms", lambda: clock.ms)
    return clock
