"""Neutral turns as messages of OpenAI's chat dialect. Pure.

Source of the format: OpenAI's API reference, "Chat completions" (messages).
"""

from collections.abc import Iterable
from typing import Any

from apps.core.chat import Turn


def build_messages(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """Return the messages; a provider reads them in this order."""
    return [_message(turn) for turn in turns]


def _message(turn: Turn) -> dict[str, Any]:
    # A tool's result needs the id of its call, which a turn made of text alone does not carry.
    role = "user" if turn.role == "tool" else turn.role
    return {"role": role, "content": turn.as_message().text}
