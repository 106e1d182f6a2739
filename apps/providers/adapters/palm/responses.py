"""What PaLM answers, in the neutral types: it says neither why it ended nor what it counted. Pure.

Source of the format: google-ai-generativelanguage, v1beta3 types (`GenerateTextResponse`,
`GenerateMessageResponse`).
"""

from typing import Any

from apps.core.chat import ChatResponse, FinishReason
from apps.core.tokens import estimate_tokens
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.palm.requests import Outgoing
from apps.providers.adapters.reading import estimated_usage


def read_answer(answer: Any, call: ProviderCall, outgoing: Outgoing) -> ChatResponse:
    """Return the first candidate, cut where the caller wanted; raises AttemptError without one."""
    if not answer.candidates:
        if not answer.filters:
            raise AttemptError("unavailable", "the provider's answer is empty")
        return _response("", "content_filter", call, outgoing)
    first = answer.candidates[0]
    told = first.content if outgoing.is_chat else first.output
    text, stop = _until_stop(told, outgoing.stops)
    shortened = _within(call.connection.upstream_model, text, outgoing.limit)
    reason: FinishReason = "stop" if shortened == text else "length"
    return _response(shortened, reason, call, outgoing, stop if reason == "stop" else "")


def _response(
    text: str, reason: FinishReason, call: ProviderCall, outgoing: Outgoing, stop: str = ""
) -> ChatResponse:
    usage = estimated_usage(call, text)
    return ChatResponse(text, reason, usage, dropped=outgoing.dropped, stop_sequence=stop)


def _until_stop(text: str, stops: tuple[str, ...]) -> tuple[str, str]:
    """Cut before the first of the stops, as a service that knows them would; return which."""
    found = [(place, stop) for stop in stops if (place := text.find(stop)) >= 0]
    if not found:
        return text, ""
    place, stop = min(found)
    return text[:place], stop


def _within(model: str, text: str, limit: int | None) -> str:
    """Return the longest beginning of the text that counts at most `limit` tokens."""
    if limit is None or estimate_tokens(model, text) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = estimate_tokens(model, text[:middle]) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low]
