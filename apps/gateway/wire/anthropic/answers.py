"""The Anthropic dialect: neutral answers to messages. Pure.

Source of the format: Anthropic's API reference, "Messages" (the message object).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    FinishReason,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
)
from apps.gateway.wire.anthropic.signatures import call_mark, marked
from apps.gateway.wire.rendering import AnswerHead
from apps.providers.adapters.anthropic.content import legal_id

DIALECT = "anthropic"
STOP_REASONS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
# Some providers take no ids that are longer than 40 characters.
TOKEN_CHARACTERS = 20

type Block = dict[str, Any]


def render(
    response: ChatResponse,
    head: AnswerHead,
    *,
    shows_thoughts: bool = True,
    taken_ids: Collection[str] = (),
) -> dict[str, Any]:
    """Return a message; what the provider sent in this dialect stays as it was.

    `taken_ids` are those of earlier calls of the conversation.
    """
    if response.raw_dialect == DIALECT and response.raw:
        # Some servers count nothing; the official client reads the counts all the same.
        counts = {"usage": render_usage(response.usage)}
        ours = {"id": message_id(head), "model": head.requested_model}
        return {**counts, **response.raw, **ours}
    parts = response.parts or (Text(response.text),)
    # A call cannot be answered later without the thoughts that led to it.
    is_calling = any(isinstance(part, ToolCall) for part in parts)
    ids = ToolIds(taken_ids, head)
    told = (part for part in parts if _is_told(part, thoughts=shows_thoughts or is_calling))
    return {
        **begun_message(head),
        "content": [block for part in told for block in _blocks(part, ids)],
        **ending(response.finish_reason, response.stop_sequence),
        "usage": render_usage(response.usage),
    }


def begun_message(head: AnswerHead) -> dict[str, Any]:
    """Return a message in which nothing is said yet."""
    return {
        "id": message_id(head),
        "type": "message",
        "role": "assistant",
        "model": head.requested_model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def message_id(head: AnswerHead) -> str:
    return f"msg_{head.token}"


def ending(reason: FinishReason, stop_sequence: str) -> dict[str, Any]:
    """Return why the answer ended; a text of the caller's that ended it has a reason of its own."""
    is_sequence = reason == "stop" and bool(stop_sequence)
    return {
        "stop_reason": "stop_sequence" if is_sequence else STOP_REASONS[reason],
        "stop_sequence": stop_sequence if is_sequence else None,
    }


def render_usage(usage: TokenUsage | None) -> dict[str, Any]:
    """Return the counts, zeros if unknown; cached tokens stand beside `input_tokens` here."""
    counts = usage or TokenUsage(0, 0)
    fresh = counts.input_tokens - counts.cached_input_tokens - counts.cache_write_tokens
    shown: dict[str, Any] = {
        "input_tokens": max(fresh, 0),
        "cache_creation_input_tokens": counts.cache_write_tokens,
        "cache_read_input_tokens": counts.cached_input_tokens,
        "output_tokens": counts.output_tokens,
    }
    if counts.reasoning_tokens:
        shown["output_tokens_details"] = {"thinking_tokens": counts.reasoning_tokens}
    return shown


def thought_block(thought: Thinking) -> Block:
    if thought.redacted:
        return {"type": "redacted_thinking", "data": marked(thought)}
    return {"type": "thinking", "thinking": thought.text, "signature": marked(thought)}


class ToolIds:
    """Gives each call of an answer an id that is legal, and new in its conversation."""

    def __init__(self, taken: Collection[str], head: AnswerHead) -> None:
        self._taken = set(taken)
        self._token = head.token[-TOKEN_CHARACTERS:]
        self._made = 0

    def id_for(self, given: str) -> str:
        """Return the provider's own id where it will do: signatures may be kept under it."""
        found = legal_id(given) if given else ""
        while not found or found in self._taken:
            self._made += 1
            found = f"toolu_{self._token}{self._made:02d}"
        self._taken.add(found)
        return found


def _is_told(part: AnswerPart, *, thoughts: bool) -> bool:
    # Clients that send it back are refused a text of spaces alone.
    return bool(part.text.strip()) if isinstance(part, Text) else thoughts or _is_call(part)


def _is_call(part: AnswerPart) -> bool:
    return isinstance(part, ToolCall)


def _blocks(part: AnswerPart, ids: ToolIds) -> Iterator[Block]:
    match part:
        case Text():
            yield {"type": "text", "text": part.text}
        case Thinking():
            yield thought_block(part)
        case ToolCall():
            mark = call_mark(part)
            if mark:
                yield {"type": "thinking", "thinking": "", "signature": mark}
            yield {
                "type": "tool_use",
                "id": ids.id_for(part.id),
                "name": part.name,
                "input": _input(part.arguments),
            }


def _input(arguments: str) -> Any:
    """Return the arguments as an object; what is none is kept whole, so that the model sees it."""
    if not arguments.strip():
        return {}
    try:
        found = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {"invalid_arguments": arguments}
    return found if isinstance(found, dict) else {"invalid_arguments": arguments}
