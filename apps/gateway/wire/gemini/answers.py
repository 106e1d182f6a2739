"""The Gemini dialect: neutral answers to bodies. Pure.

Source of the format: ai.google.dev/api/generate-content#GenerateContentResponse. Calls of functions
end with STOP, as Gemini's own do.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    Choice,
    FinishReason,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
)
from apps.gateway.wire.gemini.signatures import ORIGIN, wrap
from apps.gateway.wire.rendering import AnswerHead

DIALECT = "gemini"
FINISH_REASONS: Mapping[FinishReason, str] = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
}
# Said when a model wrote arguments that are no object: there is nothing to be called with.
MALFORMED = "MALFORMED_FUNCTION_CALL"
# For calls that Gemini did not make itself. Its newer models want the signature of the first call
# of each step back: ai.google.dev/gemini-api/docs/thought-signatures.
NOT_SIGNED = "skip_thought_signature_validator"

type Part = dict[str, Any]


def render(response: ChatResponse, head: AnswerHead) -> dict[str, Any]:
    """Return a `GenerateContentResponse`; what Gemini itself sent stays as it was."""
    if response.raw_dialect == DIALECT and response.raw:
        return {**response.raw, **about(head)}
    candidates = [_candidate(answer, index) for index, answer in enumerate(response.answers)]
    counts = usage_metadata(response.usage)
    return {"candidates": candidates, "usageMetadata": counts, **about(head)}


def about(head: AnswerHead) -> dict[str, str]:
    """Return what every chunk says of its answer."""
    return {"modelVersion": head.model, "responseId": head.token}


def _candidate(answer: ChatResponse | Choice, index: int) -> dict[str, Any]:
    given = answer.parts or (Text(answer.text),)
    calls = [part for part in given if isinstance(part, ToolCall)]
    parts = [*spoken_parts(given), *call_parts(calls)]
    return candidate(index, parts, finish_reason(answer.finish_reason, calls), answer.logprobs)


def candidate(
    index: int, parts: list[Part], reason: str = "", logprobs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a candidate, whose content has no parts when there is nothing to say."""
    content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    found: dict[str, Any] = {"content": content, "index": index}
    if reason:
        found["finishReason"] = reason
    if logprobs:
        found["logprobsResult"] = logprobs_result(logprobs)
    return found


def spoken_parts(parts: Iterable[AnswerPart]) -> Iterator[Part]:
    """Yield thoughts and texts, in order."""
    for part in parts:
        if isinstance(part, Text) and part.text:
            yield {"text": part.text}
        elif isinstance(part, Thinking):
            yield thought_part(part.text, wrap(part))


def thought_part(text: str, signature: str = "") -> Part:
    part = {"text": text, "thought": True}
    return {**part, "thoughtSignature": signature} if signature else part


def call_parts(calls: Iterable[ToolCall]) -> list[Part]:
    """Return the calls whose arguments can be read, the first one signed as Gemini wants it."""
    found: list[Part] = []
    for call in calls:
        arguments = _arguments(call)
        if arguments is None:
            continue
        part: Part = {"functionCall": {"id": call.id, "name": call.name, "args": arguments}}
        if call.signature and call.origin == ORIGIN:
            part["thoughtSignature"] = call.signature
        elif not found:
            part["thoughtSignature"] = NOT_SIGNED
        found.append(part)
    return found


def finish_reason(reason: FinishReason, calls: Iterable[ToolCall]) -> str:
    """Return Gemini's word; an answer cut by its limit may well end within a call."""
    if reason != "length" and any(_arguments(call) is None for call in calls):
        return MALFORMED
    return FINISH_REASONS[reason]


def usage_metadata(usage: TokenUsage) -> dict[str, int]:
    """Return the counts: thoughts are beside the candidates, the cache is inside the prompt."""
    found = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(usage.output_tokens - usage.reasoning_tokens, 0),
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.cached_input_tokens:
        found["cachedContentTokenCount"] = usage.cached_input_tokens
    if usage.reasoning_tokens:
        found["thoughtsTokenCount"] = usage.reasoning_tokens
    return found


def logprobs_result(logprobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return OpenAI's list of tokens in Gemini's two."""
    tokens = logprobs.get("content") or ()
    return {
        "topCandidates": [
            {"candidates": [_likely(one) for one in token.get("top_logprobs") or ()]}
            for token in tokens
        ],
        "chosenCandidates": [_likely(token) for token in tokens],
    }


def _likely(token: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": token.get("token"), "logProbability": token.get("logprob")}


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    if not call.arguments.strip():
        return {}
    try:
        found = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
