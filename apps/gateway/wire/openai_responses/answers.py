"""The OpenAI Responses dialect: neutral answers to `response` objects. Pure.

Source of the format: OpenAI's API reference, "Responses" (object). Providers are never asked in
this dialect, so an answer is always made of its neutral form.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.core.chat import AnswerPart, ChatResponse, FinishReason, Text, TokenUsage
from apps.gateway.wire.openai_responses.items import item_id, merged, output_item
from apps.gateway.wire.rendering import AnswerHead

REASONS: Mapping[FinishReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
# What a response says again of its request, with OpenAI's own values for what was left out.
ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a response repeats of the request `body`; `is_stored`: it can be read again later."""

    body: Mapping[str, Any] = field(default_factory=dict)
    is_stored: bool = False


def response_id(head: AnswerHead) -> str:
    return f"resp_{head.token}"


def envelope(asked: Asked, head: AnswerHead) -> dict[str, Any]:
    """Return a response that has just begun: all of its fields, nothing in them yet."""
    body = asked.body
    echoed = {
        name: usual if body.get(name) is None else body[name] for name, usual in ECHOED.items()
    }
    reasoning = body.get("reasoning") or {}
    text = body.get("text") or {}
    return {
        "id": response_id(head),
        "object": "response",
        "created_at": head.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": head.model,
        "output": [],
        **echoed,
        "reasoning": {"effort": None, "summary": None, **reasoning},
        "service_tier": "default",
        "store": asked.is_stored,
        "text": {"format": {"type": "text"}, **text},
        "usage": None,
    }


def render(response: ChatResponse, head: AnswerHead, asked: Asked) -> dict[str, Any]:
    """Return a whole `response`."""
    parts = parts_of(response)
    last = len(parts) - 1
    logprobs = logprobs_of(response.logprobs)
    output = [
        output_item(
            part,
            item_id(part, head.token, place),
            status=item_status(response.finish_reason if place == last else None),
            logprobs=logprobs if isinstance(part, Text) else (),
        )
        for place, part in enumerate(parts)
    ]
    return ended(envelope(asked, head), output, response.finish_reason, response.usage)


def ended(
    begun: Mapping[str, Any],
    output: Sequence[Mapping[str, Any]],
    reason: FinishReason | None,
    usage: TokenUsage | None,
) -> dict[str, Any]:
    """Return the response with what came of it; an answer that was not said whole is incomplete."""
    cut_by = REASONS.get(reason) if reason else None
    return {
        **begun,
        "status": "incomplete" if cut_by else "completed",
        "incomplete_details": {"reason": cut_by} if cut_by else None,
        "output": list(output),
        "usage": render_usage(usage) if usage else None,
    }


def item_status(reason: FinishReason | None) -> str:
    """Return the status of the item at which the answer ended for a reason."""
    return "incomplete" if reason in REASONS else "completed"


def render_usage(usage: TokenUsage) -> dict[str, Any]:
    """Return the `usage` object."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def logprobs_of(given: Mapping[str, Any] | None) -> Iterable[Any]:
    """Return the tokens' likelihoods: in this dialect a list, the same as in that of chats."""
    return (given or {}).get("content") or ()


def parts_of(response: ChatResponse) -> list[AnswerPart]:
    """Return what an answer is made of, in the order of its items."""
    return merged(response.parts or (Text(response.text),))
