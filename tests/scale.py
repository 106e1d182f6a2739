"""How much of it `slow` tests do: a part in `make test`, everything in `make test-full`."""

import os

IS_FULL = os.environ.get("TEST_SCALE") == "full"


def scaled(reduced: int, full: int) -> int:
    """Return how many to try now."""
    return full if IS_FULL else reduced
