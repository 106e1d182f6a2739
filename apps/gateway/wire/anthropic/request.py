"""The Anthropic dialect: what the router reads of every body. Pure.

Source of the format: Anthropic's API reference, "Messages" (create, count tokens).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.chat import ChatRequest, Message
from apps.core.errors import InvalidRequest
from apps.gateway.wire.anthropic.grammar import GRAMMAR, MENDING_GRAMMAR
from apps.gateway.wire.anthropic.mending import needs_mending
from apps.gateway.wire.anthropic.needs import needs_of
from apps.gateway.wire.anthropic.threads import refuse_threads
from apps.gateway.wire.fields import (
    LONGEST_NAME,
    LONGEST_USER,
    boolean,
    mapping,
    metadata,
    number,
    text,
    texts,
    whole,
)

# The provider's own limit.
MAX_MESSAGES = 100_000
ROLES = ("user", "assistant", "system")


def parse(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> ChatRequest:
    """Read a request for a message; raises InvalidRequest naming the field and the fix.

    `headers` are those that Anthropic alone may see. Raises ThreadUnsupported or ThreadNotFound.
    """
    refuse_threads(body)
    limit = whole(body, "max_tokens", minimum=1)
    if limit is None:
        raise InvalidRequest("say how long the answer may be, in tokens", param="max_tokens")
    return _chat(body, limit, headers or {})


def parse_count(body: Mapping[str, Any]) -> ChatRequest:
    """Read a request whose tokens shall be counted: it has no limit."""
    return _chat(body, None, {})


def shows_thoughts(body: Mapping[str, Any]) -> bool:
    """Say whether the caller asked to see what the model thinks."""
    thinking = mapping(body, "thinking")
    return thinking.get("type", "disabled") != "disabled" and thinking.get("display") != "omitted"


def taken_ids(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of the calls so far; the body was parsed before."""
    contents = (record["content"] for record in body["messages"])
    blocks = (block for content in contents if isinstance(content, list) for block in content)
    return frozenset(str(block.get("id")) for block in blocks if block["type"] == "tool_use")


def _chat(body: Mapping[str, Any], limit: int | None, headers: Mapping[str, str]) -> ChatRequest:
    return ChatRequest(
        model=_model(body),
        messages=tuple(_messages(body)),
        dialect="anthropic",
        stream=boolean(body, "stream"),
        max_output_tokens=limit,
        temperature=number(body, "temperature", minimum=0, maximum=1),
        top_p=number(body, "top_p", minimum=0, maximum=1),
        stop=texts(body, "stop_sequences"),
        needs=needs_of(body),
        user=text(mapping(body, "metadata"), "user_id", longest=LONGEST_USER),
        metadata=metadata(body),
        raw=body,
        grammar=MENDING_GRAMMAR if needs_mending(body) else GRAMMAR,
        headers=headers,
    )


def _model(body: Mapping[str, Any]) -> str:
    name = text(body, "model", longest=LONGEST_NAME).strip()
    if not name:
        raise InvalidRequest("name an alias or a model", param="model")
    return name


# --- The texts of the turns -----------------------------------------------------------------------


def _messages(body: Mapping[str, Any]) -> Iterator[Message]:
    records = body.get("messages")
    if not isinstance(records, list) or not records:
        raise InvalidRequest("messages is a list with at least one message", param="messages")
    if len(records) > MAX_MESSAGES:
        raise InvalidRequest(f"at most {MAX_MESSAGES} messages", param="messages")
    if body.get("system"):
        yield Message("system", _text(_checked(body["system"], "system")))
    for index, record in enumerate(records):
        yield from _turns(record, f"messages[{index}]")


def _turns(record: Any, at: str) -> Iterator[Message]:
    """Yield what the tools said first, because it answers the turn before."""
    if not isinstance(record, dict):
        raise InvalidRequest("a message is an object with role and content", param=at)
    role = record.get("role")
    if role not in ROLES:
        raise InvalidRequest(f"role is one of {', '.join(ROLES)}", param=f"{at}.role")
    content = _checked(record.get("content"), f"{at}.content")
    if isinstance(content, str):
        yield Message(role, content)
        return
    results = [block for block in content if block["type"] == "tool_result"]
    others = [block for block in content if block["type"] != "tool_result"]
    if results:
        yield Message("tool", _text(results))
    if others or not results:
        yield Message(role, _text(others))


def _checked(content: Any, at: str) -> str | list[dict[str, Any]]:
    """Return a content whose blocks, also those inside of results, are objects with a type."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidRequest("content is a text or a list of blocks", param=at)
    for index, block in enumerate(content):
        _check_block(block, f"{at}[{index}]")
    return content


def _check_block(block: Any, at: str) -> None:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise InvalidRequest("a block is an object with a type", param=at)
    if block["type"] == "text" and not isinstance(block.get("text"), str):
        raise InvalidRequest("the text of a block is a text", param=f"{at}.text")
    if block["type"] == "tool_result" and block.get("content") is not None:
        for index, inner in enumerate(_blocks(block["content"], f"{at}.content")):
            if not isinstance(inner, dict) or inner.get("type") == "tool_result":
                where = f"{at}.content[{index}]"
                raise InvalidRequest("a result is made of texts, images and documents", param=where)
            _check_block(inner, f"{at}.content[{index}]")


def _blocks(content: Any, at: str) -> list[Any]:
    if not isinstance(content, str | list):
        raise InvalidRequest("content is a text or a list of blocks", param=at)
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text(content: str | list[dict[str, Any]]) -> str:
    return (
        content if isinstance(content, str) else "\n".join(filter(None, map(_block_text, content)))
    )


def _block_text(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "text":
            spoken: str = block["text"]
            return spoken
        case "tool_result" if block.get("content"):
            return _text(block["content"])
    return ""
