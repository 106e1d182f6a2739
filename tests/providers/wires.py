"""How the vendors write answers, streams and errors: the fake provider's three languages."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

PIECES = ("Olá, ", "mundo ", "🌍!")
TEXT = "".join(PIECES)
# Tokens: 20 fresh + 5 cached of input, 7 of output.
FRESH, CACHED, OUTPUT = 20, 5, 7


@dataclass
class Script:
    """What the provider does next; the defaults are a healthy answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "something is wrong"
    code: str = ""
    body: bytes = b""
    has_usage: bool = True
    reason: str = "stop"
    delay: float = 0.0
    pause: float = 0.0
    piece_bytes: int = 0
    hangs: bool = False
    # Ends the stream before its end: with a reset when `is_cut`, quietly when only `stops_early`.
    is_cut: bool = False
    stops_early: bool = False
    rubbish: bytes = b""
    is_crlf: bool = False
    # Says an error after so many events, or after the first text.
    error_after: int | Literal["text"] | None = None
    # Anthropic's content blocks, in place of the usual text.
    blocks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Wire:
    """One vendor's language."""

    whole: Callable[[Script], dict[str, Any]]
    events: Callable[[Script], Iterator[bytes]]
    error: Callable[[Script], dict[str, Any]]
    is_streamed: Callable[[str, dict[str, Any]], bool]


def wire_of(path: str) -> str:
    """Tell the wire by the path."""
    if path.endswith("/chat/completions"):
        return "openai"
    return "anthropic" if "/messages" in path else "google"


def _event(script: Script, data: Any, *, name: str = "") -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    lines = ([f"event: {name}"] if name else []) + [f"data: {text}", "", ""]
    return ("\r\n" if script.is_crlf else "\n").join(lines).encode()


def _broken(script: Script, events: list[bytes]) -> Iterator[bytes]:
    """Apply what goes wrong inside of a stream."""
    if script.is_cut or script.stops_early:
        events = events[: len(events) // 2]
    if script.error_after is not None:
        events = events[: _count_before_error(script, events)]
    yield from events
    if script.rubbish:
        yield script.rubbish


def _count_before_error(script: Script, events: list[bytes]) -> int | None:
    if script.error_after != "text":
        return script.error_after
    return 1 + next(i for i, event in enumerate(events) if PIECES[0].encode() in event)


# --- OpenAI ---------------------------------------------------------------------------------------


def _openai_usage() -> dict[str, Any]:
    return {
        "prompt_tokens": FRESH + CACHED,
        "completion_tokens": OUTPUT,
        "total_tokens": FRESH + CACHED + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": CACHED},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }


def _openai_whole(script: Script) -> dict[str, Any]:
    message = {"role": "assistant", "content": TEXT}
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "upstream-name",
        "choices": [{"index": 0, "message": message, "finish_reason": script.reason}],
        "timings": {"an_unknown_field": 1},
    }
    return answer | ({"usage": _openai_usage()} if script.has_usage else {})


def _openai_chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}


def _openai_events(script: Script) -> Iterator[bytes]:
    events = [b": keep-alive\n\n", _event(script, _openai_chunk({"role": "assistant"}))]
    events += [_event(script, _openai_chunk({"content": piece})) for piece in PIECES]
    events.append(_event(script, _openai_chunk({}, script.reason)))
    if script.has_usage:
        events.append(_event(script, {"id": "chatcmpl-1", "choices": [], "usage": _openai_usage()}))
    events.append(_event(script, "[DONE]"))
    broken = list(_broken(script, events))
    if script.error_after is not None:
        broken.append(_event(script, _openai_error(script)))
    yield from broken


def _openai_error(script: Script) -> dict[str, Any]:
    kind = {"message": script.message, "type": "some_error", "param": None}
    return {"error": kind | {"code": script.code or None}}


# --- Anthropic ------------------------------------------------------------------------------------

ANTHROPIC_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def _anthropic_usage() -> dict[str, int]:
    return {
        "input_tokens": FRESH,
        "cache_read_input_tokens": CACHED,
        "cache_creation_input_tokens": 0,
        "output_tokens": OUTPUT,
    }


