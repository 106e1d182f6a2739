"""The OpenAI chat dialect: what the router reads of every body. Pure.

Source of the format: OpenAI's API reference, "Chat completions" (create).
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatRequest, Message
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import (
    boolean,
    mapping,
    metadata,
    number,
    texts,
    whole,
)
from apps.gateway.wire.openai_chat.grammar import GRAMMAR
from apps.gateway.wire.openai_chat.needs import needs_of
from apps.gateway.wire.openai_chat.turns import ROLES
from apps.gateway.wire.openai_fields import model_of, user_of

MAX_MESSAGES = 2_000
MAX_CHOICES = 128


def parse(body: Mapping[str, Any]) -> ChatRequest:
    """Read a request body; raises InvalidRequest naming the field and the fix."""
    messages = _messages(body)
    return ChatRequest(
        model=model_of(body),
        messages=messages,
        dialect="openai.chat",
        stream=boolean(body, "stream"),
        max_output_tokens=_output_limit(body),
        temperature=number(body, "temperature", minimum=0, maximum=2),
        top_p=number(body, "top_p", minimum=0, maximum=1),
        stop=texts(body, "stop"),
        choices=whole(body, "n", minimum=1, maximum=MAX_CHOICES) or 1,
        needs=needs_of(body),
        user=user_of(body),
        metadata=metadata(body),
        raw=body,
        grammar=GRAMMAR,
    )


def includes_usage(body: Mapping[str, Any]) -> bool:
    """Say whether a streamed answer shall end with a chunk that holds the usage."""
    return boolean(mapping(body, "stream_options"), "include_usage")


def _output_limit(body: Mapping[str, Any]) -> int | None:
    newer = whole(body, "max_completion_tokens", minimum=1)
    return whole(body, "max_tokens", minimum=1) if newer is None else newer


def _messages(body: Mapping[str, Any]) -> tuple[Message, ...]:
    records = body.get("messages")
    if not isinstance(records, list) or not records:
        raise InvalidRequest("messages is a list with at least one message", param="messages")
    if len(records) > MAX_MESSAGES:
        raise InvalidRequest(f"at most {MAX_MESSAGES} messages", param="messages")
    return tuple(_message(record, f"messages[{index}]") for index, record in enumerate(records))


def _message(record: Any, at: str) -> Message:
    if not isinstance(record, dict):
        raise InvalidRequest("a message is an object with role and content", param=at)
    named = record.get("role")
    role = ROLES.get(named) if isinstance(named, str) else None
    if role is None:
        raise InvalidRequest(f"role is one of {', '.join(ROLES)}", param=f"{at}.role")
    return Message(role, _text(record.get("content"), record, f"{at}.content"))


def _text(content: Any, record: Mapping[str, Any], at: str) -> str:
    if isinstance(content, str):
        return content
    if content is None and record["role"] == "assistant":
        return ""
    if not isinstance(content, list):
        raise InvalidRequest("content is a text or a list of parts", param=at)
    return "\n".join(_part_text(part, f"{at}[{index}]") for index, part in enumerate(content))


def _part_text(part: Any, at: str) -> str:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise InvalidRequest("a part is an object with a type", param=at)
    content = part.get("text", "")
    if part["type"] == "text" and not isinstance(content, str):
        raise InvalidRequest("the text of a part is a text", param=f"{at}.text")
    return content if part["type"] == "text" else ""
