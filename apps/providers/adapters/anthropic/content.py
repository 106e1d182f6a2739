"""Neutral parts as Anthropic's content blocks."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.core.chat import Audio, File, Image, Part, Text, Thinking, ToolCall, ToolResult
from apps.providers.adapters.anthropic.names import legal_name
from apps.providers.adapters.anthropic.thoughts import can_replay, thought_block
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.translation import arguments_of

LEGAL_ID = re.compile(r"[a-zA-Z0-9_-]+")
ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
PDF = "application/pdf"

type Block = dict[str, Any]


def blocks_of(parts: Iterable[Part], dropped: list[str]) -> list[Block]:
    """Return the blocks in order; empty texts are left out, because the provider refuses them."""
    return [block for part in parts for block in _blocks(part, dropped)]


def legal_id(call_id: str) -> str:
    """Return the id of a tool call in the provider's letters: the same for call and result."""
    if LEGAL_ID.fullmatch(call_id):
        return call_id
    # The digest keeps two ids apart that differ in illegal letters only.
    digest = hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{ILLEGAL.sub('_', call_id)}_{digest}"


def result_block(result: ToolResult, dropped: list[str]) -> Block:
    """Return what a tool said, images kept."""
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id}
    content = blocks_of(result.parts, dropped)
    if content:
        block["content"] = content
    if result.is_error:
        block["is_error"] = True
    return _marked(block, result.cache_control)


def _blocks(part: Part, dropped: list[str]) -> Iterator[Block]:
    match part:
        case Text():
            if part.text.strip():
                yield _marked({"type": "text", "text": part.text}, part.cache_control)
        case Image():
            yield _marked({"type": "image", "source": _image_source(part)}, part.cache_control)
        case File():
            yield _document(part)
        case Thinking():
            if can_replay(part):
                yield thought_block(part)
            else:
                dropped.append("reasoning_content")
        case ToolCall():
            yield _call(part)
        case ToolResult():
            yield result_block(part, dropped)
        case Audio():
            raise not_expressible("audio cannot be sent to this provider", param="messages")


def _image_source(image: Image) -> Block:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _document(file: File) -> Block:
    if file.media_type.startswith("image/"):
        image = Image(data=file.data, media_type=file.media_type)
        return _marked({"type": "image", "source": _image_source(image)}, file.cache_control)
    block: Block = {"type": "document", "source": _document_source(file)}
    if file.name:
        block["title"] = file.name
    return _marked(block, file.cache_control)


def _document_source(file: File) -> Block:
    if file.file_id:
        return {"type": "file", "file_id": file.file_id}
    if file.url:
        return {"type": "url", "url": file.url}
    if file.media_type != PDF:
        kind = file.media_type or "without a type"
        raise not_expressible(f"a file {kind} cannot be sent, only PDF", param="messages")
    return {"type": "base64", "media_type": PDF, "data": file.data}


def _call(call: ToolCall) -> Block:
    return {
        "type": "tool_use",
        "id": call.id,
        "name": legal_name(call.name),
        "input": arguments_of(call),
    }


def _marked(block: Block, mark: Mapping[str, Any] | None) -> Block:
    return block if mark is None else {**block, "cache_control": dict(mark)}
