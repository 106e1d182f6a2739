"""Neutral parts as Gemini's parts (ai.google.dev/api/caching#Part)."""

import mimetypes
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from apps.core.chat import Audio, File, Image, Text, Thinking, ToolCall, ToolResult
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.google.families import FETCHES_FROM, SIGNS_CALLS_FROM, Version
from apps.providers.adapters.google.names import legal_name
from apps.providers.adapters.google.signatures import NOT_SIGNED
from apps.providers.adapters.translation import arguments_of

ORIGIN = "google"
FILES = "https://generativelanguage.googleapis.com/v1beta/"
# Addresses that every model reads: the provider's own files, its storage, its videos.
OWN_ADDRESSES = re.compile(
    r"gs://|https://generativelanguage\.googleapis\.com/|https://(?:www\.)?youtube\.com/watch\?"
    r"|https://youtu\.be/"
)
FAMILIES = ("image/", "audio/", "video/", "text/")
DOCUMENTS = frozenset({"application/pdf", "application/json", "application/rtf"})
REFUSED = frozenset({"image/gif", "image/svg+xml", "image/bmp", "image/tiff"})

type Block = dict[str, Any]


def media_part(part: Image | Audio | File, version: Version) -> Block:
    """Return a part that shows, sounds or is read; raises AttemptError for what is not taken."""
    match part:
        case Audio():
            return _inline(f"audio/{part.format}", part.data)
        case File(file_id=str(file_id)) if file_id:
            return _linked(_address_of_id(file_id), "", version)
        case _ if part.url:
            return _linked(part.url, part.media_type, version)
        case File():
            return _inline(part.media_type or _type_of_name(part.name), part.data)
    return _inline(part.media_type, part.data)


def call_part(call: ToolCall, version: Version, *, is_first: bool) -> Block:
    """Return a call; the newer models want the signature of the first call of each step."""
    function = {"id": call.id, "name": legal_name(call.name), "args": arguments_of(call)}
    block: Block = {"functionCall": function}
    if call.signature and call.origin == ORIGIN:
        block["thoughtSignature"] = call.signature
    elif is_first and version >= SIGNS_CALLS_FROM:
        block["thoughtSignature"] = NOT_SIGNED
    return block


def result_part(result: ToolResult, call: ToolCall, version: Version) -> Block:
    """Return what a tool said: an object, under the name of the function."""
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    response: Block = {
        "id": call.id,
        "name": legal_name(call.name),
        "response": {"error": text} if result.is_error else _object_of(text),
    }
    if version >= SIGNS_CALLS_FROM:
        inline = [media_part(part, version) for part in shown(result) if not part.url]
        if inline:
            response["parts"] = inline
    return {"functionResponse": response}


def media_beside(result: ToolResult, version: Version) -> list[Block]:
    """Return the images of a result for which it has no place itself."""
    return [
        media_part(part, version)
        for part in shown(result)
        if part.url or version < SIGNS_CALLS_FROM
    ]


def shown(result: ToolResult) -> list[Image | File]:
    return [part for part in result.parts if not isinstance(part, Text)]


def thought_part(thought: Thinking) -> Block:
    """Return a thought of this provider's as it came."""
    block: Block = {"text": thought.text, "thought": True}
    return {**block, "thoughtSignature": thought.signature} if thought.signature else block


def _inline(media_type: str, data: str) -> Block:
    if not media_type:
        raise not_expressible("a file must say its media type", param="messages")
    is_known = media_type.startswith(FAMILIES) or media_type in DOCUMENTS
    if not is_known or media_type in REFUSED:
        message = f"a file of the type {media_type} cannot be sent to this provider"
        raise not_expressible(message, param="messages")
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _linked(url: str, media_type: str, version: Version) -> Block:
    is_own = OWN_ADDRESSES.match(url) is not None
    if not is_own and (not url.startswith("https://") or version < FETCHES_FROM):
        message = "this model reads no file at this address: give its content as a data: URL"
        raise not_expressible(message, param="messages")
    data = {"fileUri": url}
    kind = media_type or _type_of_name(_path_of(url))
    return {"fileData": {"mimeType": kind, **data} if kind else data}


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError as error:
        raise not_expressible("this is no address", param="messages") from error


def _address_of_id(file_id: str) -> str:
    if file_id.startswith("files/"):
        return FILES + file_id
    if OWN_ADDRESSES.match(file_id):
        return file_id
    raise not_expressible("this file id is not one of this provider's", param="messages")


def _type_of_name(name: str) -> str:
    return mimetypes.guess_file_type(name)[0] or ""


def _object_of(text: str) -> Mapping[str, Any]:
    """Return a text as the object that it is, else inside of one."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"output": text}
    return value if isinstance(value, dict) else {"output": text}
