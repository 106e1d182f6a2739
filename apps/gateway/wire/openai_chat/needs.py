"""What an OpenAI chat body calls for, in the words of the catalogue's capabilities. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.gateway.wire.fields import LONGEST_NAME, boolean, mapping, text, texts

PART_NEEDS = {"image_url": "vision", "input_audio": "audio", "file": "files"}
JSON_FORMATS = ("json_schema", "json_object")
# A conversation in which tools were called can only go on where tools are known.
TOOL_FIELDS = ("tools", "functions")
CALL_FIELDS = ("tool_calls", "function_call")
TOOL_ROLES = ("tool", "function")
NO_EFFORT = ("", "none")


def needs_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the capabilities; the messages were read before. Raises InvalidRequest."""
    return frozenset((*_needs_of_options(body), *_needs_of_messages(body["messages"])))


def _needs_of_options(body: Mapping[str, Any]) -> Iterator[str]:
    if boolean(body, "stream"):
        yield "streaming"
    if any(body.get(name) for name in TOOL_FIELDS):
        yield "tools"
    if mapping(body, "response_format").get("type") in JSON_FORMATS:
        yield "json_schema"
    if "audio" in texts(body, "modalities"):
        yield "audio"
    # Two spellings: OpenAI's chat API, and that of its responses API, which others took over.
    effort = text(mapping(body, "reasoning"), "effort", longest=LONGEST_NAME)
    if (text(body, "reasoning_effort", longest=LONGEST_NAME) or effort) not in NO_EFFORT:
        yield "reasoning"


def _needs_of_messages(records: list[dict[str, Any]]) -> Iterator[str]:
    for record in records:
        if record["role"] in TOOL_ROLES or any(record.get(name) for name in CALL_FIELDS):
            yield "tools"
        content = record.get("content")
        if isinstance(content, list):
            yield from (PART_NEEDS[part["type"]] for part in content if part["type"] in PART_NEEDS)
