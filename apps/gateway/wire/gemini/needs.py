"""What a Gemini body calls for, in the words of the catalogue's capabilities. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.gateway.wire.gemini.contents import Content
from apps.gateway.wire.gemini.media import need_of
from apps.gateway.wire.gemini.options import config_of, thinking_of, tools_of, wants_json
from apps.gateway.wire.gemini.spelling import camelled

MEDIA = ("inlineData", "fileData")
# A conversation in which functions were called can only go on where they are known.
CALLS = ("functionCall", "functionResponse")


def needs_of(
    body: Mapping[str, Any], contents: Iterable[Content], *, is_streamed: bool
) -> frozenset[str]:
    """Return the capabilities; raises InvalidRequest."""
    found = {"streaming"} if is_streamed else set()
    found.update(_needs_of_options(body))
    for content in contents:
        for part, _at in content.places():
            found.update(_needs_of_part(part))
    return frozenset(filter(None, found))


def _needs_of_options(body: Mapping[str, Any]) -> Iterator[str]:
    config = config_of(body)
    if any(tool.get("functionDeclarations") for tool, _at in tools_of(body)):
        yield "tools"
    if wants_json(config):
        yield "json_schema"
    thinking = thinking_of(config)
    budget = thinking.get("thinkingBudget")
    # A budget below zero leaves it to the model.
    if thinking.get("thinkingLevel") or (isinstance(budget, int) and budget > 0):
        yield "reasoning"


def _needs_of_part(part: Mapping[str, Any]) -> Iterator[str]:
    if any(name in part for name in CALLS):
        yield "tools"
    for name in MEDIA:
        if isinstance(part.get(name), dict):
            yield need_of(str(camelled(part[name]).get("mimeType") or ""))
