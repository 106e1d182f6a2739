"""Neutral parts as the content of OpenAI's messages. Pure."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.chat import Audio, File, Image, Part, Text
from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.openai.names import ToolNames
from apps.providers.adapters.openai.quirks import OPENAI, Quirks

PDF = "application/pdf"
# Other providers have files of their own, which OpenAI cannot read.
FILE_ID_PREFIXES = ("file-", "assistant-")
# What a tool's message says whose images are in the user's message after it.
NO_TEXT = "[see the next message]"

type Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a conversation is written for one server; `dropped` gathers what it cannot carry."""

    quirks: Quirks = OPENAI
    system_role: str = "system"
    names: ToolNames = field(default_factory=ToolNames)
    dropped: list[str] = field(default_factory=list)


def content_of(parts: Iterable[Part], spelling: Spelling) -> str | list[Block]:
    """Return a text where texts are all there is: servers know it best; else the parts in order."""
    blocks = [_block(part, spelling) for part in parts if not _is_empty(part)]
    if all(block.keys() == {"type", "text"} for block in blocks):
        return "\n".join(block["text"] for block in blocks)
    return blocks


def text_of_file(file: File) -> Text | None:
    """Return a file that is nothing but text as one; None for any other."""
    if not file.data or not file.media_type.startswith("text/"):
        return None
    try:
        text = base64.b64decode(file.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise not_expressible("a text file is not text in base64", param="messages") from error
    return Text(f"{file.name}:\n{text}" if file.name else text, file.cache_control)


def told_before_moved(call_id: str) -> str:
    """Return what stands before the images of a tool's result in the user's message."""
    return f"[from the result of the tool call {call_id}]"


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text


def _block(part: Part, spelling: Spelling) -> Block:
    match part:
        case Text():
            return _marked({"type": "text", "text": part.text}, part.cache_control, spelling)
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            image = {"type": "image_url", "image_url": {"url": url}}
            return _marked(image, part.cache_control, spelling)
        case Audio():
            sound = {"data": part.data, "format": part.format}
            return {"type": "input_audio", "input_audio": sound}
        case File():
            return _file(part, spelling)
    raise not_expressible("this part has no place in a user's message", param="messages")


def _file(file: File, spelling: Spelling) -> Block:
    text = text_of_file(file)
    if text is not None:
        return _block(text, spelling)
    if file.media_type.startswith("image/"):
        return _block(Image(file.url, file.data, file.media_type, file.cache_control), spelling)
    return _marked(
        {"type": "file", "file": _document(file, spelling)}, file.cache_control, spelling
    )


def _document(file: File, spelling: Spelling) -> Block:
    if file.file_id:
        if not file.file_id.startswith(FILE_ID_PREFIXES):
            raise _no_file("a file of another provider cannot be sent")
        return {"file_id": file.file_id}
    if file.url:
        if not spelling.quirks.takes_file_urls:
            raise _no_file("a file by address cannot be sent, only in base64")
        return {"filename": file.name or "file", "file_data": file.url}
    if file.media_type != PDF:
        raise _no_file(f"a file {file.media_type or 'without a type'} cannot be sent, only PDF")
    data = f"data:{file.media_type};base64,{file.data}"
    return {"filename": file.name or "file.pdf", "file_data": data}


def _no_file(message: str) -> AttemptError:
    return not_expressible(message, param="messages")


def _marked(block: Block, mark: Mapping[str, Any] | None, spelling: Spelling) -> Block:
    if mark is None:
        return block
    if "cache_control" in spelling.quirks.refused_in_messages:
        spelling.dropped.append("cache_control")
        return block
    return {**block, "cache_control": dict(mark)}


def images_and_files(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield what a tool's result cannot hold here."""
    for part in parts:
        if isinstance(part, Image) or (isinstance(part, File) and text_of_file(part) is None):
            yield part


def texts_of(parts: Iterable[Part]) -> str:
    """Return the texts of a tool's result, files of text included."""
    texts = (text_of_file(part) if isinstance(part, File) else part for part in parts)
    return "\n".join(text.text for text in texts if isinstance(text, Text) and text.text)
