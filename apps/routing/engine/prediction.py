"""How long an answer is likely to take, and what makes that time count for more.

The time is built on the time to the first token, in which a call that still waits counts with its
present age (after the "peak EWMA" of Twitter's Finagle).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from apps.routing.engine.health import HEALTHY
from apps.routing.engine.types import DeploymentHealth

# How many calls a deployment can bear is not known, and its own times tell only afterwards: a few
# count next to nothing, many count more and more.
CALLS_THAT_DOUBLE_THE_LOAD = 35.0
LOAD_POWER = 2
ERROR_POWER = 2
LEAST_SOUNDNESS = 0.05
# News older than this fades, within as long again.
FRESH_MS = 20_000
FADE_MS = 20_000.0


class Pace(NamedTuple):
    """Milliseconds until the first token and for each further one."""

    first_ms: float
    each_ms: float


# Seconds, load and errors: their product is what an answer is likely to cost in time.
type Times = tuple[float, float, float]

GUESS = Pace(HEALTHY.ttft_ms, HEALTHY.ms_per_token)


def pace_of(states: Sequence[DeploymentHealth]) -> Pace:
    """Return the usual times of the quickest that have ever answered; a guess without any."""
    first = [state.usual_ttft_ms for state in states if state.usual_ttft_ms]
    if not first:
        return GUESS
    each = [state.usual_ms_per_token for state in states if state.usual_ms_per_token]
    return Pace(min(first), min(each, default=HEALTHY.ms_per_token))


def times_of(state: DeploymentHealth, pace: Pace, now_ms: int, output_tokens: int) -> Times:
    """Return what to expect of a deployment, in a group of such a pace, for so many tokens."""
    age_ms = now_ms - state.seen_ms - FRESH_MS
    fresh = math.exp(-age_ms / FADE_MS) if age_ms > 0 else 1.0
    seconds = _expected_seconds(state, pace, fresh, now_ms, output_tokens)
    load = 1 + (state.in_flight / CALLS_THAT_DOUBLE_THE_LOAD) ** LOAD_POWER
    errors = _errors(state, fresh) if state.error_rate or state.failures else 1.0
    return seconds, load, errors


def usual_seconds(state: DeploymentHealth, pace: Pace, output_tokens: int) -> float:
    """Return the usual time of a whole answer, in a group of such a pace."""
    first = state.usual_ttft_ms or pace.first_ms
    each = state.usual_ms_per_token or pace.each_ms
    return (first + output_tokens * each) / 1_000


def _expected_seconds(
    state: DeploymentHealth, pace: Pace, fresh: float, now_ms: int, output_tokens: int
) -> float:
    """Return the time of a whole answer; what was learned long ago fades to the usual.

    One that never answered is taken for as quick as the quickest, so that it is asked at all.
    A call that still waits is news of right now, which does not fade.
    """
    first, each = state.ttft_ms, state.ms_per_token
    if not state.usual_ttft_ms:
        first = pace.first_ms if first <= HEALTHY.ttft_ms else first
        each = pace.each_ms
    if fresh < 1:
        usual_first = state.usual_ttft_ms or pace.first_ms
        usual_each = state.usual_ms_per_token or pace.each_ms
        first = usual_first + fresh * (first - usual_first)
        each = usual_each + fresh * (each - usual_each)
    if state.waiting:
        first = max(first, now_ms - next(iter(state.waiting.values())))
    return (first + output_tokens * each) / 1_000


def _errors(state: DeploymentHealth, fresh: float) -> float:
    """Return the factor of failures: of late, or in a row where those are telling more.

    They fade too: who failed twice and is not called since would else never be called again.
    """
    in_a_row = 1 - 1 / max(state.failures, 1)
    soundness = 1 - fresh * max(state.error_rate, in_a_row)
    return float(1 / max(LEAST_SOUNDNESS, soundness) ** ERROR_POWER)
