"""OpenAI's chat completions, whole and streamed (openai 3.54, types/chat)."""

from itertools import takewhile, zip_longest

from apps.providers.wire_servers.exchange import Event, Exchange, Json, Request
from apps.providers.wire_servers.openai.manners import (
    arguments_of,
    call_id,
    indexed,
    placed_usage,
    thought_deltas,
    thoughtful,
)
from apps.providers.wire_servers.scripts import argument_pieces, pieces_of

DONE = Event("[DONE]")


def answer(exchange: Exchange) -> Json:
    """Return the whole completion."""
    reason = finish_reason(exchange)
    choices = [
        {"index": index, "message": _message(one), "logprobs": None, "finish_reason": reason}
        for index, one in enumerate(_choices(exchange))
    ]
    whole = _envelope(exchange, "chat.completion") | {"choices": choices}
    return whole if exchange.script.usage == "missing" else whole | {"usage": usage(exchange)}


def events(exchange: Exchange) -> list[Event]:
    """Return the chunks: role, content, tool calls, the reason, usage if asked for, `[DONE]`.

    Several choices come side by side, as they are made.
    """
    sides = zip_longest(*map(_deltas, _choices(exchange)))
    chunks = [
        _chunk(exchange, {"index": index, "delta": delta, "finish_reason": None})
        for side in sides
        for index, delta in enumerate(side)
        if delta is not None
    ]
    reason = finish_reason(exchange)
    chunks += [
        _chunk(exchange, {"index": index, "delta": {}, "finish_reason": reason})
        for index in range(len(_choices(exchange)))
    ]
    chunks = _azures_opening(exchange) + _with_usage(exchange, chunks)
    return [Event(chunk) for chunk in chunks] + [DONE]


def is_streamed(request: Request) -> bool:
    """Tell whether chunks are asked for."""
    return request.body.get("stream") is True


def answers_tools(body: Json) -> bool:
    """Tell whether results of tools came since the model spoke; their images are a user's turn."""
    since = takewhile(lambda one: one["role"] != "assistant", reversed(body["messages"]))
    return any(one["role"] == "tool" for one in since)


def finish_reason(exchange: Exchange) -> str:
    """Return why the answer ends."""
    if exchange.script.vendor_reason:
        return exchange.script.vendor_reason
    return "tool_calls" if exchange.script.calls else exchange.script.reason


def usage(exchange: Exchange) -> Json:
    """Return the count; cached and reasoning tokens are inside of the sums."""
    tokens = exchange.script.tokens
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.total,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.cache_written,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _choices(exchange: Exchange) -> list[Exchange]:
    wanted = exchange.body.get("n") or 1
    return exchange.answers(1 if exchange.habits.ignores_n else wanted)


def _envelope(exchange: Exchange, kind: str) -> Json:
    return {
        "id": exchange.new_id("chatcmpl-"),
        "object": kind,
        "created": exchange.moment,
        "model": exchange.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def _message(exchange: Exchange) -> Json:
    script = exchange.script
    message: Json = {"role": "assistant", "content": script.text or None, "refusal": None}
    if script.thought:
        message |= thoughtful(exchange, script.thought, script.text)
    calls = [
        {name: value for name, value in call.items() if name != "index"}
        for call in _whole_calls(exchange)
    ]
    return message | ({"tool_calls": calls} if calls else {})


def _whole_calls(exchange: Exchange) -> list[Json]:
    return [
        {
            "index": index,
            "id": call_id(exchange, index),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments_of(exchange, call)},
        }
        for index, call in enumerate(exchange.script.calls)
    ]


def _deltas(exchange: Exchange) -> list[Json]:
    script = exchange.script
    content = None if script.calls and not script.text else ""
    deltas: list[Json] = [{"role": "assistant", "content": content, "refusal": None}]
    deltas += thought_deltas(exchange)
    deltas += [{"content": piece} for piece in pieces_of(script.text)]
    if script.has_whole_calls or exchange.habits.has_object_arguments:
        calls = [indexed(exchange, call) for call in _whole_calls(exchange)]
        return [*deltas, {"tool_calls": calls}] if calls else deltas
    return deltas + [
        {"tool_calls": [indexed(exchange, delta)]}
        for index in range(len(script.calls))
        for delta in _call_deltas(exchange, index)
    ]


def _call_deltas(exchange: Exchange, index: int) -> list[Json]:
    """Name the call first, with empty arguments; only index and arguments follow."""
    call = exchange.script.calls[index]
    first: Json = {
        "index": index,
        "id": call_id(exchange, index),
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }
    return [first] + [
        {"index": index, "function": {"arguments": piece}} for piece in argument_pieces(call)
    ]


def _chunk(exchange: Exchange, choice: Json) -> Json:
    chunk = _envelope(exchange, "chat.completion.chunk")
    return chunk | {"choices": [choice | {"logprobs": None}]}


def _azures_opening(exchange: Exchange) -> list[Json]:
    """Return the chunk without choices with which Azure opens: what its filter says of the prompt.

    From learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming.
    """
    if not exchange.request.path.startswith("/openai/deployments/"):
        return []
    found = {"hate": {"filtered": False, "severity": "safe"}}
    results = [{"prompt_index": 0, "content_filter_results": found}]
    opening = {"id": "", "created": 0, "model": "", "choices": []}
    chunk = _envelope(exchange, "chat.completion.chunk")
    return [chunk | opening | {"prompt_filter_results": results}]


def _with_usage(exchange: Exchange, chunks: list[Json]) -> list[Json]:
    """Put the count on a chunk of its own without choices; every other one says null."""
    place, mode = exchange.habits.usage_place, exchange.script.usage
    if place != "apart" and mode != "missing":
        return placed_usage(chunks, usage(exchange), place)
    wanted = (exchange.body.get("stream_options") or {}).get("include_usage")
    if not wanted or mode == "missing":
        return chunks
    counted = usage(exchange)
    marked: list[Json] = [chunk | {"usage": None} for chunk in chunks]
    if mode == "twice":
        marked[-1]["usage"] = counted
    last = _envelope(exchange, "chat.completion.chunk") | {"choices": [], "usage": counted}
    return [*marked, last]
