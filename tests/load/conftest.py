"""What benchmarks inside the process share with the tests."""

from tests.factories.process import event_loop_clients

__all__ = ["event_loop_clients"]
