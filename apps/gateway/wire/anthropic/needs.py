"""What an Anthropic body calls for, in the words of the catalogue's capabilities. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.gateway.wire.fields import boolean, mapping

BLOCK_NEEDS = {"image": "vision", "tool_use": "tools", "tool_result": "tools"}
# These documents are words in another wrapping.
WORDED_SOURCES = ("text", "content")
# How hard to think is a wish ("effort"), and so is to think when it helps ("adaptive").
MUST_THINK = ("enabled", "between_tools")


def needs_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the capabilities; the messages were read before. Raises InvalidRequest."""
    contents = (record["content"] for record in body["messages"])
    blocks = (need for content in contents for need in _needs_of_content(content))
    return frozenset((*_needs_of_options(body), *blocks))


def _needs_of_options(body: Mapping[str, Any]) -> Iterator[str]:
    if boolean(body, "stream"):
        yield "streaming"
    if body.get("tools"):
        yield "tools"
    if mapping(body, "output_config").get("format") or body.get("output_format"):
        yield "json_schema"
    if mapping(body, "thinking").get("type") in MUST_THINK:
        yield "reasoning"


def _needs_of_content(content: Any) -> Iterator[str]:
    for block in content if isinstance(content, list) else ():
        kind = block["type"]
        if kind in BLOCK_NEEDS:
            yield BLOCK_NEEDS[kind]
        if kind == "tool_result":
            yield from _needs_of_content(block.get("content"))
        elif kind == "document":
            yield from _needs_of_document(block.get("source"))


def _needs_of_document(source: Any) -> Iterator[str]:
    given = source if isinstance(source, dict) else {}
    if given.get("type") not in WORDED_SOURCES:
        yield "files"
    elif isinstance(given.get("content"), list) and _has_image(given["content"]):
        yield "vision"


def _has_image(blocks: list[Any]) -> bool:
    return any(isinstance(block, dict) and block.get("type") == "image" for block in blocks)
