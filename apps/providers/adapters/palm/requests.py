"""What we ask PaLM, built from the neutral request. Pure.

Source of the format: google-ai-generativelanguage, v1beta3 types (`GenerateTextRequest`,
`GenerateMessageRequest`). It knows texts only; its chat knows neither a limit nor stops, so
`answers` cuts the answer instead.
"""

from dataclasses import dataclass
from typing import Any

from apps.core.chat import ChatDetails, ChatRequest, Message, Text
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.failures import not_expressible, refuse_losses
from apps.providers.adapters.sdk import read_details, split_system

MAX_TEMPERATURE = 1.0
MAX_STOPS = 5
CHAT_FAMILY = "chat-"
USER, MODEL = "0", "1"
ROLE_NAMES = {"user": "User", "assistant": "Assistant"}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The request of one of the two services, and what it lost on the way.

    `stops` and `limit` are those that the service itself cannot be told.
    """

    is_chat: bool
    body: dict[str, Any]
    dropped: tuple[str, ...]
    stops: tuple[str, ...] = ()
    limit: int | None = None


def build_request(call: ProviderCall) -> Outgoing:
    """Translate the request; raises AttemptError for what PaLM has no form for."""
    request, details = call.request, read_details(call.request)
    _refuse_more_than_text(request, details)
    dropped: list[str] = []
    body: dict[str, Any] = {"model": f"models/{call.connection.upstream_model}"}
    body |= _sampling(request, details, dropped)
    _note_what_has_no_place(details, dropped)
    refuse_losses(call, dropped)
    system, turns = split_system(tuple(turn.as_message() for turn in details.turns))
    stops = tuple(stop for stop in request.stop if stop)
    if call.connection.upstream_model.startswith(CHAT_FAMILY):
        body["prompt"] = _chat_prompt(system, turns)
        return Outgoing(True, body, tuple(dropped), stops, call.max_output_tokens)
    body["prompt"] = {"text": _text_prompt(system, turns)}
    if call.max_output_tokens is not None:
        body["max_output_tokens"] = call.max_output_tokens
    if stops:
        body["stop_sequences"] = list(stops[:MAX_STOPS])
    return Outgoing(False, body, tuple(dropped), stops[MAX_STOPS:])


def _refuse_more_than_text(request: ChatRequest, details: ChatDetails) -> None:
    faults = {
        "tools": bool(details.tools),
        "response_format": details.answer_format is not None,
        "n": request.choices > 1,
        "messages": any(not isinstance(p, Text) for turn in details.turns for p in turn.parts),
    }
    for param, is_asked in faults.items():
        if is_asked:
            raise not_expressible(f"PaLM knows texts only: it has no form for {param}", param=param)


def _sampling(request: ChatRequest, details: ChatDetails, dropped: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if request.temperature is not None:
        found["temperature"] = min(request.temperature, MAX_TEMPERATURE)
        if request.temperature > MAX_TEMPERATURE:
            dropped.append("temperature")
    if request.top_p is not None:
        found["top_p"] = request.top_p
    if details.top_k is not None:
        found["top_k"] = details.top_k
    return found


def _note_what_has_no_place(details: ChatDetails, dropped: list[str]) -> None:
    given = {
        "seed": details.seed is not None,
        "logprobs": details.top_logprobs is not None,
        "frequency_penalty": bool(details.frequency_penalty),
        "presence_penalty": bool(details.presence_penalty),
        "reasoning_effort": details.reasoning is not None,
    }
    dropped += [name for name, is_given in given.items() if is_given]
    dropped += details.others


def _chat_prompt(system: str, turns: list[Message]) -> dict[str, Any]:
    authors = {"assistant": MODEL}
    messages = [{"author": authors.get(turn.role, USER), "content": turn.text} for turn in turns]
    return {"context": system, "messages": messages} if system else {"messages": messages}


def _text_prompt(system: str, turns: list[Message]) -> str:
    """Return one text; only a conversation of several turns needs to say who spoke."""
    spoken = [turn.text for turn in turns]
    if len(turns) > 1:
        spoken = [f"{ROLE_NAMES.get(turn.role, 'User')}: {turn.text}" for turn in turns]
        spoken.append("Assistant:")
    return "\n\n".join(filter(None, (system, *spoken)))
