"""How benchmarks print: where the figures come from, and the median of their rounds."""

import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence

CALIBRATION_STEPS = 5_000_000


def print_machine() -> None:
    """Say where the figures come from, with a calibration loop to compare machines by."""
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    )
    print(f"Python {platform.python_version()}; calibration loop {calibration_ms():.0f} ms")


def calibration_ms() -> float:
    """Return how long a loop takes that is the same everywhere."""
    begun = time.perf_counter()
    total = 0
    for number in range(CALIBRATION_STEPS):
        total += number & 3
    return (time.perf_counter() - begun) * 1_000


def print_rows(title: str, rows: Mapping[str, Sequence[float]]) -> None:
    """Print the median, the least and the most of each row."""
    print(f"\n{title} (least - most)")
    for name, values in rows.items():
        print(
            f"  {name:<44} {statistics.median(values):10.2f}"
            f" ({min(values):.2f} - {max(values):.2f})"
        )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the value below which so many percent of sorted values lie."""
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]
