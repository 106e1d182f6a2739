"""What Anthropic demands of the turns of a conversation, in its own words."""

import re
from itertools import pairwise
from typing import Any

from apps.providers.wire_servers.demands import demand, is_objects
from apps.providers.wire_servers.exchange import Json
from apps.providers.wire_servers.scripts import signature_of

TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
THOUGHTS = ("thinking", "redacted_thinking")
SOURCES = ("base64", "url", "file", "text", "content")
KNOWN_BLOCKS = (
    *("text", "image", "document", "search_result", "tool_use", "tool_result", *THOUGHTS),
    *("server_tool_use", "web_search_tool_result", "container_upload"),
)


def check_messages(messages: Any) -> None:
    """Refuse turns that are empty, of another role, or whose tools have no results."""
    demand(messages is not None, "messages: Field required")
    demand(is_objects(messages), "messages: at least one message is required")
    for place, message in enumerate(messages):
        _check_message(place, message, is_last=place == len(messages) - 1)
    demand(messages[0]["role"] == "user", 'messages: first message must use the "user" role')
    _check_tools(_merged(messages))


def _check_message(place: int, message: Json, *, is_last: bool) -> None:
    role, content = message.get("role"), message.get("content")
    demand(
        role in ("user", "assistant"),
        f'messages: Unexpected role "{role}". The Messages API accepts a top-level `system`'
        " parameter, not as an input message role.",
    )
    demand(
        content or (is_last and role == "assistant"),
        f"messages.{place}: all messages must have non-empty content except for the optional final"
        " assistant message",
    )
    for at, block in enumerate(blocks_of(content)):
        check_block(f"messages.{place}.content.{at}", block)
        _check_author(f"messages.{place}.content.{at}", str(role), block)
    if is_last and role == "assistant":
        _check_prefill(content)


def blocks_of(content: Any) -> list[Json]:
    """Return content as blocks; a plain text is one of them."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for block in content or [] if isinstance(block, dict)]


def check_block(place: str, block: Json) -> None:
    """Refuse a block that Anthropic would not take, wherever it stands."""
    kind = block.get("type")
    demand(kind in KNOWN_BLOCKS, f"{place}: Input tag '{kind}' found does not match any tag")
    if kind == "text":
        text = block.get("text")
        demand(isinstance(text, str), f"{place}.text.text: Input should be a valid string")
        demand(text, "messages: text content blocks must be non-empty")
        demand(str(text).strip(), "messages: text content blocks must contain non-whitespace text")
    elif kind in ("image", "document"):
        source = block.get("source")
        is_known = isinstance(source, dict) and source.get("type") in SOURCES
        demand(is_known, f"{place}.{kind}.source: Field required")
    elif kind == "tool_use":
        _check_tool_use(place, block)
    elif kind == "tool_result":
        _check_tool_result(place, block)
    elif kind == "thinking":
        is_ours = block.get("signature") == signature_of(str(block.get("thinking")))
        demand(is_ours, f"{place}: Invalid `signature` in `thinking` block")


def _check_author(place: str, role: str, block: Json) -> None:
    other = {"tool_use": "assistant", "tool_result": "user", **dict.fromkeys(THOUGHTS, "assistant")}
    kind = str(block.get("type"))
    author = other.get(kind, role)
    demand(author == role, f"{place}: `{kind}` blocks can only be in `{author}` messages")


def _check_prefill(content: Any) -> None:
    blocks = blocks_of(content)
    text = str(blocks[-1].get("text", "")) if blocks else ""
    message = "messages: final assistant content cannot end with trailing whitespace"
    demand(text == text.rstrip(), message)


def _check_id(place: str, value: Any) -> None:
    demand(isinstance(value, str), f"{place}: Field required")
    pattern = f"{place}: String should match pattern '^[a-zA-Z0-9_-]+$'"
    demand(TOOL_ID.fullmatch(value), pattern)


def _check_tool_use(place: str, block: Json) -> None:
    _check_id(f"{place}.tool_use.id", block.get("id"))
    demand(block.get("name"), f"{place}.tool_use.name: Field required")
    is_object = isinstance(block.get("input"), dict)
    demand(is_object, f"{place}.tool_use.input: Input should be a valid dictionary")


def _check_tool_result(place: str, block: Json) -> None:
    _check_id(f"{place}.tool_result.tool_use_id", block.get("tool_use_id"))
    for at, inner in enumerate(blocks_of(block.get("content"))):
        check_block(f"{place}.tool_result.content.{at}", inner)


def _merged(messages: list[Json]) -> list[tuple[str, list[Json]]]:
    """Join consecutive turns of one author, as Anthropic does."""
    turns: list[tuple[str, list[Json]]] = []
    for message in messages:
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks_of(message["content"]))
        else:
            turns.append((message["role"], list(blocks_of(message["content"]))))
    return turns


def _check_tools(turns: list[tuple[str, list[Json]]]) -> None:
    """Demand all results of a turn at the beginning of the next one, and no others."""
    used: set[str] = set()
    for place, (before, after) in enumerate(pairwise([("user", []), *turns, ("user", [])])):
        asked = [block["id"] for block in before[1] if block["type"] == "tool_use"]
        _check_unique(place, asked, used)
        _check_results(place, asked, after[1])


def _check_unique(place: int, asked: list[str], used: set[str]) -> None:
    repeated = used.intersection(asked) or len(set(asked)) != len(asked)
    demand(not repeated, f"messages.{place}: `tool_use` ids must be unique")
    used.update(asked)


def _check_results(place: int, asked: list[str], answers: list[Json]) -> None:
    is_result = [block["type"] == "tool_result" for block in answers]
    leading = is_result.index(False) if False in is_result else len(answers)
    given = [block["tool_use_id"] for block in answers[:leading]]
    missing = [name for name in asked if name not in given]
    demand(
        not missing,
        f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately"
        f" after: {', '.join(missing)}. Each `tool_use` block must have a corresponding"
        " `tool_result` block in the next message.",
    )
    everywhere = [block["tool_use_id"] for block in answers if block["type"] == "tool_result"]
    strange = [name for name in everywhere if name not in asked]
    demand(
        not strange and len(set(everywhere)) == len(everywhere),
        f"messages.{place}: unexpected `tool_use_id` found in `tool_result` blocks:"
        f" {', '.join(strange)}. Each `tool_result` block must have a corresponding `tool_use`"
        " block in the previous message.",
    )
