"""A body of OpenAI's own dialect, made fit for the server: nothing else of it changes. Pure."""

from collections.abc import Iterator
from typing import Any

from apps.providers.adapters.openai.content import NO_TEXT, Spelling, told_before_moved
from apps.providers.adapters.openai.names import legal_id

SYSTEM_ROLES = ("system", "developer")

type Message = dict[str, Any]


def fit_messages(messages: Any, spelling: Spelling) -> Any:
    """Return the messages with only that changed which the server refuses.

    Other models of the same conversation may have left ids, fields and images in it that this one
    does not take. What is no list of objects is left to the provider to refuse.
    """
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        return messages
    return list(_fitted(messages, spelling))


def _fitted(messages: list[Message], spelling: Spelling) -> Iterator[Message]:
    moved: list[Any] = []
    for message in messages:
        role = message.get("role")
        if moved and role != "tool":
            yield {"role": "user", "content": moved}
            moved = []
        fitted = _without_refused(message, spelling)
        if role in SYSTEM_ROLES:
            fitted = _with_role(fitted, spelling)
        elif role == "tool":
            fitted, images = _without_images(fitted, spelling)
            moved = [*moved, *images]
        elif fitted.get("tool_calls"):
            fitted = _with_legal_calls(fitted, spelling)
        yield fitted
    if moved:
        yield {"role": "user", "content": moved}


def _with_role(message: Message, spelling: Spelling) -> Message:
    """Spell the role as the model knows it; most know both words."""
    is_known = message["role"] == "system" or spelling.quirks.has_developer_role
    if is_known and spelling.system_role == "system":
        return message
    return {**message, "role": spelling.system_role}


def _without_refused(message: Message, spelling: Spelling) -> Message:
    refused = spelling.quirks.refused_in_messages
    if not refused.isdisjoint(message):
        found = [name for name in message if name in refused]
        spelling.dropped.extend(f"messages.{name}" for name in found if message[name])
        message = {name: value for name, value in message.items() if name not in refused}
    content = message.get("content")
    if isinstance(content, list) and "cache_control" in refused:
        is_marked = any(isinstance(part, dict) and "cache_control" in part for part in content)
        if is_marked:
            spelling.dropped.append("cache_control")
            message = {**message, "content": list(map(_without_mark, content))}
    return message


def _without_mark(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {name: value for name, value in part.items() if name != "cache_control"}


def _without_images(message: Message, spelling: Spelling) -> tuple[Message, list[Any]]:
    """Return a tool's message as the server takes it, and what a user's must hold instead."""
    call_id, content = message.get("tool_call_id"), message.get("content")
    if isinstance(call_id, str):
        legal = legal_id(call_id, spelling.quirks)
        message = message if legal == call_id else {**message, "tool_call_id": legal}
    if not isinstance(content, list):
        return message, []
    texts = [part for part in content if _is_text(part)]
    if len(texts) == len(content):
        return message, []
    told = {"type": "text", "text": told_before_moved(str(message.get("tool_call_id")))}
    images = [part for part in content if not _is_text(part)]
    return {**message, "content": texts or NO_TEXT}, [told, *images]


def _is_text(part: Any) -> bool:
    return not isinstance(part, dict) or part.get("type") == "text"


def _with_legal_calls(message: Message, spelling: Spelling) -> Message:
    calls = message["tool_calls"]
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_with_legal_id(call, spelling) for call in calls]}


def _with_legal_id(call: Any, spelling: Spelling) -> Any:
    call_id = call.get("id") if isinstance(call, dict) else None
    if not isinstance(call_id, str):
        return call
    legal = legal_id(call_id, spelling.quirks)
    return call if legal == call_id else {**call, "id": legal}
