"""What an OpenAI-compatible server answers, read tolerantly into the neutral types."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatResponse, FinishReason, TokenUsage
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.reading import (
    as_mapping,
    count_of,
    estimated_usage,
    is_count,
    parse_object,
)

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def read_answer(body: bytes, call: ProviderCall) -> ChatResponse:
    """Read a whole answer; raises AttemptError when it is none."""
    raw = parse_object(body)
    choice = first_choice(raw)
    if choice is None:
        raise AttemptError("unavailable", "the provider's answer has no choices")
    message = as_mapping(choice.get("message"))
    text = text_of(message.get("content"))
    usage = read_usage(raw.get("usage")) or estimated_usage(call, text or str(message))
    return ChatResponse(
        text=text,
        finish_reason=read_finish_reason(choice, message) or "stop",
        usage=usage,
        upstream_id=str(raw.get("id") or ""),
        raw=raw,
        raw_dialect="openai.chat",
    )


def first_choice(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first choice, None when there is none (a chunk may have an empty list)."""
    choices = raw.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    return choices[0]


def read_finish_reason(
    choice: Mapping[str, Any], message: Mapping[str, Any]
) -> FinishReason | None:
    """Map the reason; some servers say "stop" after calling tools, and unknown ones end too."""
    reason = choice.get("finish_reason")
    if not reason:
        return None
    known = FINISH_REASONS.get(str(reason), "stop")
    return "tool_calls" if known == "stop" and message.get("tool_calls") else known


def text_of(content: Any) -> str:
    """Return the text of a content, which is a string, null or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def read_usage(usage: Any) -> TokenUsage | None:
    """Read the provider's own counts; None when it sent none."""
    if not isinstance(usage, dict) or not is_count(usage.get("prompt_tokens")):
        return None
    prompt = as_mapping(usage.get("prompt_tokens_details"))
    completion = as_mapping(usage.get("completion_tokens_details"))
    return TokenUsage(
        input_tokens=usage["prompt_tokens"],
        output_tokens=count_of(usage, "completion_tokens"),
        cached_input_tokens=count_of(prompt, "cached_tokens"),
        cache_write_tokens=count_of(prompt, "cache_write_tokens"),
        reasoning_tokens=count_of(completion, "reasoning_tokens"),
    )
