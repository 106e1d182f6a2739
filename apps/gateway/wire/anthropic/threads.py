"""Conversations that Anthropic holds between two requests. Pure.

The router holds none, so any provider may answer the next turn: it says what Anthropic says where
a conversation cannot be held, upon which the clients send it in full. Source of the format:
Anthropic's API reference, "Messages" (beta `message-threads-2026-08-12`), and "Errors".
"""

from collections.abc import Mapping
from typing import Any

from apps.core.errors import InvalidRequest, NotFound


class ThreadUnsupported(InvalidRequest):
    code = "thread_unsupported_request"


class ThreadNotFound(NotFound):
    code = "thread_not_found"


def refuse_threads(body: Mapping[str, Any]) -> None:
    """Raise ThreadUnsupported, or ThreadNotFound for one that was begun elsewhere."""
    thread = body.get("thread")
    if thread is None:
        return
    if isinstance(thread, dict) and thread.get("type") == "continue":
        raise ThreadNotFound(
            "there is no such thread: send the whole conversation",
            param="thread.previous_message_id",
        )
    raise ThreadUnsupported(
        "the router holds no threads: send the whole conversation, without `thread`",
        param="thread",
    )
