"""Our own dialect (`POST /api/v1/complete`): bodies to neutral requests. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from apps.core.chat import ChatRequest, Message, Role
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import (
    LONGEST_NAME,
    LONGEST_USER,
    mapping,
    metadata,
    number,
    text,
    texts,
    whole,
)

ROLES = ("system", "user", "assistant")
FIELDS = frozenset(
    {
        *("model", "messages", "prompt_template", "variables", "conversation_id", "tags"),
        *("max_output_tokens", "temperature", "top_p", "stop", "metadata", "user"),
    }
)


@dataclass(frozen=True, slots=True)
class CompleteBody:
    """A parsed body: the request, and what it names of ours."""

    chat: ChatRequest
    prompt_template: str
    variables: Mapping[str, Any]
    conversation_id: str
    tags: tuple[str, ...]


def parse(body: Mapping[str, Any]) -> CompleteBody:
    """Read a body; unknown fields are refused, so that a typing error is never silent."""
    unknown = sorted(set(body) - FIELDS)
    if unknown:
        known = ", ".join(sorted(FIELDS))
        raise InvalidRequest(f"unknown field; known are: {known}", param=unknown[0])
    template = text(body, "prompt_template", longest=LONGEST_NAME)
    chat = ChatRequest(
        model=text(body, "model", longest=LONGEST_NAME) or "auto",
        messages=_messages(body, is_optional=bool(template)),
        dialect="router",
        max_output_tokens=whole(body, "max_output_tokens", minimum=1),
        temperature=number(body, "temperature", minimum=0, maximum=2),
        top_p=number(body, "top_p", minimum=0, maximum=1),
        stop=texts(body, "stop"),
        user=text(body, "user", longest=LONGEST_USER),
        metadata=metadata(body),
    )
    return CompleteBody(
        chat=chat,
        prompt_template=template,
        variables=mapping(body, "variables"),
        conversation_id=text(body, "conversation_id", longest=LONGEST_NAME),
        tags=texts(body, "tags"),
    )


def _messages(body: Mapping[str, Any], *, is_optional: bool) -> tuple[Message, ...]:
    records = body.get("messages") or []
    if not isinstance(records, list) or not (records or is_optional):
        raise InvalidRequest("give messages, a prompt_template, or both", param="messages")
    return tuple(_message(record, f"messages[{index}]") for index, record in enumerate(records))


def _message(record: Any, at: str) -> Message:
    if not isinstance(record, dict):
        raise InvalidRequest("a message is an object with role and content", param=at)
    role, content = record.get("role"), record.get("content")
    if role not in ROLES:
        raise InvalidRequest(f"role is one of {', '.join(ROLES)}", param=f"{at}.role")
    if not isinstance(content, str):
        raise InvalidRequest("content is a text", param=f"{at}.content")
    return Message(cast("Role", role), content)