def _anthropic_whole(script: Script) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "upstream-name",
        "content": list(script.blocks) or [{"type": "text", "text": TEXT}],
        "stop_reason": ANTHROPIC_REASONS.get(script.reason, script.reason),
        "stop_sequence": None,
    }
    return answer | ({"usage": _anthropic_usage()} if script.has_usage else {})


def _anthropic_events(script: Script) -> Iterator[bytes]:
    start = _anthropic_whole(script) | {"content": [], "stop_reason": None}
    if script.has_usage:
        start["usage"] = _anthropic_usage() | {"output_tokens": 1}
    reason = ANTHROPIC_REASONS.get(script.reason, script.reason)
    end: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": reason}}
    if script.has_usage:
        end["usage"] = {"output_tokens": OUTPUT}
    steps: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "ping"},
        *_anthropic_block_events(script),
        end,
        {"type": "message_stop"},
    ]
    events = [_event(script, step, name=str(step["type"])) for step in steps]
    broken = list(_broken(script, events))
    if script.error_after is not None:
        broken.append(_event(script, _anthropic_error(script), name="error"))
    yield from broken


def _anthropic_block_events(script: Script) -> Iterator[dict[str, Any]]:
    for index, block in enumerate(script.blocks or ({"type": "text", "pieces": PIECES},)):
        empty, deltas = _anthropic_deltas(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}


def _anthropic_deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a block as it begins, and what fills it."""
    match block["type"]:
        case "text":
            pieces = block.get("pieces") or (block["text"],)
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
            return {"type": "text", "text": ""}, deltas
        case "thinking":
            return {**block, "thinking": "", "signature": ""}, [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case "tool_use" if block["input"]:
            text = json.dumps(block["input"])
            pieces = ("", text[:5], text[5:])
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            return {**block, "input": {}}, deltas
    return block, []


def _anthropic_error(script: Script) -> dict[str, Any]:
    kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}
    kind = kinds.get(script.status, "overloaded_error" if script.status >= 500 else "api_error")
    if script.status == 429:
        kind = "rate_limit_error"
    return {"type": "error", "error": {"type": script.code or kind, "message": script.message}}


# --- Google ---------------------------------------------------------------------------------------

GOOGLE_REASONS = {"stop": "STOP", "length": "MAX_TOKENS"}


def _google_chunk(script: Script, text: str, *, is_last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}}
    chunk: dict[str, Any] = {"candidates": [candidate], "responseId": "resp-1"}
    if is_last:
        candidate["finishReason"] = GOOGLE_REASONS.get(script.reason, script.reason)
    if script.has_usage:
        chunk["usageMetadata"] = {
            "promptTokenCount": FRESH + CACHED,
            "cachedContentTokenCount": CACHED,
            "candidatesTokenCount": (OUTPUT - 2) if is_last else 1,
            "thoughtsTokenCount": 2,
        }
    return chunk


def _google_whole(script: Script) -> dict[str, Any]:
    return _google_chunk(script, TEXT, is_last=True)


def _google_events(script: Script) -> Iterator[bytes]:
    events = [
        _event(script, _google_chunk(script, piece, is_last=piece is PIECES[-1]))
        for piece in PIECES
    ]
    broken = list(_broken(script, events))
    if script.error_after is not None:
        broken.append(_event(script, _google_error(script)))
    yield from broken


def _google_error(script: Script) -> dict[str, Any]:
    names = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
    status = script.status if script.status != 200 else 503
    error: dict[str, Any] = {"code": status, "message": script.message}
    return {"error": error | {"status": names.get(status, "UNKNOWN")}}


WIRES = {
    "openai": Wire(
        _openai_whole, _openai_events, _openai_error, lambda _path, body: bool(body.get("stream"))
    ),
    "anthropic": Wire(
        _anthropic_whole,
        _anthropic_events,
        _anthropic_error,
        lambda _path, body: bool(body.get("stream")),
    ),
    "google": Wire(
        _google_whole,
        _google_events,
        _google_error,
        lambda path, _body: "streamGenerateContent" in path,
    ),
}
