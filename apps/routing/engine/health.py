"""Health of deployments: failures in a row eject, Retry-After blocks, answer times are averaged."""

from collections.abc import Callable
from dataclasses import replace

from apps.routing.engine.filters import HEALTHY
from apps.routing.engine.types import DeploymentHealth, Health, HealthEvent

FAILURES_TO_EJECT = 3
FIRST_EJECTION_MS = 5_000
LONGEST_EJECTION_MS = 300_000
SHORTEST_RATE_BLOCK_MS = 1_000
# Weight of the newest time to first token in the running average.
TTFT_WEIGHT = 0.3


def observe(health: Health, event: HealthEvent) -> Health:
    """Return the health after an event; the old one is left as it was."""
    before = health.deployments.get(event.deployment_id, HEALTHY)
    after = _STEPS[event.kind](before, event)
    return Health({**health.deployments, event.deployment_id: after})


def _started(state: DeploymentHealth, _event: HealthEvent) -> DeploymentHealth:
    return replace(state, in_flight=state.in_flight + 1)


def _first_token(state: DeploymentHealth, event: HealthEvent) -> DeploymentHealth:
    if not state.ttft_ms:
        return replace(state, ttft_ms=event.ttft_ms)
    averaged = TTFT_WEIGHT * event.ttft_ms + (1 - TTFT_WEIGHT) * state.ttft_ms
    return replace(state, ttft_ms=averaged)


def _ended(state: DeploymentHealth) -> DeploymentHealth:
    return replace(state, in_flight=max(state.in_flight - 1, 0))


def _ok(state: DeploymentHealth, _event: HealthEvent) -> DeploymentHealth:
    return replace(_ended(state), consecutive_failures=0, ejected_until_ms=0, ejections=0)


def _error(state: DeploymentHealth, event: HealthEvent) -> DeploymentHealth:
    failures = state.consecutive_failures + 1
    ended = replace(_ended(state), consecutive_failures=failures)
    # Calls that were under way at the ejection fail after it: they are part of the same outage.
    if failures < FAILURES_TO_EJECT or event.at_ms < state.ejected_until_ms:
        return ended
    # Each ejection in a row lasts twice as long as the one before.
    length = min(FIRST_EJECTION_MS << min(state.ejections, 16), LONGEST_EJECTION_MS)
    return replace(
        ended, ejected_until_ms=event.at_ms + length, ejections=min(state.ejections + 1, 16)
    )


def _rate_limited(state: DeploymentHealth, event: HealthEvent) -> DeploymentHealth:
    wait = max(event.retry_after_ms, SHORTEST_RATE_BLOCK_MS)
    return replace(_ended(state), retry_after_ms=event.at_ms + wait)


def _neutral(state: DeploymentHealth, _event: HealthEvent) -> DeploymentHealth:
    """A wrong request or a caller who left says nothing about the deployment."""
    return _ended(state)


_STEPS: dict[str, Callable[[DeploymentHealth, HealthEvent], DeploymentHealth]] = {
    "started": _started,
    "first_token": _first_token,
    "ok": _ok,
    "error": _error,
    "rate_limited": _rate_limited,
    "rejected": _neutral,
    "cancelled": _neutral,
}
