"""How hard the model shall think: OpenAI's efforts as Anthropic's budgets and efforts."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import Reasoning
from apps.providers.adapters.anthropic.families import Abilities

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
# Newer models keep their thoughts to themselves unless they are asked to show them.
SHOWN = {"type": "adaptive", "display": "summarized"}
OFF = {"type": "disabled"}
LEFT_TO_THE_MODEL = -1
# For models that want a budget where the caller leaves it to the model.
USUAL_EFFORT = "medium"


def build_thinking(
    wanted: Reasoning | None,
    abilities: Abilities,
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
    if wanted is None or not (wanted.effort or wanted.budget_tokens is not None):
        return {}
    if wanted.effort == "none" or wanted.budget_tokens == 0:
        return {"thinking": OFF} if abilities.thinks else {}
    if not abilities.thinks or (wanted.effort and wanted.effort not in BUDGETS):
        dropped.append("reasoning_effort")
        return {}
    if abilities.thinks_adaptively:
        effort = _effort_of(wanted)
        return {"thinking": dict(SHOWN), **effort} if is_free else effort
    budget = _budget_within(_budget_of(wanted), limit, abilities.most_tokens)
    if budget < MIN_BUDGET or not (is_free and is_signed):
        dropped.append("reasoning_effort")
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _budget_of(wanted: Reasoning) -> int:
    budget = wanted.budget_tokens or LEFT_TO_THE_MODEL
    return budget if budget > 0 else BUDGETS[wanted.effort or USUAL_EFFORT]


def _budget_within(budget: int, limit: int | None, most: int | None) -> int:
    """Leave room for the answer: below the caller's limit, else below the model's own."""
    if limit is None:
        budget, limit = max(budget, MIN_BUDGET), most
    return budget if limit is None else min(budget, limit - MIN_ANSWER)


def _effort_of(wanted: Reasoning) -> dict[str, str]:
    """Return the effort, for a budget the smallest one that does not fall below it."""
    if wanted.effort:
        return {"effort": EFFORTS[wanted.effort]}
    budget = wanted.budget_tokens or LEFT_TO_THE_MODEL
    if budget < 0:
        return {}
    least = next((effort for effort, tokens in BUDGETS.items() if tokens >= budget), "max")
    return {"effort": EFFORTS[least]}
