"""Waiting for somebody to become free: how long, and counted from when."""

import pytest

from apps.core.clock import monotonic_seconds, unix_ms
from apps.core.errors import RouterError
from apps.gateway import fail_over
from apps.gateway.fail_over import FailOver, decide_with_patience
from apps.gateway.health_board import board
from apps.gateway.types import Run
from apps.providers.adapters.base import AttemptError
from tests.engine.records import make_health
from tests.gateway.runs import admit_everything, make_run

SOON_MS = 120


@pytest.fixture(autouse=True)
def _room_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    admit_everything(monkeypatch)
    board.clear()


def run_that_must_wait(age_seconds: float = 0.0) -> Run:
    """Return a run decided on "one", `age_seconds` ago; "two" is free in a moment, "one" is not."""
    run = make_run("one", "two")
    run.started -= age_seconds
    now = unix_ms()
    board.health = make_health(
        one={"retry_after_ms": now + 60_000}, two={"retry_after_ms": now + SOON_MS}
    )
    return run


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(2.0, "route"), (0.09, "unhealthy"), (-5.0, "unhealthy")]
)
async def test_decision__while_all_are_blocked__waits_until_the_moment_given(
    seconds: float, outcome: str
) -> None:
    decision = await decide_with_patience(run_that_must_wait(), monotonic_seconds() + seconds)
    assert decision.outcome == outcome


@pytest.mark.parametrize(
    ("age_seconds", "allowed_seconds", "waits"), [(0, 10, True), (30, 10, True), (30, 0, False)]
)
async def test_further_attempt__of_a_request_that_is_old__waits_as_long_as_the_first_may(
    age_seconds: float, allowed_seconds: float, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fail_over, "LONGEST_WAIT_SECONDS", allowed_seconds)
    run = run_that_must_wait(age_seconds)
    attempts = FailOver(run)
    failed = attempts.first()
    if not waits:
        with pytest.raises(RouterError):
            await attempts.after(failed, AttemptError("timeout", "silent"))
        return
    assert (await attempts.after(failed, AttemptError("timeout", "silent"))).deployment == "two"
