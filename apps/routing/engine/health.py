"""What happened to calls, folded into what is known of their deployments.

Failures eject a deployment for a while; when it comes back it is on probation, one call at a time
(Envoy, "Outlier detection"; here with probes). Speed is told by the time to the first token and by
the time per token: whole calls last so long that their news comes too late.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from apps.routing.engine.averages import learned, usual
from apps.routing.engine.types import DeploymentHealth, Health, HealthEvent, RetryBudget

HEALTHY = DeploymentHealth()
FAILURES_TO_EJECT = 3
ERROR_RATE_TO_EJECT = 0.15
CUT_RATE_TO_EJECT = 0.5
EJECTION_STEP_MS = 5_000
MOST_EJECTION_STEPS = 6
PROBATION_CALLS = 3
CREDENTIAL_REST_MS = 60_000
SHORTEST_RATE_BLOCK_MS = 1_000
UNTOLD_RATE_BLOCK_MS = 2_000
# Weight of the newest call in the averages.
ERROR_WEIGHT = 0.05
OUTPUT_WEIGHT = 0.02
SHORTEST_TIME_MS = 0.01
# Slow is what takes so many times as long as usual.
SLOW_FACTOR = 2.0
# A provider's bucket of tokens holds a quarter of a minute.
BURST_SHARE = 0.25
MINUTE_MS = 60_000.0
# Retries: a tenth of the first attempts, and never less than three a second.
RETRY_SHARE = 0.1
RETRIES_PER_SECOND = 3.0
MOST_RETRIES = 10.0

type Changes = dict[str, Any]


def observe(health: Health, event: HealthEvent) -> Health:
    """Return the health after an event; the old one is left as it was."""
    before = health.deployments.get(event.deployment_id, HEALTHY)
    after = replace(before, **_STEPS[event.kind](before, event))
    deployments = {**health.deployments, event.deployment_id: after}
    retries, credentials = health.retries, health.credentials_down
    if event.kind == "started" and event.provider:
        retries = {**retries, event.provider: _retries_after(health, event)}
    if event.kind == "credential" and event.credential:
        until = event.at_ms + (event.retry_after_ms or CREDENTIAL_REST_MS)
        credentials = {**credentials, event.credential: until}
    return Health(deployments, retries, credentials)


def retries_left(health: Health, provider: str, now_ms: int) -> float:
    """Return how many further attempts a provider may get now."""
    budget = health.retries.get(provider)
    if budget is None:
        return MOST_RETRIES
    refilled = max(now_ms - budget.at_ms, 0) * RETRIES_PER_SECOND / 1_000
    return min(budget.left + refilled, MOST_RETRIES)


def token_level(state: DeploymentHealth, per_minute: int, now_ms: int) -> float:
    """Return what the provider's bucket holds now, as far as is known here."""
    most = per_minute * BURST_SHARE
    if state.token_level is None:
        return most
    refilled = max(now_ms - state.token_level_ms, 0) * per_minute / MINUTE_MS
    return min(state.token_level + refilled, most)


def _retries_after(health: Health, event: HealthEvent) -> RetryBudget:
    left = retries_left(health, event.provider, event.at_ms)
    changed = left - 1 if event.is_retry else left + RETRY_SHARE
    return RetryBudget(min(max(changed, 0.0), MOST_RETRIES), event.at_ms)


def _started(state: DeploymentHealth, event: HealthEvent) -> Changes:
    return {
        "in_flight": state.in_flight + 1,
        "waiting": {**state.waiting, event.call_id: event.at_ms},
        **_taken(state, event, event.tokens),
    }


def _taken(state: DeploymentHealth, event: HealthEvent, tokens: float) -> Changes:
    if not event.tokens_per_minute:
        return {}
    level = token_level(state, event.tokens_per_minute, event.at_ms) - tokens
    return {"token_level": level, "token_level_ms": event.at_ms}


def _late(known: float, sample: float, usual_ms: float, age_ms: float) -> float:
    """Return the time of late after one more sample; the first one replaces the guess."""
    return learned(known, sample, age_ms) if usual_ms else sample


def _at_least(sample: float) -> float:
    """No time is nothing, whatever a clock of whole milliseconds says: others are divided by it."""
    return max(sample, SHORTEST_TIME_MS)


