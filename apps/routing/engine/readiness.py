"""Health as a filter: which deployments may be called now, and when the others may be.

Ejected ones rest, and those that have to prove themselves get one call at a time, unless more than
half of a group would be left out (Envoy's "panic threshold").
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from apps.routing.engine.filters import Candidate, removed
from apps.routing.engine.health import BURST_SHARE, HEALTHY, retries_left, token_level
from apps.routing.engine.types import (
    Deployment,
    DeploymentHealth,
    Effects,
    Health,
    RequestFacts,
    Scalar,
    TraceStep,
)

# Share of requests that never probe while others are sound; the rest go to the one to be probed.
UNPROBED_SHARE = 0.8
# So much slower than usual at its last call, and not called for so long: a call has to find out.
SLOWER_THAN_USUAL = 2.5
UNSEEN_MS = 8_000
MINUTE_MS = 60_000

type Steps = list[TraceStep] | None


class Look(NamedTuple):
    """One candidate with its health as of now, and the answer that is likely to come.

    `owes_proof`: it is on probation, or was slow when it was last seen, long ago; `rests`: it is
    ejected; `is_sound`: it neither rests nor is being probed right now.
    """

    candidate: Candidate
    state: DeploymentHealth
    wait_ms: int
    output_tokens: int
    needed_tokens: int
    owes_proof: bool
    rests: bool
    is_sound: bool


class Readiness(NamedTuple):
    """The sound ones, those of them that can be called at once, else when to ask again.

    `is_probe`: this request goes to one that owes proof, whatever the others promise.
    """

    sound: list[Look]
    ready: list[Look]
    wait_ms: int | None
    is_probe: bool = False


def tell(steps: Steps, code: str, deployment: Deployment, **numbers: Scalar) -> None:
    """Add the reason why a deployment is left out, unless nobody listens."""
    if steps is not None:
        steps.append(removed(code, deployment, **numbers))


class Gatekeeper:
    """Asks health who may be called; `draw` (0 to 1) decides whether this request may probe."""

    def __init__(self, facts: RequestFacts, health: Health, effects: Effects, draw: float) -> None:
        self._facts = facts
        self._health = health
        self._tokens = facts.input_tokens
        self._latency_cap = effects.latency_cap_ms
        self._has_obstacles = bool(
            health.credentials_down or facts.tried_deployments or effects.latency_cap_ms is not None
        )
        # Whoever has failed once already is not sent to try somebody out.
        self._may_probe = draw >= UNPROBED_SHARE and not facts.tried_deployments

    def check(self, candidates: Sequence[Candidate], steps: Steps) -> Readiness:
        """Return who may be called of a group; each left out gets a step with its numbers."""
        looks = []
        for candidate in candidates:
            look = self._look(candidate, steps)
            if look is not None:
                looks.append(look)
        if not looks:
            return Readiness([], [], None)
        sound = self._sound(looks, steps)
        ready = [look for look in sound if not look.wait_ms]
        # Rather a second call to one that owes proof than a wait.
        second = [] if ready else [look for look in looks if not look.wait_ms and not look.rests]
        if len(sound) < len(looks):
            self._tell_left_out(looks, [*sound, *second], steps)
        if len(ready) < len(sound):
            self._tell_waits(sound, steps)
        if ready:
            return self._steady_or_probe(sound, ready, steps)
        wait = None if second else min(look.wait_ms for look in sound)
        return Readiness(sound, second, wait)

    def _look(self, candidate: Candidate, steps: Steps) -> Look | None:
        """Return what is known of it; None when no short wait will help."""
        deployment, now = candidate.deployment, self._facts.now_ms
        state = self._health.deployments.get(deployment.id, HEALTHY)
        if self._has_obstacles and self._is_obstructed(deployment, state, steps):
            return None
        output, mean = candidate.output_tokens, state.mean_output_tokens
        if mean < output:
            output = round(mean)
        needed = self._tokens + output
        wait = state.retry_after_ms - now if state.retry_after_ms > now else 0
        if deployment.tokens_per_minute:
            wait = max(wait, _shortage(deployment.tokens_per_minute, state, needed, now))
        owes_proof, rests = _owes_proof(state, now), state.ejected_until_ms > now
        is_sound = not rests and not (owes_proof and state.in_flight)
        return Look(candidate, state, wait, output, needed, owes_proof, rests, is_sound)

    def _is_obstructed(self, deployment: Deployment, state: DeploymentHealth, steps: Steps) -> bool:
        """Tell whether something is in the way that no short wait removes; it gets a step."""
        now, cap = self._facts.now_ms, self._latency_cap
        refused_until = self._health.credentials_down.get(deployment.credential, 0)
        if refused_until > now:
            tell(steps, "credential_refused", deployment, wait_ms=refused_until - now)
            return True
        left = retries_left(self._health, deployment.provider, now)
        if self._facts.tried_deployments and left < 1:
            tell(steps, "retry_budget_spent", deployment, provider=deployment.provider)
            return True
        if cap is not None and state.seen_ms and state.ttft_ms > cap:
            expected = round(state.ttft_ms)
            tell(steps, "too_slow", deployment, expected_ms=expected, cap_ms=cap)
            return True
        return False

    def _sound(self, looks: list[Look], steps: Steps) -> list[Look]:
        """Leave out what rests or is being probed, unless that is more than half of the group."""
        sound = [look for look in looks if look.is_sound]
        if 2 * len(sound) < len(looks):
            _tell_panic(steps, looks)
            return looks
        return sound

    def _steady_or_probe(self, sound: list[Look], ready: list[Look], steps: Steps) -> Readiness:
        """Keep probes few: most requests go to those that owe no proof, while there are any."""
        steady = [look for look in ready if not look.owes_proof]
        if not steady or len(steady) == len(ready):
            return Readiness(sound, ready, None)
        if self._may_probe:
            return Readiness(sound, ready, None, is_probe=True)
        for look in ready:
            if look.owes_proof:
                self._tell_unsound(look, steps)
        return Readiness(sound, steady, None)

    def _tell_left_out(self, looks: list[Look], kept: list[Look], steps: Steps) -> None:
        if steps is not None:
            for look in looks:
                if look not in kept:
                    self._tell_unsound(look, steps)

    def _tell_waits(self, sound: Sequence[Look], steps: Steps) -> None:
        for look in sound:
            if look.wait_ms:
                is_blocked = look.state.retry_after_ms > self._facts.now_ms
                code = "rate_blocked" if is_blocked else "tokens_short"
                tell(steps, code, look.candidate.deployment, wait_ms=look.wait_ms)

    def _tell_unsound(self, look: Look, steps: Steps) -> None:
        state, deployment = look.state, look.candidate.deployment
        wait = state.ejected_until_ms - self._facts.now_ms
        if wait > 0:
            tell(steps, "ejected", deployment, wait_ms=wait, failures=state.failures)
        else:
            # One that was merely slow owes a single answer.
            tell(steps, "on_probation", deployment, owed=max(state.probation, 1))


def _owes_proof(state: DeploymentHealth, now_ms: int) -> bool:
    if state.probation:
        return True
    was_slow = 0 < SLOWER_THAN_USUAL * state.usual_ttft_ms < state.ttft_ms
    return was_slow and now_ms - state.seen_ms > UNSEEN_MS


def _shortage(per_minute: int, state: DeploymentHealth, needed: int, now_ms: int) -> int:
    """Return the milliseconds until the provider's bucket holds what the call needs.

    One that needs more than a bucket holds goes out when it is full.
    """
    short = min(needed, per_minute * BURST_SHARE) - token_level(state, per_minute, now_ms)
    return math.ceil(short * MINUTE_MS / per_minute) if short > 0 else 0


def _tell_panic(steps: Steps, looks: Sequence[Look]) -> None:
    if steps is not None:
        names = ", ".join(look.candidate.deployment.name for look in looks)
        numbers = {"kept": len(looks), "of": len(looks)}
        steps.append(TraceStep("deployment", "panic", names, "kept", numbers))
