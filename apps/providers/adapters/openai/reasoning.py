"""How hard the model shall think, in OpenAI's words. Pure."""

from typing import Any

from apps.core.chat import Reasoning
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.openai.content import Spelling
from apps.providers.adapters.openai.families import (
    ALL_EFFORTS,
    THINKING_FAMILY,
    efforts_of,
)
from apps.providers.adapters.openai.quirks import Quirks

# The most tokens of thought that an effort stands for.
BUDGETS = (("minimal", 1_024), ("low", 4_096), ("medium", 12_288), ("high", 24_576))
DYNAMIC_BUDGET = -1


def is_thinking_model(call: ProviderCall) -> bool:
    """Say whether the model reasons: the catalogue knows, else its name tells."""
    known = call.model.capabilities.get("reasoning", "unknown")
    if known in ("yes", "no"):
        return known == "yes"
    return bool(THINKING_FAMILY.match(call.connection.upstream_model))


def is_openais_thinker(call: ProviderCall, quirks: Quirks) -> bool:
    """Say whether this is a reasoning model of OpenAI's own, with its rules for instructions.

    Deployments at Azure have names of their own: there the catalogue tells.
    """
    is_named_so = bool(THINKING_FAMILY.match(call.connection.upstream_model))
    return is_named_so or (quirks.names_model_in_path and is_thinking_model(call))


def build_reasoning(
    wanted: Reasoning | None, call: ProviderCall, spelling: Spelling
) -> dict[str, Any]:
    """Return the field for it, for models that reason only."""
    if wanted is None or (wanted.budget_tokens == DYNAMIC_BUDGET and not wanted.effort):
        return {}
    form = spelling.quirks.reasoning
    if not form or not is_thinking_model(call):
        spelling.dropped.append("reasoning_effort")
        return {}
    if form == "object" and wanted.budget_tokens and not wanted.effort:
        return {"reasoning": {"max_tokens": wanted.budget_tokens}}
    asked = wanted.effort or _effort_of(wanted.budget_tokens or 0)
    known = spelling.quirks.efforts or efforts_of(call.connection.upstream_model)
    effort = _nearest(asked, known)
    if not effort:
        spelling.dropped.append("reasoning_effort")
        return {}
    if wanted.effort and effort != wanted.effort:
        spelling.dropped.append("reasoning_effort")
    return {"reasoning": {"effort": effort}} if form == "object" else {"reasoning_effort": effort}


def _effort_of(budget: int) -> str:
    """Return the smallest effort whose budget is not below this one."""
    if budget == 0:
        return "none"
    return next((effort for effort, tokens in BUDGETS if tokens >= budget), "xhigh")


def _nearest(effort: str, known: tuple[str, ...]) -> str:
    """Return the effort, else the next harder one, else the hardest; "" for an unknown word."""
    if effort not in ALL_EFFORTS:
        return ""
    harder = ALL_EFFORTS[ALL_EFFORTS.index(effort) :]
    return next((each for each in known if each in harder), known[-1])
