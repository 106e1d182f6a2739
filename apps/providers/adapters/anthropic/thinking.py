"""How hard the model shall think: OpenAI's efforts as Anthropic's budgets and efforts."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import Reasoning
from apps.providers.adapters.anthropic.families import (
    THINKS_ADAPTIVELY_FROM,
    THINKS_FROM,
    Version,
)

MIN_BUDGET = 1_024
# What must be left of the limit for the answer itself.
MIN_ANSWER = 1_024
BUDGETS: Mapping[str, int] = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 28_672,
}
# The wire has no "minimal".
EFFORTS: Mapping[str, str] = {effort: effort for effort in BUDGETS} | {"minimal": "low"}
OFF = {"type": "disabled"}


def build_thinking(
    wanted: Reasoning | None,
    version: Version,
    *,
    limit: int | None,
    is_free: bool,
    is_signed: bool,
    dropped: list[str],
) -> dict[str, Any]:
    """Return `thinking` and `effort`, as far as there is something to say.

    `limit` are the tokens that thoughts and answer share. `is_free`: neither a forced tool nor a
    begun answer stands against thinking; `is_signed`: nor do missing thoughts of calls under way.
    """
    if wanted is None:
        return {}
    if wanted.effort == "none":
        return {"thinking": OFF} if version >= THINKS_FROM else {}
    if version < THINKS_FROM or (wanted.effort and wanted.effort not in BUDGETS):
        dropped.append("reasoning_effort")
        return {}
    if version >= THINKS_ADAPTIVELY_FROM:
        effort = {"effort": EFFORTS[wanted.effort or _effort_of(wanted.budget_tokens or 0)]}
        return {"thinking": {"type": "adaptive"}, **effort} if is_free else effort
    budget = wanted.budget_tokens or BUDGETS[wanted.effort]
    budget = max(budget, MIN_BUDGET) if limit is None else min(budget, limit - MIN_ANSWER)
    if budget < MIN_BUDGET or not (is_free and is_signed):
        dropped.append("reasoning_effort")
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _effort_of(budget: int) -> str:
    """Return the smallest effort whose budget is not below this one."""
    return next((effort for effort, tokens in BUDGETS.items() if tokens >= budget), "max")
