"""Deployments in states that keep some of them out, and what the gatekeeper says of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from apps.routing.engine.filters import Candidate
from apps.routing.engine.readiness import Gatekeeper, Look
from apps.routing.engine.types import Effects, Health, TraceStep
from tests.engine.records import NOW, make_deployment, make_facts

RESTS = {"ejected_until_ms": NOW + 900, "failures": 3, "probation": 3}
OWES = {"probation": 2}
PROBED = {"probation": 2, "in_flight": 1}
BLOCKED = {"retry_after_ms": NOW + 700}
# More than twice as slow as usual, from the first token to the last, with more calls than borne.
CROWDED = {
    "in_flight": 16,
    "borne": 10,
    "ttft_ms": 200.1,
    "usual_ttft_ms": 100.0,
    "ms_per_token": 20.1,
    "usual_ms_per_token": 10.0,
    "seen_ms": NOW,
}
SLOW_LONG_AGO = {"ttft_ms": 250.1, "usual_ttft_ms": 100.0, "seen_ms": NOW - 8_001}


class Found(NamedTuple):
    sound: str
    ready: str
    wait_ms: int | None
    is_probe: bool
    steps: list[tuple[str, str, dict[str, Any]]]


def check(
    health: Health | None = None,
    names: str = "ab",
    draw: float = 0.0,
    effects: Effects | None = None,
    deployment: dict[str, Any] | None = None,
    **facts: Any,
) -> Found:
    """Ask for deployments named by one letter each; all have the same further fields.

    Who is held back is left out here, and told: nobody compares them with the others.
    """
    given = [
        Candidate(make_deployment(name, **(deployment or {})), 500) for name in names
    ]  # fmt: skip
    # At this age a request leaves nothing to others, and is not late yet.
    aged = make_facts(**{"arrived_ms": NOW - 3_000, **facts})
    keeper = Gatekeeper(aged, health or Health(), effects or Effects(), draw)
    steps: list[TraceStep] = []
    found = keeper.check(given, steps)
    keeper.tell_held(found.held, steps)
    assert keeper.check(given, None) == found
    told = [(step.code, step.subject, told_numbers(step)) for step in steps]
    return Found(letters(found.sound), letters(found.ready), found.wait_ms, found.is_probe, told)


def letters(looks: Sequence[Look]) -> str:
    return "".join(look.candidate.deployment.id for look in looks)


def told_numbers(step: TraceStep) -> dict[str, Any]:
    """Return the numbers besides the model; a removal names its layer, verdict and model."""
    numbers = dict(step.numbers)
    if step.code != "panic":
        assert (step.layer, step.verdict, numbers.pop("model")) == ("filter", "removed", "small")
    return numbers
