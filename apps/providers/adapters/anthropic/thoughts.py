"""Thoughts as Anthropic's blocks, and back. Only Anthropic's own signatures may reach it again.

Source of the format: Anthropic's API reference, "Extended thinking".
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import Thinking
from apps.providers.adapters.reading import as_text

ORIGIN = "anthropic"


def can_replay(thought: Thinking) -> bool:
    """Say whether the provider can read this thought again: its own, and signed."""
    return thought.origin == ORIGIN and bool(thought.signature or thought.redacted)


def thought_block(thought: Thinking) -> dict[str, Any]:
    """Return the block of a thought that the provider can read again."""
    if thought.redacted:
        return {"type": "redacted_thinking", "data": thought.redacted}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


def read_thought(block: Mapping[str, Any]) -> Thinking:
    """Read a thought of an answer."""
    if block.get("type") == "redacted_thinking":
        return Thinking(redacted=as_text(block.get("data")), origin=ORIGIN)
    text, signature = as_text(block.get("thinking")), as_text(block.get("signature"))
    return Thinking(text, signature, origin=ORIGIN)
