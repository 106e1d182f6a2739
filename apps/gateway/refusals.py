"""Turns a decision without attempts, and attempts that all failed, into the caller's error."""

import math
from collections.abc import Sequence

from apps.core.errors import (
    ContextLengthExceeded,
    InvalidRequest,
    ModelNotFound,
    NoEligibleDeployment,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderRejectedRequest,
    RejectedByRule,
    RouterError,
    ServiceUnavailable,
)
from apps.gateway.wire.anthropic.errors import OVERLOADED
from apps.providers.adapters.base import AttemptError
from apps.routing.engine.explain import ENGLISH, explain_steps
from apps.routing.engine.trace import step_record
from apps.routing.engine.types import Decision, RequestFacts

NAMED_MODELS = 20
UNFIT = frozenset({"context_length", "not_expressible"})
NAMED_REASONS = 5
TOO_SMALL = "context_too_small"


def refusal_of(decision: Decision, facts: RequestFacts) -> RouterError:
    """Return why there is nobody to ask."""
    if decision.outcome == "reject":
        return RejectedByRule(decision.reject_message, details={"rule": decision.rule_name})
    if decision.outcome == "unknown_model":
        return _unknown_model(decision, facts)
    removed = [step for step in decision.trace if step.verdict == "removed"]
    reasons = {"reasons": [step_record(step) for step in removed]}
    if decision.outcome == "unhealthy":
        seconds = max(1, -(-decision.retry_after_ms // 1000))
        return ServiceUnavailable(
            "every deployment that could answer is resting after failures",
            retry_after_seconds=seconds,
            details=reasons,
        )
    if removed and all(step.code == TOO_SMALL for step in removed):
        return ContextLengthExceeded(param="messages", details=reasons)
    told = " ".join(explain_steps(map(step_record, removed[:NAMED_REASONS]), ENGLISH))
    return NoEligibleDeployment(
        f"no deployment may answer this request: {told}", param="model", details=reasons
    )


def failure_of(errors: Sequence[AttemptError]) -> RouterError:
    """Return what the caller is told when every attempt failed."""
    last = errors[-1]
    if last.kind == "rejected":
        return ProviderRejectedRequest(
            f"the provider refused the request: {last.message}",
            param=last.param,
            details={"provider_code": last.provider_code},
        )
    # Who had no form or no room for the request says nothing of those who might have taken it.
    others = [error for error in errors if error.kind not in UNFIT] or list(errors)
    if last.kind in UNFIT and others == list(errors):
        return _unfit(last)
    errors, last = others, others[-1]
    if all(error.kind == "rate_limited" for error in errors):
        return ProviderRateLimited(
            "every deployment that could answer is at its provider's rate limit",
            retry_after_seconds=_shortest_wait(errors),
            provider_limits=min(errors, key=_wait).limits,
        )
    if all(error.http_status == OVERLOADED for error in errors):
        return ProviderOverloaded(
            f"every provider that could answer is overloaded; the last: {last.message}",
            retry_after_seconds=_shortest_wait(errors),
        )
    told = [{"kind": error.kind, "message": error.message} for error in errors]
    # Who did not say when to come back may be back at once.
    are_told = all(error.retry_after_seconds is not None for error in errors)
    return ProviderFailed(
        f"all {len(errors)} attempts failed; the last: {last.message}",
        retry_after_seconds=_shortest_wait(errors) if are_told else None,
        details={"attempts": told},
    )


def _unfit(error: AttemptError) -> InvalidRequest:
    if error.kind == "context_length":
        return ContextLengthExceeded(param="messages")
    return InvalidRequest(error.message, param=error.param)


def _shortest_wait(errors: Sequence[AttemptError]) -> int:
    """Return whole seconds, never less than a provider asked for."""
    return max(1, math.ceil(min(map(_wait, errors))))


def _wait(error: AttemptError) -> float:
    return error.retry_after_seconds or 1.0


def _unknown_model(decision: Decision, facts: RequestFacts) -> ModelNotFound:
    names = decision.usable_models
    shown = ", ".join(names[:NAMED_MODELS]) + (", …" if len(names) > NAMED_MODELS else "")
    return ModelNotFound(
        f"there is no model {facts.requested_model!r} for this API key; it may use: {shown}",
        param="model",
        details={"usable_models": list(names)},
    )
