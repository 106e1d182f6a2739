"""Health as a filter: which deployments may be called now, and when the others may be.

Ejected ones rest, and those that have to prove themselves get one call at a time, unless more than
half of a group would be left out (Envoy's "panic threshold").
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apps.routing.engine.filters import Candidate, removed
from apps.routing.engine.health import (
    BURST_SHARE,
    EJECTION_STEP_MS,
    HEALTHY,
    is_slow,
    rests,
    retries_left,
    token_level,
)
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
# Calls beyond what it has borne so far: as many again, or half as many when it is so much slower
# than usual. Further ones would only make all of them too late, and when it is seen to be slow they
# are under way already. Whoever finds no other asks again in a moment.
FEW_CALLS = 8
MOST_OF_BORNE = 2.0
MOST_OF_BORNE_WHEN_SLOW = 1.5
CROWDED_WAIT_MS = 250
MINUTE_MS = 60_000
# What a new request leaves of calls and tokens to those that wait already, or else small ones would
# always find room before a large one does. It leaves less the longer it waits itself, until it is
# late: then it leaves half to those that can still be answered in time, or else a lasting shortage
# would make all of them late ("adaptive LIFO": B. Maurer, "Fail at Scale", ACM Queue, 2015).
LEFT_SHARE = 0.1
LATE_MS = 3_000
LEFT_SHARE_WHEN_LATE = 0.5

type Steps = list[TraceStep] | None


@dataclass(slots=True)
class Look:
    """One candidate with its health as of now, and the answer that is likely to come.

    `output_tokens` are those of one answer, `needed_tokens` those of all that the call takes.
    `owes_proof`: it is on probation, or was slow when it was last seen, long ago; `rests`: it is
    ejected and has not answered since; `is_sound`: it neither rests nor is being probed right now.
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

    `is_probe`: this request goes to one that owes proof, whatever the others promise. `held` have
    room, but rest or owe proof: whoever leaves them out tells of them (`Gatekeeper.tell_held`).
    """

    sound: list[Look]
    ready: list[Look]
    wait_ms: int | None
    is_probe: bool = False
    held: Sequence[Look] = ()


def tell(steps: Steps, code: str, deployment: Deployment, **numbers: Scalar) -> None:
    """Add the reason why a deployment is left out, unless nobody listens."""
    if steps is not None:
        steps.append(removed(code, deployment, **numbers))


class Gatekeeper:
    """Asks health who may be called; `draw` (0 to 1) decides whether this request may probe."""

    def __init__(self, facts: RequestFacts, health: Health, effects: Effects, draw: float) -> None:
        self._facts = facts
        self._now_ms = facts.now_ms
        self._health = health
        self._states = health.deployments
        self._tokens = facts.input_tokens
        self._choices = facts.choices
        self._latency_cap = effects.latency_cap_ms
        self._has_obstacles = bool(
            health.credentials_down or facts.tried_deployments or effects.latency_cap_ms is not None
        )
        # Whoever has failed once already is not sent to try somebody out.
        self._may_probe = draw >= UNPROBED_SHARE and not facts.tried_deployments
        age_ms = max(facts.now_ms - facts.arrived_ms, 0)
        self._left_share = _left_share(facts, age_ms)
        self._written = _written(facts.tried_deployments, health, age_ms)

    def check(self, candidates: Sequence[Candidate], steps: Steps) -> Readiness:
        """Return who may be called of a group; each left out but the `held` gets a step."""
        looks = []
        for candidate in candidates:
            look = self._look(candidate, steps)
            if look is not None:
                looks.append(look)
        if not looks:
            return Readiness([], [], None)
        sound = _sound(looks)
        ready = [look for look in sound if not look.wait_ms]
        found = self._found(looks, sound, ready)
        if len(ready) < len(looks):
            self._tell_waits(looks, sound, steps)
        if sound is looks:
            _tell_panic(steps, found.ready, len(looks))
        if len(found.ready) == len(looks):
            return found
        called = {look.candidate.deployment.id for look in found.ready}
        free = (look for look in looks if not look.wait_ms)
        return found._replace(
            held=[look for look in free if look.candidate.deployment.id not in called]
        )

    def tell_held(self, held: Sequence[Look], steps: Steps) -> None:
        """Add the reasons why those with room are left out after all."""
        if steps is not None:
            for look in held:
                self._tell_unsound(look, steps)

    def _found(self, looks: list[Look], sound: list[Look], ready: list[Look]) -> Readiness:
        if ready:
            return self._steady_or_probe(sound, ready)
        instead = self._rather_than_wait(looks)
        wait = None if instead else min(look.wait_ms for look in sound)
        return Readiness(sound, instead, wait)

    def _look(self, candidate: Candidate, steps: Steps) -> Look | None:
        """Return what is known of it; None when no short wait will help."""
        deployment, now = candidate.deployment, self._now_ms
        state = self._states.get(deployment.id, HEALTHY)
        if self._has_obstacles and self._is_obstructed(deployment, state, steps):
            return None
        output, likely = candidate.output_tokens, max(state.mean_output_tokens, self._written)
        if likely < output:
            output = round(likely)
        needed = self._tokens + output * self._choices
        wait = state.retry_after_ms - now if state.retry_after_ms > now else 0
        per_minute, level = deployment.tokens_per_minute, state.token_level
        # A bucket of which nothing is known is full; one that held enough before holds it now, too.
        if per_minute and level is not None:
            wanted = needed + self._left_share * BURST_SHARE * per_minute
            if wanted > level:
                wait = max(wait, _shortage(per_minute, state, wanted, now))
        if _is_crowded(state, self._left_share):
            wait = max(wait, CROWDED_WAIT_MS)
        owes_proof = _owes_proof(state, now)
        is_resting = rests(state, now)
        is_sound = not is_resting and not (owes_proof and state.in_flight)
        return Look(candidate, state, wait, output, needed, owes_proof, is_resting, is_sound)

    def _is_obstructed(self, deployment: Deployment, state: DeploymentHealth, steps: Steps) -> bool:
        """Tell whether something is in the way that no short wait removes; it gets a step."""
        now, cap = self._now_ms, self._latency_cap
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

    def _rather_than_wait(self, looks: list[Look]) -> list[Look]:
        """Return whom to call when no sound one has room: who has rested for a while."""
        return [look for look in looks if not look.wait_ms and self._may_be_tried(look.state)]

    def _may_be_tried(self, state: DeploymentHealth) -> bool:
        """Tell whether one that rests may get a call: one at a time, and not soon after another."""
        return not state.in_flight and self._now_ms - state.seen_ms >= EJECTION_STEP_MS

    def _steady_or_probe(self, sound: list[Look], ready: list[Look]) -> Readiness:
        """Keep probes few: most requests go to those that owe no proof, while there are any."""
        steady = [look for look in ready if not look.owes_proof]
        if not steady or len(steady) == len(ready):
            return Readiness(sound, ready, None)
        if self._may_probe:
            return Readiness(sound, ready, None, is_probe=True)
        return Readiness(sound, steady, None)

    def _tell_waits(self, looks: list[Look], sound: list[Look], steps: Steps) -> None:
        if steps is None:
            return
        for look in looks:
            if look.wait_ms and not look.is_sound and sound is not looks:
                self._tell_unsound(look, steps)
            elif look.wait_ms:
                code = "crowded" if _is_crowded(look.state, self._left_share) else "tokens_short"
                if look.state.retry_after_ms > self._now_ms:
                    code = "rate_blocked"
                tell(steps, code, look.candidate.deployment, wait_ms=look.wait_ms)

    def _tell_unsound(self, look: Look, steps: Steps) -> None:
        state, deployment = look.state, look.candidate.deployment
        if look.rests:
            wait = state.ejected_until_ms - self._now_ms
            tell(steps, "ejected", deployment, wait_ms=wait, failures=state.failures)
        else:
            # One that was merely slow owes a single answer.
            tell(steps, "on_probation", deployment, owed=max(state.probation, 1))


def _sound(looks: list[Look]) -> list[Look]:
    """Leave out what rests or is being probed, unless that is more than half of the group."""
    sound = [look for look in looks if look.is_sound]
    return looks if 2 * len(sound) < len(looks) else sound


def _owes_proof(state: DeploymentHealth, now_ms: int) -> bool:
    if state.probation:
        return True
    was_slow = 0 < SLOWER_THAN_USUAL * state.usual_ttft_ms < state.ttft_ms
    return was_slow and now_ms - state.seen_ms > UNSEEN_MS


def _is_crowded(state: DeploymentHealth, left_share: float) -> bool:
    """Tell whether it has more calls than it can answer in time, as far as is known.

    Nothing is known before its first answer.
    """
    if state.in_flight <= FEW_CALLS or not state.usual_ms_per_token:
        return False
    most = MOST_OF_BORNE_WHEN_SLOW if is_slow(state) else MOST_OF_BORNE
    return state.in_flight > most * state.borne * (1 - left_share)


def _left_share(facts: RequestFacts, age_ms: int) -> float:
    """Return the share of its room that a deployment must have left after a call.

    Whoever failed elsewhere is late through no fault of its own: it is as good as new.
    """
    if age_ms <= LATE_MS:
        return LEFT_SHARE * (1 - age_ms / LATE_MS)
    return LEFT_SHARE if facts.tried_deployments else LEFT_SHARE_WHEN_LATE


def _written(tried: Sequence[str], health: Health, age_ms: int) -> float:
    """Return the tokens that those who failed had the time to write: the answer may be longer."""
    if not tried:
        return 0.0
    paces = (health.deployments.get(name, HEALTHY).ms_per_token for name in tried)
    return age_ms / max(paces)


def _shortage(per_minute: int, state: DeploymentHealth, needed: float, now_ms: int) -> int:
    """Return the milliseconds until the provider's bucket holds what the call needs.

    One that needs more than a bucket holds goes out when it is full.
    """
    short = min(needed, per_minute * BURST_SHARE) - token_level(state, per_minute, now_ms)
    return math.ceil(short * MINUTE_MS / per_minute) if short > 0 else 0


def _tell_panic(steps: Steps, called: Sequence[Look], of: int) -> None:
    """Tell of those that are called although they rest; where a sound one is left, nobody is."""
    names = ", ".join(look.candidate.deployment.name for look in called if not look.is_sound)
    if steps is not None and names:
        numbers = {"kept": len(called), "of": of}
        steps.append(TraceStep("deployment", "panic", names, "kept", numbers))
