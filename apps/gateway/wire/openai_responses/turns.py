"""Instructions and input items of the Responses API as neutral turns. Pure.

Source of the format: OpenAI's API reference, "Responses" (create, input).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apps.core.chat import (
    File,
    Image,
    Message,
    Part,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.core.errors import InvalidRequest
from apps.gateway.wire.media import required_text
from apps.gateway.wire.openai_responses.content import read_content
from apps.gateway.wire.openai_responses.thoughts import FIELD, unpack_call, unpack_thought

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
MAX_ITEMS = 2_000
# Items of these follow one another in one turn: an answer comes back as several items.
JOINED: frozenset[Role] = frozenset({"assistant", "tool"})

type ReadItem = Callable[[Mapping[str, Any], str], Turn]


def read_turns(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Read what a body says, without its instructions; raises InvalidRequest naming the item."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return (Turn("user", (Text(given),)),)
    if not isinstance(given, list) or not given:
        raise InvalidRequest("input is a text or a list with at least one item", param="input")
    if len(given) > MAX_ITEMS:
        raise InvalidRequest(f"at most {MAX_ITEMS} items", param="input")
    return tuple(_joined(_item(item, f"input[{index}]") for index, item in enumerate(given)))


def instructions_of(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Return the instructions, which hold for this response only."""
    given = body.get("instructions")
    if given is None or given == "":
        return ()
    if not isinstance(given, str):
        raise InvalidRequest("instructions are a text", param="instructions")
    return (Turn("system", (Text(given),)),)


def message_of(turn: Turn) -> Message:
    """Return the turn as the text that is measured and searched: results of tools count."""
    texts = [part.text for part in _flat(turn.parts) if isinstance(part, Text)]
    return Message(turn.role, "\n".join(texts))


def _flat(parts: Iterable[Part]) -> Iterable[Part]:
    for part in parts:
        yield from part.parts if isinstance(part, ToolResult) else (part,)


def _joined(turns: Iterable[Turn]) -> list[Turn]:
    found: list[Turn] = []
    for turn in turns:
        if turn.role == "assistant" and not turn.parts:
            continue
        if found and turn.role in JOINED and found[-1].role == turn.role:
            found[-1] = Turn(turn.role, (*found[-1].parts, *turn.parts))
        else:
            found.append(turn)
    return found


def _item(item: Any, at: str) -> Turn:
    if not isinstance(item, dict):
        raise InvalidRequest("an item is an object", param=at)
    kind = item.get("type") or "message"
    read = ITEM_READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        known = ", ".join((*ITEM_READERS, "item_reference"))
        raise InvalidRequest(
            f"an item of this type cannot be read here; known are {known}", param=f"{at}.type"
        )
    return read(item, at)


def _message(item: Mapping[str, Any], at: str) -> Turn:
    named = item.get("role")
    role = ROLES.get(named) if isinstance(named, str) else None
    if role is None:
        raise InvalidRequest(f"role is one of {', '.join(ROLES)}", param=f"{at}.role")
    return Turn(role, tuple(read_content(item.get("content"), f"{at}.content")))


def _call(item: Mapping[str, Any], at: str) -> Turn:
    signature, origin = unpack_call(item.get(FIELD))
    call = ToolCall(
        required_text(item, "call_id", at),
        required_text(item, "name", at),
        required_text(item, "arguments", at),
        signature,
        origin,
    )
    return Turn("assistant", (call,))


def _result(item: Mapping[str, Any], at: str) -> Turn:
    parts = tuple(read_content(item.get("output"), f"{at}.output"))
    kept = tuple(part for part in parts if isinstance(part, Text | Image | File))
    if len(kept) != len(parts):
        message = "a tool's output is made of texts, images and files"
        raise InvalidRequest(message, param=f"{at}.output")
    return Turn("tool", (ToolResult(required_text(item, "call_id", at), kept),))


def _reasoning(item: Mapping[str, Any], at: str) -> Turn:
    said = _texts(item, "content", at) or _texts(item, "summary", at)
    thought = unpack_thought(item.get(FIELD), "".join(said))
    return Turn("assistant", (thought,) if thought != Thinking() else ())


def _texts(item: Mapping[str, Any], name: str, at: str) -> list[str]:
    pieces = item.get(name) or ()
    if not isinstance(pieces, list | tuple) or not all(isinstance(one, dict) for one in pieces):
        raise InvalidRequest(f"{name} is a list of objects", param=f"{at}.{name}")
    return [required_text(piece, "text", f"{at}.{name}") for piece in pieces]


ITEM_READERS: Mapping[str, ReadItem] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _result,
    "reasoning": _reasoning,
}
