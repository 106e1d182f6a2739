"""How hard the model shall think: OpenAI's efforts as Gemini's levels and budgets.

Source of both tables: ai.google.dev/gemini-api/docs/openai ("Thinking").
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import Reasoning
from apps.providers.adapters.google.families import (
    THINKS_BY_LEVEL_FROM,
    THINKS_FROM,
    budget_of,
    levels_of,
    version_of,
)

BUDGETS: Mapping[str, int] = {
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
LEVELS: Mapping[str, str] = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
ORDER = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
AUTOMATIC = -1
# What must be left of the limit for the answer itself: thoughts count against it.
MIN_ANSWER = 1_024


def build_thinking(
    wanted: Reasoning | None,
    model: str,
    *,
    can_think: bool,
    limit: int | None,
    dropped: list[str],
) -> dict[str, Any]:
    """Return `thinkingConfig`, empty where there is nothing to say; `limit` is of all tokens."""
    if wanted is None:
        return {}
    is_off = wanted.effort == "none" or wanted.budget_tokens == 0
    if version_of(model) < THINKS_FROM or not can_think:
        if not is_off:
            dropped.append("reasoning_effort")
        return {}
    if is_off:
        return _off(model, dropped)
    if wanted.effort and wanted.effort not in BUDGETS:
        dropped.append("reasoning_effort")
        return {}
    return {"includeThoughts": True, **_how_hard(wanted, model, limit)}


def _how_hard(wanted: Reasoning, model: str, limit: int | None) -> dict[str, Any]:
    if wanted.budget_tokens == AUTOMATIC:
        return {}
    if version_of(model) >= THINKS_BY_LEVEL_FROM:
        effort = wanted.effort or _effort_of(wanted.budget_tokens or 0)
        return {"thinkingLevel": _level(LEVELS[effort], model)}
    tokens = wanted.budget_tokens or BUDGETS[wanted.effort]
    return {"thinkingBudget": _budget(tokens, model, limit)}


def _off(model: str, dropped: list[str]) -> dict[str, Any]:
    """Turn thinking off, or down as far as the model lets us."""
    if version_of(model) < THINKS_BY_LEVEL_FROM and budget_of(model).can_be_off:
        return {"thinkingBudget": 0}
    dropped.append("reasoning_effort")
    if version_of(model) >= THINKS_BY_LEVEL_FROM:
        return {"thinkingLevel": levels_of(model)[0]}
    return {"thinkingBudget": budget_of(model).least}


def _level(wanted: str, model: str) -> str:
    """Return the level, else the next one above that the model knows."""
    known = levels_of(model)
    at_least = ORDER[ORDER.index(wanted) :]
    return next(level for level in at_least if level in known)


def _budget(tokens: int, model: str, limit: int | None) -> int:
    bounds = budget_of(model)
    most = bounds.most if limit is None else min(bounds.most, limit - MIN_ANSWER)
    return max(bounds.least, min(tokens, most))


def _effort_of(budget: int) -> str:
    """Return the smallest effort whose budget is not below this one."""
    return next((effort for effort, tokens in BUDGETS.items() if tokens >= budget), "max")
