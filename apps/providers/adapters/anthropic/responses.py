"""What Anthropic answers, read into the neutral types.

Source of the format: Anthropic's API reference, "Messages".
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    FinishReason,
    Text,
    TokenUsage,
    ToolCall,
)
from apps.providers.adapters.anthropic.passthrough import DIALECT, is_same_dialect
from apps.providers.adapters.anthropic.thoughts import read_thought
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.reading import (
    arguments_text,
    as_mapping,
    as_text,
    count_of,
    estimated_usage,
    is_count,
    parse_object,
    said,
)

FINISH_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
# The fast parser makes floats of numbers beyond 64 bits; a tool's arguments must be exact.
LONG_NUMBER = re.compile(rb"\d{19}")

# Names of tools that went out as the caller has them.
AS_SENT: Mapping[str, str] = {}

type Json = Mapping[str, Any]


def read_answer(
    body: bytes,
    call: ProviderCall,
    *,
    answer_tool: str = "",
    names: Mapping[str, str] = AS_SENT,
    dropped: Iterable[str] = (),
) -> ChatResponse:
    """Read a whole message; raises AttemptError when it is none."""
    raw = parse_object(body)
    exact = json.loads(body) if LONG_NUMBER.search(body) else raw
    answer = read_message(exact, call, answer_tool=answer_tool, names=names, dropped=dropped)
    if not is_same_dialect(call.request):
        return answer
    return replace(answer, raw=raw, raw_dialect=DIALECT)


def read_message(
    message: Json,
    call: ProviderCall,
    *,
    answer_tool: str = "",
    names: Mapping[str, str] = AS_SENT,
    dropped: Iterable[str] = (),
) -> ChatResponse:
    """Read a parsed message in the neutral form; raises AttemptError when it is none."""
    blocks = message.get("content")
    if not isinstance(blocks, list):
        raise AttemptError("unavailable", "the provider's answer is not a message")
    parts = tuple(_parts(blocks, answer_tool, names))
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    return ChatResponse(
        text="".join(part.text for part in parts if isinstance(part, Text)),
        finish_reason=read_finish_reason(message.get("stop_reason"), has_calls=has_calls),
        usage=read_usage(as_mapping(message.get("usage"))) or estimated_usage(call, said(parts)),
        upstream_id=as_text(message.get("id")),
        parts=parts,
        dropped=tuple(dict.fromkeys(dropped)),
        stop_sequence=as_text(message.get("stop_sequence")),
    )


def read_finish_reason(reason: Any, *, has_calls: bool = True) -> FinishReason:
    """Map the reason; one that is unknown still ends the answer.

    A tool that only carries the answer is no call of the caller's tools.
    """
    found = FINISH_REASONS.get(as_text(reason), "stop")
    return "stop" if found == "tool_calls" and not has_calls else found


def read_usage(usage: Json) -> TokenUsage | None:
    """Read the provider's own counts; None when it sent none.

    Cached tokens come beside `input_tokens` here; in the neutral form they are parts of it.
    """
    if not (is_count(usage.get("input_tokens")) or is_count(usage.get("output_tokens"))):
        return None
    cached = count_of(usage, "cache_read_input_tokens")
    written = count_of(usage, "cache_creation_input_tokens")
    return TokenUsage(
        input_tokens=count_of(usage, "input_tokens") + cached + written,
        output_tokens=count_of(usage, "output_tokens"),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=count_of(
            as_mapping(usage.get("output_tokens_details")), "thinking_tokens"
        ),
    )


def _parts(blocks: list[Any], answer_tool: str, names: Mapping[str, str]) -> Iterator[AnswerPart]:
    for block in map(as_mapping, blocks):
        text, name = as_text(block.get("text")), as_text(block.get("name"))
        match block.get("type"):
            case "text" if text:
                yield Text(text)
            case "thinking" | "redacted_thinking":
                yield read_thought(block)
            case "tool_use" if name == answer_tool:
                yield Text(arguments_text(block.get("input")))
            case "tool_use":
                arguments = arguments_text(block.get("input"))
                yield ToolCall(as_text(block.get("id")), names.get(name, name), arguments)
