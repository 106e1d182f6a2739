"""The parts of an answer as output items of the Responses API. Pure.

Source of the format: OpenAI's API reference, "Responses" (object). The id of an item is its kind,
the response's token and the item's place in four hexadecimal digits: a reference to it leads back
to the response.
"""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.core.chat import AnswerPart, Text, Thinking, ToolCall
from apps.gateway.wire.openai_responses.thoughts import FIELD, pack_call, pack_thought

ITEM_ID = re.compile(r"(?:msg|fc|rs)_([0-9a-f]{32})([0-9a-f]{4})")
KINDS = {Text: "msg", ToolCall: "fc", Thinking: "rs"}


def merged(parts: Iterable[AnswerPart]) -> list[AnswerPart]:
    """Return the parts with texts that follow one another as one: they are one message."""
    found: list[AnswerPart] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Text) and isinstance(last, Text):
            found[-1] = Text(last.text + part.text)
        elif part != Text(""):
            found.append(part)
    return found


def item_id(part: AnswerPart, token: str, place: int) -> str:
    return f"{KINDS[type(part)]}_{token}{place:04x}"


def place_of(name: str) -> tuple[UUID, int] | None:
    """Return the response and the place in its output that an item's id leads to."""
    found = ITEM_ID.fullmatch(name)
    return (UUID(hex=found[1]), int(found[2], 16)) if found else None


def output_item(
    part: AnswerPart, name: str, *, status: str = "completed", logprobs: Iterable[Any] = ()
) -> dict[str, Any]:
    """Return the item of an answer that a part makes."""
    match part:
        case Text():
            content = [output_text(part.text, logprobs)]
            told = {"role": "assistant", "status": status, "content": content}
            return {"id": name, "type": "message", **told}
        case ToolCall():
            return {"id": name, **_call(part), "status": status}
        case Thinking():
            return {"id": name, **_reasoning(part)}


def output_text(text: str, logprobs: Iterable[Any] = ()) -> dict[str, Any]:
    """Return the only part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": list(logprobs)}


def summary_text(text: str) -> dict[str, Any]:
    """Return a part of a reasoning item's summary."""
    return {"type": "summary_text", "text": text}


def _call(call: ToolCall) -> dict[str, Any]:
    told = {"type": "function_call", "call_id": call.id, "name": call.name}
    packed = pack_call(call)
    return {**told, "arguments": call.arguments or "{}", **({FIELD: packed} if packed else {})}


def _reasoning(thought: Thinking) -> dict[str, Any]:
    summary = [summary_text(thought.text)] if thought.text else []
    return {"type": "reasoning", "summary": summary, FIELD: pack_thought(thought)}
