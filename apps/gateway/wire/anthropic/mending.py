"""What other providers left in a conversation, taken out before Anthropic reads it. Pure.

Anthropic refuses signatures that are not its own; and with thinking on, a turn of calls under way
that does not begin with a thought (its API reference, "Extended thinking", tool use).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.gateway.wire.anthropic.signatures import (
    ANTHROPIC,
    is_wrapped,
    read_mark,
    unwrapped,
)
from apps.gateway.wire.fields import mapping

THOUGHTS = ("thinking", "redacted_thinking")
NO_THINKING = {"type": "disabled"}

type Record = Mapping[str, Any]


def needs_mending(body: Record) -> bool:
    """Say whether a body, whose messages were read before, cannot go out as it came."""
    messages = body["messages"]
    if any(_is_unreadable(block) for record in messages for block in _blocks(record)):
        return True
    return _must_think(body) and _lacks_thought(messages)


def mended(body: Record) -> dict[str, Any]:
    """Return the body without thoughts of others, and thinking only where it still may think."""
    messages = [_without_foreign(record) for record in body["messages"]]
    kept = [record for record in messages if record["content"]]
    found = {**body, "messages": kept}
    if _must_think(body) and _lacks_thought(kept):
        found["thinking"] = NO_THINKING
    return found


def _without_foreign(record: Record) -> Record:
    if not any(map(_is_unreadable, _blocks(record))):
        return record
    blocks = map(unwrapped, record["content"])
    return {**record, "content": [block for block in blocks if not _is_foreign(block)]}


def _is_unreadable(block: Record) -> bool:
    return _is_foreign(block) or is_wrapped(block)


def _is_foreign(block: Record) -> bool:
    if block["type"] not in THOUGHTS:
        return False
    origin, _ = read_mark(str(block.get("signature") or block.get("data") or ""))
    return origin != ANTHROPIC


def _must_think(body: Record) -> bool:
    return mapping(body, "thinking").get("type") == "enabled"


def _lacks_thought(messages: list[Record]) -> bool:
    """Say whether results are brought to a turn that was begun without a thought."""
    if not messages or not any(one["type"] == "tool_result" for one in _blocks(messages[-1])):
        return False
    called = next((one for one in reversed(messages) if one["role"] == "assistant"), None)
    first = next(_blocks(called), None) if called else None
    return first is None or first["type"] not in THOUGHTS


def _blocks(record: Record) -> Iterator[Record]:
    content = record["content"]
    return iter(content if isinstance(content, list) else ())
