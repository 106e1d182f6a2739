"""Health: failures eject for longer and longer, Retry-After blocks, success forgives."""

from functools import reduce
from typing import Any

import pytest

from apps.routing.engine.health import (
    FAILURES_TO_EJECT,
    FIRST_EJECTION_MS,
    LONGEST_EJECTION_MS,
    SHORTEST_RATE_BLOCK_MS,
    observe,
)
from apps.routing.engine.types import DeploymentHealth, Health, HealthEvent

NOW = 1_000_000


def after(*events: tuple[str, int] | HealthEvent, health: Health | None = None) -> DeploymentHealth:
    """Return the state of d1 after events, each a (kind, time) or a whole event."""
    made = (event if isinstance(event, HealthEvent) else told(*event) for event in events)
    return reduce(observe, made, health or Health()).deployments["d1"]


def told(kind: Any, at_ms: int = NOW, **numbers: Any) -> HealthEvent:
    return HealthEvent("d1", kind, at_ms, **numbers)


def test_errors__fewer_than_the_limit__do_not_eject() -> None:
    state = after(*[("error", NOW)] * (FAILURES_TO_EJECT - 1))
    assert (state.ejected_until_ms, state.consecutive_failures) == (0, 2)


def test_errors__in_a_row__eject() -> None:
    state = after(*[("error", NOW)] * FAILURES_TO_EJECT)
    assert state.ejected_until_ms == NOW + FIRST_EJECTION_MS


def test_errors__with_a_success_between__do_not_eject() -> None:
    state = after(("error", NOW), ("error", NOW), ("ok", NOW), ("error", NOW), ("error", NOW))
    assert (state.ejected_until_ms, state.consecutive_failures) == (0, 2)


def test_ejection__failure_after_it__lasts_twice_as_long_up_to_a_limit() -> None:
    health, at_ms, lengths = Health(), NOW, []
    for _ in range(FAILURES_TO_EJECT - 1):
        health = observe(health, told("error", at_ms))
    for _ in range(9):
        health = observe(health, told("error", at_ms))
        until = health.deployments["d1"].ejected_until_ms
        lengths.append(until - at_ms)
        at_ms = until
    doubled = [FIRST_EJECTION_MS << step for step in range(9)]
    assert lengths == [min(length, LONGEST_EJECTION_MS) for length in doubled]


def test_ejection__calls_under_way_fail_too__is_not_prolonged() -> None:
    burst = [("error", NOW + number) for number in range(100)]
    state = after(*burst)
    assert state.ejected_until_ms == NOW + FAILURES_TO_EJECT - 1 + FIRST_EJECTION_MS
    assert state.consecutive_failures == 100


def test_ejection__success__forgives_everything() -> None:
    ejected = [("error", NOW)] * FAILURES_TO_EJECT
    state = after(*ejected, ("ok", NOW))
    assert (state.ejected_until_ms, state.ejections, state.consecutive_failures) == (0, 0, 0)


@pytest.mark.parametrize(
    ("told_ms", "wait_ms"), [(0, SHORTEST_RATE_BLOCK_MS), (7_000, 7_000), (200, 1_000)]
)
def test_rate_limited__retry_after__blocks_that_long_and_is_no_failure(
    told_ms: int, wait_ms: int
) -> None:
    state = after(told("rate_limited", retry_after_ms=told_ms))
    assert state.retry_after_ms == NOW + wait_ms
    assert state.consecutive_failures == 0


@pytest.mark.parametrize("kind", ["ok", "error", "rate_limited", "rejected", "cancelled"])
def test_in_flight__started_and_ended__is_counted_and_never_negative(kind: str) -> None:
    assert after(("started", NOW), ("started", NOW)).in_flight == 2
    assert after(("started", NOW), ("started", NOW), (kind, NOW)).in_flight == 1
    assert after((kind, NOW)).in_flight == 0


@pytest.mark.parametrize("kind", ["rejected", "cancelled", "started"])
def test_neutral_events__of_the_callers_making__say_nothing_about_the_deployment(kind: str) -> None:
    state = after(("error", NOW), ("error", NOW), (kind, NOW))
    assert (state.consecutive_failures, state.ejected_until_ms) == (2, 0)


def test_first_token__times__are_averaged_with_weight_on_the_newest() -> None:
    first, second = told("first_token", ttft_ms=100.0), told("first_token", ttft_ms=200.0)
    assert after(first).ttft_ms == 100.0
    assert after(first, second).ttft_ms == pytest.approx(130.0)


def test_observe__leaves_the_old_health_and_other_deployments_alone() -> None:
    before = Health({"d2": DeploymentHealth(in_flight=5)})
    now = observe(before, told("started"))
    assert before == Health({"d2": DeploymentHealth(in_flight=5)})
    assert now.deployments["d2"] is before.deployments["d2"]
