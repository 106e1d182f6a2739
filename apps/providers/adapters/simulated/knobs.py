"""The knobs of a simulated deployment, read from its `simulation` field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_LATENCY_MS = 600_000
MAX_OUTPUT_TOKENS = 100_000
MAX_TOKENS_PER_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Knobs:
    """`tokens_per_second` 0: not paced. `output_tokens` 0: as long as the answer happens to be."""

    latency_ms: int = 0
    failure_percent: int = 0
    failure_status: int = 503
    tokens_per_second: int = 0
    output_tokens: int = 0


BOUNDS: Mapping[str, tuple[int, int]] = {
    "latency_ms": (0, MAX_LATENCY_MS),
    "failure_percent": (0, 100),
    "failure_status": (400, 599),
    "tokens_per_second": (0, MAX_TOKENS_PER_SECOND),
    "output_tokens": (0, MAX_OUTPUT_TOKENS),
}


def faults_of(simulation: Mapping[str, Any]) -> list[str]:
    """Name what is wrong with the knobs; empty when they can be used."""
    faults = [f"{name}: unknown" for name in simulation if name not in BOUNDS]
    for name, (least, most) in BOUNDS.items():
        value = simulation.get(name, least)
        if not _is_whole(value) or not least <= value <= most:
            faults.append(f"{name}: {least} to {most}")
    return faults


def read_knobs(simulation: Mapping[str, Any]) -> Knobs:
    """Return the knobs, each within its bounds; what is unusable keeps its default."""
    given = {name: simulation[name] for name in BOUNDS if _is_whole(simulation.get(name))}
    return Knobs(
        **{name: min(max(value, BOUNDS[name][0]), BOUNDS[name][1]) for name, value in given.items()}
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
