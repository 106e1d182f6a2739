"""Every test is a process of its own."""

import pytest

from tests.factories.process import event_loop_clients, fresh_process

__all__ = ["event_loop_clients", "fresh_process"]


@pytest.fixture(autouse=True)
def _alone(fresh_process: None) -> None:
    """Nothing is left of earlier tests."""
