"""What Anthropic answers, read into the neutral types."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    FinishReason,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
)
from apps.core.tokens import estimate_messages, estimate_tokens
from apps.providers.adapters.anthropic.content import ORIGIN
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


def read_answer(
    message: Any, call: ProviderCall, *, answer_tool: str = "", dropped: Iterable[str] = ()
) -> ChatResponse:
    """Read a whole message of the SDK; raises AttemptError when it is none."""
    blocks = getattr(message, "content", None)
    if not isinstance(blocks, list):
        raise AttemptError("unavailable", "the provider's answer is not a message")
    parts = tuple(_parts(blocks, answer_tool))
    usage = read_usage(getattr(message, "usage", None), None)
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    return ChatResponse(
        text="".join(part.text for part in parts if isinstance(part, Text)),
        finish_reason=read_finish_reason(message.stop_reason, has_calls=has_calls),
        usage=usage or estimated_usage(call, said(parts)),
        upstream_id=message.id or "",
        parts=parts,
        dropped=tuple(dict.fromkeys(dropped)),
    )


def arguments_text(arguments: Any) -> str:
    """Return a tool's arguments as JSON text."""
    return json.dumps(arguments or {}, ensure_ascii=False, separators=(",", ":"))


def read_finish_reason(reason: str | None, *, has_calls: bool = True) -> FinishReason:
    """Map the reason; one that is unknown still ends the answer.

    A tool that only carries the answer is no call of the caller's tools.
    """
    found = FINISH_REASONS.get(reason or "", "stop")
    return "stop" if found == "tool_calls" and not has_calls else found


def said(parts: Iterable[AnswerPart]) -> str:
    """Return all that was generated, for an estimate of its tokens."""
    words = (
        f"{part.name} {part.arguments}" if isinstance(part, ToolCall) else part.text
        for part in parts
    )
    return "\n".join(words)


def _parts(blocks: list[Any], answer_tool: str) -> Iterator[AnswerPart]:
    for block in blocks:
        match getattr(block, "type", ""):
            case "text" if block.text:
                yield Text(block.text)
            case "thinking":
                yield Thinking(block.thinking, block.signature or "", origin=ORIGIN)
            case "redacted_thinking":
                yield Thinking(redacted=block.data, origin=ORIGIN)
            case "tool_use" if block.name == answer_tool:
                yield Text(arguments_text(block.input))
            case "tool_use":
                yield ToolCall(block.id, block.name, arguments_text(block.input))


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
