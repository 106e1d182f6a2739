"""What Anthropic answers, read into the neutral types."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatResponse, FinishReason, TokenUsage
from apps.core.tokens import estimate_messages, estimate_tokens
from apps.providers.adapters.base import AttemptError, ProviderCall

FINISH_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def read_answer(message: Any, call: ProviderCall) -> ChatResponse:
    """Read a whole message of the SDK; raises AttemptError when it is none."""
    blocks = getattr(message, "content", None)
    if not isinstance(blocks, list):
        raise AttemptError("unavailable", "the provider's answer is not a message")
    text = "".join(block.text for block in blocks if getattr(block, "type", "") == "text")
    usage = read_usage(getattr(message, "usage", None), None)
    return ChatResponse(
        text=text,
        finish_reason=read_finish_reason(message.stop_reason),
        usage=usage or estimated_usage(call, text),
        upstream_id=message.id or "",
    )


def read_finish_reason(reason: str | None) -> FinishReason:
    """Map the reason; one that is unknown still ends the answer."""
    return FINISH_REASONS.get(reason or "", "stop")


def read_usage(first: Any, last: Any) -> TokenUsage | None:
    """Join the counts of the start and of the end; the later ones are cumulative, not additions.

    Cached tokens come beside `input_tokens` here; in the neutral form they are parts of it.
    """
    fresh = _count(first, last, "input_tokens")
    output = _count(first, last, "output_tokens")
    if fresh is None and output is None:
        return None
    cached = _count(first, last, "cache_read_input_tokens") or 0
    written = _count(first, last, "cache_creation_input_tokens") or 0
    details = getattr(last, "output_tokens_details", None) or getattr(
        first, "output_tokens_details", None
    )
    return TokenUsage(
        input_tokens=(fresh or 0) + cached + written,
        output_tokens=output or 0,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=getattr(details, "thinking_tokens", None) or 0,
    )


def estimated_usage(call: ProviderCall, text: str) -> TokenUsage:
    """Count ourselves what the provider did not, and say so."""
    model = call.connection.upstream_model
    return TokenUsage(
        input_tokens=estimate_messages(model, call.request.messages),
        output_tokens=estimate_tokens(model, text),
        is_estimated=True,
    )


def _count(first: Any, last: Any, name: str) -> int | None:
    values = (getattr(last, name, None), getattr(first, name, None))
    return next((value for value in values if isinstance(value, int)), None)
