"""A body of Anthropic's own dialect on its way to Anthropic: barely touched.

Model and limit are ours. All else goes out as it came, also what this version has never heard of.
"""

from typing import Any, Final

from apps.core.chat import ChatRequest
from apps.providers.adapters.anthropic.families import abilities_of
from apps.providers.adapters.anthropic.thinking import MIN_ANSWER, MIN_BUDGET
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.reading import as_mapping, is_count

DIALECT: Final = "anthropic"


def is_same_dialect(request: ChatRequest) -> bool:
    """Say whether the caller's own body can go out, and the provider's answer back."""
    return request.dialect == DIALECT and bool(request.raw)


def pass_through(call: ProviderCall, dropped: list[str]) -> dict[str, Any]:
    """Return the caller's body, aimed at this model and within its limit."""
    body = call.request.body()
    body["model"] = call.connection.upstream_model
    given, limit = body.get("max_tokens"), call.max_output_tokens
    if given is None:
        body["max_tokens"] = limit or abilities_of(call).usual_tokens
    elif limit is not None and is_count(given) and limit < given:
        body["max_tokens"] = limit
        _keep_room_for_the_answer(body, limit, dropped)
    return body


def _keep_room_for_the_answer(body: dict[str, Any], limit: int, dropped: list[str]) -> None:
    """Make a budget for thoughts smaller that was legal before the limit was."""
    thinking = as_mapping(body.get("thinking"))
    budget = thinking.get("budget_tokens")
    if not is_count(budget) or budget < limit:
        return
    dropped.append("thinking")
    if limit - MIN_ANSWER < MIN_BUDGET:
        del body["thinking"]
    else:
        body["thinking"] = {**thinking, "budget_tokens": limit - MIN_ANSWER}
