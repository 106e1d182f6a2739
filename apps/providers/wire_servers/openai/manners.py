"""How servers that resemble OpenAI say the same in their own way: thoughts, calls, counts."""

from typing import Any

from apps.providers.wire_servers.exchange import Exchange, Json
from apps.providers.wire_servers.habits import UsagePlace
from apps.providers.wire_servers.scripts import ToolCall, pieces_of


def call_id(exchange: Exchange, index: int) -> str:
    """Return an id of a call as this kind of server makes them."""
    length = exchange.habits.call_id_length
    made = exchange.new_id("" if length else "call_", index)
    return made[-length:] if length else made


def arguments_of(exchange: Exchange, call: ToolCall) -> Any:
    """Return arguments as a text, or as the object that some servers send."""
    return dict(call.arguments) if exchange.habits.has_object_arguments else call.text


def indexed(exchange: Exchange, delta: Json) -> Json:
    """Return a piece of a call with the index that this kind of server gives it."""
    match exchange.habits.index:
        case "missing":
            return {name: value for name, value in delta.items() if name != "index"}
        case "zero":
            return delta | {"index": 0}
    return delta


def thoughtful(exchange: Exchange, thought: str, text: str) -> Json:
    """Return the fields of a whole message that thinks."""
    if exchange.habits.has_thought_parts:
        return {"content": [_thought_part(thought), {"type": "text", "text": text}]}
    if not exchange.habits.thought_field:
        return {"content": f"<think>\n{thought}</think>\n\n{text}"}
    return {exchange.habits.thought_field: thought}


def thought_deltas(exchange: Exchange) -> list[Json]:
    """Return the deltas of a thought, before those of the text."""
    pieces, habits = pieces_of(exchange.script.thought), exchange.habits
    if habits.has_thought_parts:
        return [{"content": [_thought_part(piece)]} for piece in pieces]
    if pieces and not habits.thought_field:
        # Tags are tokens like others, and are cut like others.
        inline = ["<thi", "nk>", "\n", *pieces, "</", "think>\n", "\n"]
        return [{"content": piece} for piece in inline]
    return [{habits.thought_field: piece} for piece in pieces]


def placed_usage(chunks: list[Json], counted: Json, place: UsagePlace) -> list[Json]:
    """Put the count where this kind of server has it, asked for or not."""
    *others, last = chunks
    if place == "groq":
        return [*others, last | {"x_groq": {"usage": counted}}]
    if place == "every":
        running = [
            chunk | {"usage": counted | {"completion_tokens": at}}
            for at, chunk in enumerate(others)
        ]
        return [*running, last | {"usage": counted}]
    return [*others, last | {"usage": counted}]


def _thought_part(thought: str) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
