"""Every test is a freshly started process."""

import pytest

from tests.factories.process import event_loop_clients, fresh_process

__all__ = ["event_loop_clients", "fresh_process"]


@pytest.fixture(autouse=True)
def _alone(fresh_process: None) -> None:
    """See `fresh_process`."""
