"""The messages of an Anthropic body as neutral turns: blocks, calls, results, thoughts. Pure.

Source of the format: Anthropic's API reference, "Messages" (content blocks).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, cast

import orjson

from apps.core.chat import (
    File,
    Image,
    Part,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.core.errors import InvalidRequest
from apps.gateway.wire.anthropic.signatures import read_call_mark, read_mark, unwrapped
from apps.gateway.wire.fields import mapping
from apps.gateway.wire.media import required_text

type Block = Mapping[str, Any]
type ReadBlock = Callable[[Block, str], Iterator[Part]]
# A message and where it stands.
type Placed = tuple[Block, str]

NO_SIGNATURE = ("", "")


def read_turns(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Read a body whose messages were checked; raises InvalidRequest.

    What the tools said makes a turn of its own, before the rest of what the user says then.
    """
    turns: list[Turn] = []
    if body.get("system"):
        turns.append(Turn("system", tuple(_content(body["system"], "system"))))
    placed = [(record, f"messages[{index}]") for index, record in enumerate(body["messages"])]
    for role, group in groupby(placed, key=lambda one: one[0]["role"]):
        if role == "user":
            turns += _user_turns(group)
        else:
            turns += [Turn(cast("Role", role), _parts(record, at)) for record, at in group]
    return tuple(turns)


def _user_turns(records: Iterable[Placed]) -> Iterator[Turn]:
    parts = [part for record, at in records for part in _parts(record, at)]
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    others = tuple(part for part in parts if not isinstance(part, ToolResult))
    if results:
        yield Turn("tool", results)
    if others or not results:
        yield Turn("user", others)


def _parts(record: Block, at: str) -> tuple[Part, ...]:
    return tuple(_content(record.get("content"), f"{at}.content"))


def _content(content: Any, at: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    of_call = NO_SIGNATURE
    for index, block in enumerate(map(unwrapped, content)):
        where = f"{at}[{index}]"
        found = read_call_mark(str(block.get("signature") or ""))
        if block["type"] == "thinking" and found != NO_SIGNATURE:
            of_call = found
        elif block["type"] == "tool_use":
            yield _call(block, where, of_call)
            of_call = NO_SIGNATURE
        else:
            yield from _block(block, where)


def _block(block: Block, at: str) -> Iterator[Part]:
    read = READERS.get(block["type"])
    if read is None:
        message = f"a block of the type {block['type']!r} can only be read by Anthropic's models"
        raise InvalidRequest(message, param=f"{at}.type")
    return read(block, at)


def _text(block: Block, at: str) -> Iterator[Part]:
    yield Text(required_text(block, "text", at), _mark(block))


def _image(block: Block, at: str) -> Iterator[Part]:
    source, at = mapping(block, "source"), f"{at}.source"
    match source.get("type"):
        case "base64":
            media_type, data = (
                required_text(source, "media_type", at),
                required_text(source, "data", at),
            )
            yield Image(data=data, media_type=media_type, cache_control=_mark(block))
        case "url":
            yield Image(url=required_text(source, "url", at), cache_control=_mark(block))
        case "file":
            yield File(file_id=required_text(source, "file_id", at), cache_control=_mark(block))
        case _:
            raise InvalidRequest("the type is base64, url or file", param=f"{at}.type")


def _document(block: Block, at: str) -> Iterator[Part]:
    source, at, mark = mapping(block, "source"), f"{at}.source", _mark(block)
    name = str(block.get("title") or "")
    match source.get("type"):
        case "base64":
            media_type, data = (
                required_text(source, "media_type", at),
                required_text(source, "data", at),
            )
            yield File(data=data, media_type=media_type, name=name, cache_control=mark)
        case "url":
            yield File(url=required_text(source, "url", at), name=name, cache_control=mark)
        case "file":
            yield File(file_id=required_text(source, "file_id", at), name=name, cache_control=mark)
        case "text":
            yield Text(_under_title(block, required_text(source, "data", at)), mark)
        case "content":
            yield from _inner(source, at, WORDS)
        case _:
            known = "base64, url, file, text or content"
            raise InvalidRequest(f"the type is {known}", param=f"{at}.type")


def _search_result(block: Block, at: str) -> Iterator[Part]:
    words = [part.text for part in _inner(block, at, WORDS) if isinstance(part, Text)]
    told = (str(block.get("title") or ""), str(block.get("source") or ""), *words)
    yield Text("\n".join(filter(None, told)), _mark(block))


def _result(block: Block, at: str) -> Iterator[Part]:
    parts = tuple(_inner(block, at, INNER)) if block.get("content") is not None else ()
    kept = tuple(part for part in parts if isinstance(part, Text | Image | File))
    if len(kept) != len(parts):
        raise InvalidRequest("a result is made of texts, images and documents", param=at)
    call_id = required_text(block, "tool_use_id", at)
    yield ToolResult(call_id, kept, bool(block.get("is_error")), _mark(block))


def _thought(block: Block, at: str) -> Iterator[Part]:
    origin, signature = read_mark(str(block.get("signature") or ""))
    yield Thinking(required_text(block, "thinking", at), signature, origin=origin)


def _hidden_thought(block: Block, at: str) -> Iterator[Part]:
    origin, data = read_mark(required_text(block, "data", at))
    yield Thinking(redacted=data, origin=origin)


READERS: Mapping[str, ReadBlock] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_result": _result,
    "thinking": _thought,
    "redacted_thinking": _hidden_thought,
}


def _call(block: Block, at: str, signed: tuple[str, str]) -> ToolCall:
    arguments = block.get("input")
    if arguments is not None and not isinstance(arguments, dict):
        raise InvalidRequest("input is an object", param=f"{at}.input")
    origin, signature = signed
    return ToolCall(
        id=required_text(block, "id", at),
        name=required_text(block, "name", at),
        arguments=orjson.dumps(arguments or {}).decode(),
        signature=signature,
        origin=origin,
    )


def _inner(block: Block, at: str, known: tuple[str, ...]) -> Iterator[Part]:
    """Read the content of a block that wraps others, of the known types."""
    content = block.get("content")
    if isinstance(content, str):
        yield Text(content)
        return
    for index, inner in enumerate(content if isinstance(content, list) else ()):
        where = f"{at}.content[{index}]"
        if not isinstance(inner, dict) or inner.get("type") not in known:
            named = ", ".join(known)
            raise InvalidRequest(f"a block in here is one of {named}", param=where)
        yield from READERS[inner["type"]](inner, where)


# What may stand inside of a result; and inside of a document or a search result.
INNER = ("text", "image", "document", "search_result")
WORDS = ("text", "image")


def _under_title(block: Block, words: str) -> str:
    told = (str(block.get("title") or ""), str(block.get("context") or ""), words)
    return "\n\n".join(filter(None, told))


def _mark(block: Block) -> Mapping[str, Any] | None:
    mark = block.get("cache_control")
    return mark if isinstance(mark, dict) else None