def _first_token(state: DeploymentHealth, event: HealthEvent) -> Changes:
    age, sample = event.at_ms - state.seen_ms, _at_least(event.ttft_ms)
    return {
        "waiting": _without(state.waiting, event.call_id),
        "ttft_ms": _late(state.ttft_ms, sample, state.usual_ttft_ms, age),
        "usual_ttft_ms": usual(state.usual_ttft_ms, sample, age),
        "seen_ms": event.at_ms,
        # Those that wait for a first token have not been answered yet, but for this one.
        "borne": _borne(state, state.in_flight - len(state.waiting) + 1),
        **_answered(state, event),
    }


def is_slow(state: DeploymentHealth) -> bool:
    """Tell whether it takes far longer than usual for all: long prompts delay first tokens only."""
    return (
        state.ttft_ms > SLOW_FACTOR * state.usual_ttft_ms
        and state.ms_per_token > SLOW_FACTOR * state.usual_ms_per_token
    )


def _borne(state: DeploymentHealth, calls: int) -> int:
    """Return the most calls at once with which it has not been slow."""
    return state.borne if is_slow(state) else max(state.borne, calls)


def _ended(state: DeploymentHealth, event: HealthEvent) -> Changes:
    return {
        "in_flight": max(state.in_flight - 1, 0),
        "waiting": _without(state.waiting, event.call_id),
    }


def _without(waiting: Mapping[str, int], call_id: str) -> Mapping[str, int]:
    if call_id not in waiting:
        return waiting
    return {name: at for name, at in waiting.items() if name != call_id}


def rests(state: DeploymentHealth, now_ms: int) -> bool:
    """Tell whether it is ejected and has not answered since: one answer ends a rest."""
    return state.ejected_until_ms > now_ms and _is_untried(state)


def _is_untried(state: DeploymentHealth) -> bool:
    return state.probation >= PROBATION_CALLS


def _is_old_news(state: DeploymentHealth, event: HealthEvent) -> bool:
    """Tell whether the call began before the last rest was over: its failure proves nothing new."""
    if _is_untried(state):
        return event.at_ms - event.elapsed_ms < state.ejected_until_ms
    return _is_from_before(state, event)


def _is_from_before(state: DeploymentHealth, event: HealthEvent) -> bool:
    """Tell whether the call began before the last ejection."""
    ejected_ms = state.ejected_until_ms - EJECTION_STEP_MS * state.ejections
    return event.at_ms - max(event.elapsed_ms, event.ttft_ms) < ejected_ms


def _ok(state: DeploymentHealth, event: HealthEvent) -> Changes:
    mean = state.mean_output_tokens
    return {
        **_ended(state, event),
        **(_timed(state, event) if event.output_tokens else {}),
        # A first token that was seen apart has told already that it answers.
        **({} if event.ttft_ms else _answered_whole(state, event)),
        **_taken(state, event, -event.tokens),
        "mean_output_tokens": mean + OUTPUT_WEIGHT * (event.output_tokens - mean),
        "seen_ms": event.at_ms,
    }


def _answered_whole(state: DeploymentHealth, event: HealthEvent) -> Changes:
    return {**_answered(state, event), "borne": _borne(state, state.in_flight)}


def _answered(state: DeploymentHealth, event: HealthEvent) -> Changes:
    """Count an answer at its first token: failures come early, and would else be counted alone.

    What began before the last ejection counts in the rate only, as failures of then do.
    """
    if _is_from_before(state, event):
        return {"error_rate": state.error_rate * (1 - ERROR_WEIGHT)}
    return _forgiven(state, event)


def _forgiven(state: DeploymentHealth, event: HealthEvent) -> Changes:
    probation, is_over = max(state.probation - 1, 0), event.at_ms >= state.ejected_until_ms
    error_rate = state.error_rate * (1 - ERROR_WEIGHT)
    if not probation:
        error_rate = min(error_rate, ERROR_RATE_TO_EJECT - 0.01)
    return {
        "failures": 0,
        "probation": probation,
        "error_rate": error_rate,
        # A good spell forgives earlier outages, when the time of the last one is over: until then a
        # new one must be told apart from it by workers who hear of both (see `health_merge`).
        "ejections": 0 if is_over and not probation and error_rate < 0.02 else state.ejections,
    }


def _timed(state: DeploymentHealth, event: HealthEvent) -> Changes:
    """Learn the speed; an answer that came whole tells how far off both times were together."""
    age = event.at_ms - state.seen_ms
    if event.ttft_ms:
        sample = max(event.elapsed_ms - event.ttft_ms, 0.0) / event.output_tokens
        return _spoken(state, sample, age)
    ratio = event.elapsed_ms / (state.ttft_ms + state.ms_per_token * event.output_tokens)
    first = _at_least(state.ttft_ms * ratio)
    return {
        "ttft_ms": _late(state.ttft_ms, first, state.usual_ttft_ms, age),
        "usual_ttft_ms": usual(state.usual_ttft_ms, first, age),
        **_spoken(state, state.ms_per_token * ratio, age),
    }


