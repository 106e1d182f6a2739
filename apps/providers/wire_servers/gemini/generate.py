"""Gemini's generateContent, whole and streamed (ai.google.dev/api/generate-content)."""

from apps.providers.wire_servers.exchange import Event, Exchange, Framing, Json, Request
from apps.providers.wire_servers.gemini.spelling import camelled
from apps.providers.wire_servers.scripts import pieces_of, signature_of

REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
SIGNED = "function calls"


def answer(exchange: Exchange) -> Json:
    """Return everything in one candidate, or none where the question was refused."""
    script = exchange.script
    if script.is_blocked:
        return _blocked(exchange)
    parts: list[Json] = [{"text": script.thought, "thought": True}] if script.thought else []
    parts += [{"text": script.text}] if script.text else []
    parts += _calls(exchange)
    return _chunk(exchange, parts, is_last=True, is_only=True)


def events(exchange: Exchange) -> list[Event]:
    """Return chunks of text, all calls of functions in one chunk, and the reason at the end."""
    script = exchange.script
    if script.is_blocked:
        return [Event(_blocked(exchange))]
    parts: list[list[Json]] = [
        *([{"text": piece, "thought": True}] for piece in pieces_of(script.thought)),
        *([{"text": piece}] for piece in pieces_of(script.text)),
        *([calls] if (calls := _calls(exchange)) else []),
    ]
    chunks = [_chunk(exchange, group, is_last=False) for group in parts]
    # The reason comes with an empty text, after the calls; so Gemini does.
    last = [{"text": ""}] if parts else []
    return [Event(chunk) for chunk in [*chunks, _chunk(exchange, last, is_last=True)]]


def is_streamed(request: Request) -> bool:
    """Tell by the address, not by the body."""
    return request.path.endswith(":streamGenerateContent")


def framing_of(request: Request) -> Framing:
    """Return server-sent events if asked for; Gemini writes an array otherwise."""
    return Framing.SSE_CRLF if request.query.get("alt") == "sse" else Framing.ARRAY


def answers_tools(body: Json) -> bool:
    """Tell whether the last turn brings results of functions."""
    last = camelled(body)["contents"][-1]
    return any("functionResponse" in part for part in last["parts"])


def _calls(exchange: Exchange) -> list[Json]:
    """Return the calls, without ids; the first one alone carries the signature."""
    calls: list[Json] = [
        {"functionCall": {"name": call.name, "args": dict(call.arguments)}}
        for call in exchange.script.calls
    ]
    if calls:
        calls[0]["thoughtSignature"] = signature_of(SIGNED)
    return calls


def _chunk(exchange: Exchange, parts: list[Json], *, is_last: bool, is_only: bool = False) -> Json:
    script = exchange.script
    content: Json = {"role": "model"} | ({"parts": parts} if parts else {})
    candidate: Json = {"content": content, "index": 0}
    if is_last:
        candidate["finishReason"] = script.vendor_reason or REASONS[script.reason]
    chunk: Json = {"candidates": [candidate]}
    has_usage = script.usage == "twice" or is_last or script.usage == "once"
    if has_usage and script.usage != "missing":
        chunk["usageMetadata"] = _usage(exchange, is_complete=is_last or is_only)
    return chunk | {"modelVersion": exchange.model, "responseId": exchange.new_id("resp")}


def _blocked(exchange: Exchange) -> Json:
    count = exchange.script.tokens.input
    return {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": count, "totalTokenCount": count},
        "modelVersion": exchange.model,
        "responseId": exchange.new_id("resp"),
    }


def _usage(exchange: Exchange, *, is_complete: bool) -> Json:
    """Return the count so far: thoughts are beside the candidates, the cache inside the prompt."""
    tokens = exchange.script.tokens
    output = tokens.output - tokens.reasoning if is_complete else 1
    usage: Json = {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": output,
        "totalTokenCount": tokens.input + output + tokens.reasoning,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
    }
    if tokens.cached:
        usage["cachedContentTokenCount"] = tokens.cached
    return usage | ({"thoughtsTokenCount": tokens.reasoning} if tokens.reasoning else {})
