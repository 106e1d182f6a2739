"""Gemini's generateContent, whole and streamed (ai.google.dev/api/generate-content)."""

from itertools import takewhile, zip_longest

from apps.providers.wire_servers.exchange import Event, Exchange, Framing, Json, Request
from apps.providers.wire_servers.gemini.spelling import camelled
from apps.providers.wire_servers.scripts import pieces_of, signature_of

REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
SIGNED = "function calls"
SIGNED_TEXT = "text"
NEWER = "gemini-3"
LIKELY = -0.25


def answer(exchange: Exchange) -> Json:
    """Return everything in each candidate, or none where the question was refused."""
    if exchange.script.is_blocked:
        return _blocked(exchange)
    parts = [_whole_parts(one) for one in _candidates(exchange)]
    return _chunk(exchange, parts, is_last=True, is_only=True)


def events(exchange: Exchange) -> list[Event]:
    """Return chunks of text, all calls of functions in one chunk, and the reason at the end."""
    if exchange.script.is_blocked:
        return [Event(_blocked(exchange))]
    candidates = _candidates(exchange)
    steps = list(zip_longest(*map(_steps, candidates), fillvalue=[]))
    chunks = [_chunk(exchange, list(step), is_last=False) for step in steps]
    # The reason comes with an empty text, after the calls; so Gemini does.
    last = [{"text": ""} | _text_signature(exchange)] if steps else []
    chunks.append(_chunk(exchange, [last] * len(candidates), is_last=True))
    return [Event(chunk) for chunk in chunks]


def _candidates(exchange: Exchange) -> list[Exchange]:
    config = camelled(exchange.body).get("generationConfig") or {}
    return exchange.answers(config.get("candidateCount") or 1)


def _whole_parts(exchange: Exchange) -> list[Json]:
    script = exchange.script
    parts: list[Json] = [{"text": script.thought, "thought": True}] if script.thought else []
    parts += [{"text": script.text} | _text_signature(exchange)] if script.text else []
    return parts + _calls(exchange)


def _steps(exchange: Exchange) -> list[list[Json]]:
    script = exchange.script
    return [
        *([{"text": piece, "thought": True}] for piece in pieces_of(script.thought)),
        *([{"text": piece}] for piece in pieces_of(script.text)),
        *([calls] if (calls := _calls(exchange)) else []),
    ]


def is_streamed(request: Request) -> bool:
    """Tell by the address, not by the body."""
    return request.path.endswith(":streamGenerateContent")


def framing_of(request: Request) -> Framing:
    """Return server-sent events if asked for; Gemini writes an array otherwise."""
    return Framing.SSE_CRLF if request.query.get("alt") == "sse" else Framing.ARRAY


def answers_tools(body: Json) -> bool:
    """Tell whether results of functions came since the model spoke; images may follow them."""
    contents = reversed(camelled(body)["contents"])
    since = takewhile(lambda one: one.get("role") != "model", contents)
    return any("functionResponse" in part for one in since for part in one["parts"])


def is_newer(model: str) -> bool:
    """Tell whether this is Gemini 3: it names its calls and wants its signatures back."""
    return model.removeprefix("models/").startswith(NEWER)


def _text_signature(exchange: Exchange) -> Json:
    """Return what newer models sign their thoughtful texts with; in a stream, at its end."""
    is_signed = exchange.script.thought and not exchange.script.calls and is_newer(exchange.model)
    return {"thoughtSignature": signature_of(SIGNED_TEXT)} if is_signed else {}


def _calls(exchange: Exchange) -> list[Json]:
    """Return the calls, older models' without ids; the first one alone carries the signature."""
    calls: list[Json] = [
        {"functionCall": {"name": call.name, "args": dict(call.arguments)}}
        for call in exchange.script.calls
    ]
    for at, call in enumerate(calls if is_newer(exchange.model) else []):
        call["functionCall"]["id"] = exchange.new_id("", at)
    if calls:
        calls[0]["thoughtSignature"] = signature_of(SIGNED)
    return calls


def _chunk(
    exchange: Exchange, parts: list[list[Json]], *, is_last: bool, is_only: bool = False
) -> Json:
    """Return a chunk, with these parts of each candidate."""
    script = exchange.script
    candidates: list[Json] = []
    for index, mine in enumerate(parts):
        content: Json = {"role": "model"} | ({"parts": mine} if mine else {})
        candidate: Json = {"content": content, "index": index} | _logprobs(exchange, mine)
        if is_last:
            candidate["finishReason"] = script.vendor_reason or REASONS[script.reason]
        candidates.append(candidate)
    chunk: Json = {"candidates": candidates}
    has_usage = script.usage == "twice" or is_last or script.usage == "once"
    if has_usage and script.usage != "missing":
        chunk["usageMetadata"] = _usage(exchange, is_complete=is_last or is_only)
    return chunk | {"modelVersion": exchange.model, "responseId": exchange.new_id("resp")}


def _logprobs(exchange: Exchange, parts: list[Json]) -> Json:
    config = camelled(exchange.body).get("generationConfig") or {}
    texts = [part["text"] for part in parts if part.get("text") and not part.get("thought")]
    if not config.get("responseLogprobs") or not texts:
        return {}
    result: Json = {"chosenCandidates": [_token(text, LIKELY) for text in texts]}
    if count := config.get("logprobs"):
        rivals = [_token(f"rival {number}", LIKELY - number) for number in range(1, count)]
        result["topCandidates"] = [
            {"candidates": [_token(text, LIKELY), *rivals]} for text in texts
        ]
    return {"logprobsResult": result}


def _token(text: str, log_probability: float) -> Json:
    return {"token": text, "tokenId": 7, "logProbability": log_probability}


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
