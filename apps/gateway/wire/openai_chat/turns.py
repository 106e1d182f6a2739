"""The messages of an OpenAI chat body as neutral turns: parts, tool calls, results, thoughts. Pure.

Extensions of other gateways are read, because clients send back what they were given:
`thinking_blocks` (signed thoughts of an assistant), `extra_content` (the signature of a tool call)
and `cache_control` (on a part or a message).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from apps.core.chat import (
    Audio,
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
from apps.gateway.wire.fields import mapping
from apps.gateway.wire.media import http_address, required_text, split_data_url

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
# Signed thoughts that do not say whose they are come from clients of the older gateways.
USUAL_ORIGIN = "anthropic"

type ReadPart = Callable[[Mapping[str, Any], str], Part]


def read_turns(records: list[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Read messages whose roles and contents were checked; raises InvalidRequest."""
    turns: list[Turn] = []
    legacy_id = ""
    for index, record in enumerate(records):
        at = f"messages[{index}]"
        if record.get("function_call"):
            # The older form has no ids: its only call and the result after it share one of ours.
            legacy_id = f"call_{index}"
        turns.append(Turn(ROLES[record["role"]], _parts(record, at, legacy_id), _name(record)))
    return tuple(turns)


def _name(record: Mapping[str, Any]) -> str:
    name = record.get("name")
    return name if isinstance(name, str) and ROLES[record["role"]] != "tool" else ""


def _parts(record: Mapping[str, Any], at: str, legacy_id: str) -> tuple[Part, ...]:
    content = tuple(_content(record.get("content"), at))
    mark = record.get("cache_control")
    if ROLES[record["role"]] == "tool":
        return (_result(record, content, at, legacy_id),)
    if isinstance(mark, dict) and content and isinstance(content[-1], Text | Image | File):
        content = (*content[:-1], replace(content[-1], cache_control=mark))
    if record["role"] != "assistant":
        return content
    return (*_thoughts(record, at), *content, *_refusal(record), *_calls(record, at, legacy_id))


def _refusal(record: Mapping[str, Any]) -> Iterator[Text]:
    refusal = record.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield Text(refusal)


# --- Content --------------------------------------------------------------------------------------


def _content(content: Any, at: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
    elif isinstance(content, list):
        for index, part in enumerate(content):
            yield _part(part, f"{at}.content[{index}]")


def _part(part: Mapping[str, Any], at: str) -> Part:
    read = PART_READERS.get(part["type"])
    if read is None:
        known = ", ".join(PART_READERS)
        raise InvalidRequest(
            f"a part of this type is unknown; known are {known}", param=f"{at}.type"
        )
    return read(part, at)


def _text(part: Mapping[str, Any], at: str) -> Text:
    return Text(required_text(part, "text", at), _mark(part))


def _refused(part: Mapping[str, Any], at: str) -> Text:
    return Text(required_text(part, "refusal", at))


def _image(part: Mapping[str, Any], at: str) -> Image:
    image = part.get("image_url")
    url = image if isinstance(image, str) else required_text(mapping(part, "image_url"), "url", at)
    media_type, data = split_data_url(url)
    if data:
        return Image(data=data, media_type=media_type, cache_control=_mark(part))
    return Image(url=http_address(url, f"{at}.image_url.url"), cache_control=_mark(part))


def _audio(part: Mapping[str, Any], at: str) -> Audio:
    sound = mapping(part, "input_audio")
    return Audio(required_text(sound, "data", at), required_text(sound, "format", at))


def _file(part: Mapping[str, Any], at: str) -> File:
    given = mapping(part, "file")
    name, mark = str(given.get("filename") or ""), _mark(part)
    if given.get("file_id"):
        return File(file_id=required_text(given, "file_id", at), name=name, cache_control=mark)
    content = required_text(given, "file_data" if "file_data" in given else "file_url", at)
    media_type, data = split_data_url(content)
    if data:
        return File(data=data, media_type=media_type, name=name, cache_control=mark)
    return File(url=http_address(content, f"{at}.file"), name=name, cache_control=mark)


PART_READERS: Mapping[str, ReadPart] = {
    "text": _text,
    "refusal": _refused,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
}


def _mark(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    mark = part.get("cache_control")
    return mark if isinstance(mark, dict) else None


# --- Tools and thoughts ---------------------------------------------------------------------------


def _calls(record: Mapping[str, Any], at: str, legacy_id: str) -> Iterator[ToolCall]:
    calls = record.get("tool_calls") or ()
    if not isinstance(calls, list | tuple):
        raise InvalidRequest("tool_calls is a list", param=f"{at}.tool_calls")
    for index, call in enumerate(calls):
        yield _call(call, f"{at}.tool_calls[{index}]")
    legacy = record.get("function_call")
    if legacy:
        yield _called(legacy, legacy_id, f"{at}.function_call")


def _call(call: Any, at: str) -> ToolCall:
    if not isinstance(call, dict) or call.get("type", "function") != "function":
        raise InvalidRequest("a tool call is an object with a function", param=at)
    called = _called(call.get("function"), required_text(call, "id", at), f"{at}.function")
    return replace(called, **_signature(call))


def _signature(call: Mapping[str, Any]) -> dict[str, str]:
    extra = call.get("extra_content")
    for origin, said in extra.items() if isinstance(extra, dict) else ():
        signature = said.get("thought_signature") if isinstance(said, dict) else None
        if isinstance(signature, str) and signature:
            return {"signature": signature, "origin": str(origin)}
    return {}


def _called(function: Any, call_id: str, at: str) -> ToolCall:
    if not isinstance(function, dict):
        raise InvalidRequest("a function is an object with name and arguments", param=at)
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        raise InvalidRequest("arguments are JSON in a text", param=f"{at}.arguments")
    return ToolCall(call_id, required_text(function, "name", at), arguments or "")


def _result(
    record: Mapping[str, Any], content: tuple[Part, ...], at: str, legacy_id: str
) -> ToolResult:
    is_legacy = record["role"] == "function"
    call_id = legacy_id if is_legacy else required_text(record, "tool_call_id", at)
    parts = tuple(part for part in content if isinstance(part, Text | Image | File))
    if len(parts) != len(content):
        raise InvalidRequest("a tool result is made of texts, images and files", param=at)
    return ToolResult(call_id, parts, bool(record.get("is_error")), _mark(record))


def _thoughts(record: Mapping[str, Any], at: str) -> Iterator[Thinking]:
    blocks = record.get("thinking_blocks") or ()
    if not isinstance(blocks, list | tuple) or not all(isinstance(block, dict) for block in blocks):
        raise InvalidRequest("thinking_blocks is a list of objects", param=f"{at}.thinking_blocks")
    for block in blocks:
        yield Thinking(
            text=str(block.get("thinking") or ""),
            signature=str(block.get("signature") or ""),
            redacted=str(block.get("data") or ""),
            origin=str(block.get("origin") or USUAL_ORIGIN),
        )
    unsigned = record.get("reasoning_content")
    if not blocks and isinstance(unsigned, str) and unsigned:
        yield Thinking(text=unsigned)