def _spoken(state: DeploymentHealth, sample: float, age_ms: float) -> Changes:
    """Learn the time of each further token."""
    sample = _at_least(sample)
    each = _late(state.ms_per_token, sample, state.usual_ms_per_token, age_ms)
    return {
        "ms_per_token": each,
        "usual_ms_per_token": usual(state.usual_ms_per_token, sample, age_ms),
    }


def _error(state: DeploymentHealth, event: HealthEvent) -> Changes:
    """Count a failure, and eject after too many; what began before belongs to that ejection."""
    failures = state.failures + (0 if _is_from_before(state, event) else 1)
    error_rate = _more_errors(state)
    changes = {
        **_ended(state, event),
        **_left_alone(state, event, event.retry_after_ms),
        "failures": failures,
        "error_rate": error_rate,
        "seen_ms": event.at_ms,
    }
    is_bad = (
        failures >= FAILURES_TO_EJECT or error_rate > ERROR_RATE_TO_EJECT or state.probation > 0
    )
    if is_bad and not _is_old_news(state, event):
        changes |= _ejected(state, event.at_ms)
    return changes


def _more_errors(state: DeploymentHealth) -> float:
    return state.error_rate * (1 - ERROR_WEIGHT) + ERROR_WEIGHT


def _ejected(state: DeploymentHealth, at_ms: int) -> Changes:
    """Each ejection in a row lasts longer."""
    steps = min(state.ejections + 1, MOST_EJECTION_STEPS)
    return {
        "ejections": steps,
        "ejected_until_ms": at_ms + EJECTION_STEP_MS * steps,
        "probation": PROBATION_CALLS,
    }


def _timeout(state: DeploymentHealth, event: HealthEvent) -> Changes:
    """A call that never answered failed, and was slow too: at least as slow as what is known."""
    if event.ttft_ms:
        return _cut(state, event)
    sample = max(event.elapsed_ms, state.ttft_ms)
    slower = learned(state.ttft_ms, sample, event.at_ms - state.seen_ms)
    return {**_error(state, event), "ttft_ms": slower}


def _cut(state: DeploymentHealth, event: HealthEvent) -> Changes:
    """An answer that was cut for its length is seldom the sign of an outage.

    Long answers are cut first where too many are given at once: to eject such a deployment would
    push its load on the next one, and that one over. One that cuts most of them is ejected.
    """
    error_rate = _more_errors(state)
    changes = {**_ended(state, event), "error_rate": error_rate, "seen_ms": event.at_ms}
    if error_rate > CUT_RATE_TO_EJECT and not _is_old_news(state, event):
        changes |= _ejected(state, event.at_ms)
    return changes


def _rate_limited(state: DeploymentHealth, event: HealthEvent) -> Changes:
    """A full provider is not a sick one: it is left alone until the time it named."""
    wait_ms = max(event.retry_after_ms or UNTOLD_RATE_BLOCK_MS, SHORTEST_RATE_BLOCK_MS)
    changes = {**_ended(state, event), **_left_alone(state, event, wait_ms)}
    if event.tokens_per_minute:
        level = min(token_level(state, event.tokens_per_minute, event.at_ms), 0.0)
        changes |= {"token_level": level, "token_level_ms": event.at_ms}
    return changes


def _left_alone(state: DeploymentHealth, event: HealthEvent, wait_ms: int) -> Changes:
    """Ask nothing of a provider before the time that it named, whatever its error was."""
    if not wait_ms:
        return {}
    return {"retry_after_ms": max(state.retry_after_ms, event.at_ms + wait_ms)}


def _budget(_state: DeploymentHealth, event: HealthEvent) -> Changes:
    """What the shared bucket holds is truer than what was counted here."""
    return {"token_level": event.tokens, "token_level_ms": event.at_ms}


# A wrong request, a refused key or a caller who left says nothing about the deployment: `_ended`.
_STEPS: dict[str, Callable[[DeploymentHealth, HealthEvent], Changes]] = {
    "started": _started,
    "first_token": _first_token,
    "ok": _ok,
    "error": _error,
    "timeout": _timeout,
    "rate_limited": _rate_limited,
    "rejected": _ended,
    "credential": _ended,
    "cancelled": _ended,
    "budget": _budget,
}
