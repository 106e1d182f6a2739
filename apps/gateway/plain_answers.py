"""Tells answers that the neutral form holds whole from those that only their own dialect can say.

A provider may send citations, sounds, images or results of its own tools to a caller of its
dialect: such an answer cannot be put together again from its stream, nor streamed from its whole.
Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apps.core.chat import Dialect
from apps.providers.adapters.reading import as_list, as_mapping

type Json = Mapping[str, Any]

MESSAGE_FIELDS = frozenset({"role", "content", "reasoning_content", "reasoning"})
BLOCKS = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
DELTAS = frozenset({"text_delta", "thinking_delta", "signature_delta", "input_json_delta"})
EVENTS = frozenset({"message_start", "message_delta", "message_stop", "content_block_stop", "ping"})
PART_FIELDS = frozenset({"text", "thought", "thoughtSignature"})
CANDIDATE_FIELDS = frozenset({"content", "finishReason", "index", "logprobsResult", "avgLogprobs"})


def is_plain(dialect: Dialect | None, raw: Json) -> bool:
    """Say whether a whole answer, or a chunk of one, says nothing beyond the neutral form."""
    if dialect is None or not raw:
        return True
    return dialect in TELLERS and TELLERS[dialect](raw)


def _openai(raw: Json) -> bool:
    choices = [as_mapping(choice) for choice in as_list(raw.get("choices"))]
    said = [as_mapping(choice.get("message") or choice.get("delta")) for choice in choices]
    return len(choices) <= 1 and all(_has_only(message, MESSAGE_FIELDS) for message in said)


def _anthropic(raw: Json) -> bool:
    match raw.get("type"):
        case "message":
            return all(map(_is_plain_block, as_list(raw.get("content"))))
        case "content_block_start":
            return _is_plain_block(raw.get("content_block"))
        case "content_block_delta":
            return as_mapping(raw.get("delta")).get("type") in DELTAS
        case kind:
            return kind in EVENTS


def _is_plain_block(given: Any) -> bool:
    block = as_mapping(given)
    return block.get("type") in BLOCKS and not block.get("citations")


def _gemini(raw: Json) -> bool:
    candidates = [as_mapping(one) for one in as_list(raw.get("candidates"))]
    contents = [as_mapping(candidate.get("content")) for candidate in candidates]
    parts = [as_mapping(part) for content in contents for part in as_list(content.get("parts"))]
    are_plain = all(_has_only(candidate, CANDIDATE_FIELDS) for candidate in candidates)
    return len(candidates) <= 1 and are_plain and all(_has_only(p, PART_FIELDS) for p in parts)


def _has_only(record: Json, known: Iterable[str]) -> bool:
    return all(name in known for name, value in record.items() if value)


TELLERS: Mapping[Dialect, Callable[[Json], bool]] = {
    "openai.chat": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
