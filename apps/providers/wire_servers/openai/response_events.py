"""The events of the Responses API: each item is added, filled in pieces, and done, in one order."""

from collections.abc import Iterator

from apps.providers.wire_servers.exchange import Event, Exchange, Json, Refusal
from apps.providers.wire_servers.openai.responses import answer, envelope
from apps.providers.wire_servers.scripts import ARGUMENT_PIECE, pieces_of

EMPTY: dict[str, Json] = {
    "message": {"content": [], "status": "in_progress"},
    "function_call": {"arguments": "", "status": "in_progress"},
    "reasoning": {"summary": []},
}


def events(exchange: Exchange) -> list[Event]:
    """Return all events, numbered from 0 without gaps."""
    whole = answer(exchange)
    begun = envelope(exchange)
    steps: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(whole["output"]):
        steps += _item_steps(index, item)
    steps.append({"type": f"response.{whole['status']}", "response": whole})
    return [
        Event(step | {"sequence_number": number}, step["type"]) for number, step in enumerate(steps)
    ]


def error_event(refusal: Refusal, number: int) -> Event:
    """Return the event of a failure half-way, which has its own shape here."""
    told = {"code": refusal.code or "server_error", "message": refusal.message, "param": None}
    return Event({"type": "error", **told, "sequence_number": number}, "error")


def _item_steps(index: int, item: Json) -> Iterator[Json]:
    place = {"output_index": index}
    opened = item | EMPTY[item["type"]]
    yield {"type": "response.output_item.added", **place, "item": opened}
    place = {"item_id": item["id"], **place}
    fill = {"message": _text_steps, "function_call": _call_steps, "reasoning": _thought_steps}
    for step in fill[item["type"]](item):
        yield {**step, **place}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _text_steps(item: Json) -> Iterator[Json]:
    (part,) = item["content"]
    yield {
        "type": "response.content_part.added",
        "content_index": 0,
        "part": part | {"text": ""},
    }
    place: Json = {"content_index": 0, "logprobs": []}
    for piece in pieces_of(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece}
    yield {"type": "response.output_text.done", **place, "text": part["text"]}
    yield {"type": "response.content_part.done", "content_index": 0, "part": part}


def _call_steps(item: Json) -> Iterator[Json]:
    text = item["arguments"]
    kind = "response.function_call_arguments"
    for at in range(0, len(text), ARGUMENT_PIECE):
        yield {"type": f"{kind}.delta", "delta": text[at : at + ARGUMENT_PIECE]}
    yield {"type": f"{kind}.done", "arguments": text, "name": item["name"]}


def _thought_steps(item: Json) -> Iterator[Json]:
    (part,) = item["summary"]
    kind, place = "response.reasoning_summary", {"summary_index": 0}
    yield {"type": f"{kind}_part.added", **place, "part": part | {"text": ""}}
    for piece in pieces_of(part["text"]):
        yield {"type": f"{kind}_text.delta", **place, "delta": piece}
    yield {"type": f"{kind}_text.done", **place, "text": part["text"]}
    yield {"type": f"{kind}_part.done", **place, "part": part}
