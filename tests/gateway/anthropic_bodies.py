"""Bodies in Anthropic's dialect, and what is read of them."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatDetails, ChatRequest
from apps.gateway.wire.anthropic.request import parse

PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
MARK = {"type": "ephemeral"}
ASKED = {"role": "user", "content": "What time is it?"}


def body_of(*messages: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 100, "messages": list(messages) or [ASKED], **fields}


def asked(*messages: Mapping[str, Any], **fields: Any) -> ChatRequest:
    return parse(body_of(*messages, **fields))


def details_of(*messages: Mapping[str, Any], **fields: Any) -> ChatDetails:
    return asked(*messages, **fields).details()


def user(*blocks: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def call(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "clock", "input": arguments}


def result(call_id: str, content: Any = None, **fields: Any) -> dict[str, Any]:
    given = {} if content is None else {"content": content}
    return {"type": "tool_result", "tool_use_id": call_id, **given, **fields}
