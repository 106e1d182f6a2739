"""Answers of our own dialect: what was said, what it cost, and why it went where it went. Pure."""

from typing import Any

from apps.core.chat import ChatResponse, TokenUsage
from apps.core.money import format_usd
from apps.routing.engine.explain import explain
from apps.routing.engine.trace import step_record, told_steps
from apps.routing.engine.types import Decision

COST_RANGE = ("low", "expected", "high")


def render_usage(usage: TokenUsage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in TokenUsage.__slots__}


def render_cost(micro_usd: int) -> dict[str, Any]:
    """Return exact micro-dollars, and the same as decimal dollars."""
    return {"micro_usd": micro_usd, "usd": format_usd(micro_usd)}


def render_answer(response: ChatResponse) -> dict[str, Any]:
    """Return the message and how it ended."""
    return {
        "message": {"role": "assistant", "content": response.text},
        "finish_reason": response.finish_reason,
        "usage": render_usage(response.usage),
    }


def render_decision(decision: Decision, language: str) -> dict[str, Any]:
    """Return the decision with its sentences in a language."""
    return {
        "outcome": decision.outcome,
        "rule": {"id": decision.rule_id, "name": decision.rule_name} if decision.rule_id else None,
        "arm": {"name": decision.arm, "propensity": decision.propensity} if decision.arm else None,
        "versions": {"platform": decision.platform_version, "tenant": decision.tenant_version},
        "cost": {
            name: render_cost(cost)
            for name, cost in zip(COST_RANGE, decision.cost_range, strict=True)
        },
        "attempts": [
            {
                "deployment": attempt.deployment,
                "model": attempt.model,
                "provider": attempt.provider,
                "expected_cost": render_cost(attempt.expected_cost),
                "worst_case_cost": render_cost(attempt.worst_case_cost),
                "max_output_tokens": attempt.max_output_tokens,
            }
            for attempt in decision.attempts
        ],
        "explanation": explain(decision, language),
        "trace": [step_record(step) for step in told_steps(decision.trace)],
    }
