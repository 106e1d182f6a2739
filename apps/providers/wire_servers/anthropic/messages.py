"""Anthropic's messages, whole and streamed (docs.anthropic.com/en/api/messages-streaming)."""

from apps.providers.wire_servers.demands import counted
from apps.providers.wire_servers.exchange import Event, Exchange, Json
from apps.providers.wire_servers.scripts import argument_pieces, pieces_of, signature_of

# What a client of today has never seen must reach it all the same, in this order of keys.
OF_TOMORROW: Json = {"z": 1, "a": {"y": [None, 2.5, "東京"], "x": True}}
REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def answer(exchange: Exchange) -> Json:
    """Return the whole message."""
    ending = {"stop_reason": _stop_reason(exchange), "stop_sequence": None}
    return _message(exchange) | {"content": _blocks(exchange)} | ending


def events(exchange: Exchange) -> list[Event]:
    """Return one block after the other between start and stop, with a ping among them."""
    start: Json = {"type": "message_start", "message": _message(exchange)}
    if "usage" in start["message"]:
        start["message"]["usage"]["output_tokens"] = 1
    steps = [start]
    for index, block in enumerate(_blocks(exchange)):
        steps += _block_steps(exchange, index, block)
    steps.insert(2, {"type": "ping"})
    if exchange.script.has_unknowns:
        steps.insert(3, {"type": "event_of_tomorrow", **OF_TOMORROW})
    steps += [*_endings(exchange), {"type": "message_stop"}]
    return [Event(step, str(step["type"])) for step in steps]


def answers_tools(body: Json) -> bool:
    """Tell whether the last message brings results of tools."""
    content = body["messages"][-1]["content"]
    return isinstance(content, list) and content[0].get("type") == "tool_result"


def count_tokens(exchange: Exchange) -> Json:
    """Return an estimate that grows with system text, tools and messages."""
    body = exchange.body
    return {"input_tokens": counted(body.get("system"), body.get("tools"), body["messages"])}


def _message(exchange: Exchange) -> Json:
    message: Json = {
        "id": exchange.new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": exchange.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    if exchange.script.has_unknowns:
        betas = exchange.request.headers.get("anthropic-beta", "")
        message["of_tomorrow"] = OF_TOMORROW | {"betas": betas.split(",")}
    missing = exchange.script.usage == "missing"
    return message if missing else message | {"usage": _usage(exchange)}


def _stop_reason(exchange: Exchange) -> str:
    if exchange.script.vendor_reason:
        return exchange.script.vendor_reason
    return "tool_use" if exchange.script.calls else REASONS[exchange.script.reason]


def _usage(exchange: Exchange) -> Json:
    """Return the count; what a cache read or took is beside `input_tokens`, not inside."""
    tokens = exchange.script.tokens
    return {
        "input_tokens": tokens.fresh,
        "cache_creation_input_tokens": tokens.cache_written,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
        "service_tier": "standard",
    }


def _blocks(exchange: Exchange) -> list[Json]:
    script = exchange.script
    blocks: list[Json] = []
    if script.thought:
        signature = signature_of(script.thought)
        blocks.append({"type": "thinking", "thinking": script.thought, "signature": signature})
    if script.hidden_thought:
        blocks.append({"type": "redacted_thinking", "data": script.hidden_thought})
    if script.text:
        blocks.append({"type": "text", "text": script.text})
    if script.has_unknowns:
        blocks.append({"type": "block_of_tomorrow", **OF_TOMORROW})
    return blocks + [
        {
            "type": "tool_use",
            "id": exchange.new_id("toolu_", index),
            "name": call.name,
            "input": dict(call.arguments),
        }
        for index, call in enumerate(script.calls)
    ]


EMPTY: dict[str, Json] = {
    "thinking": {"thinking": "", "signature": ""},
    "redacted_thinking": {},
    "text": {"text": ""},
    "tool_use": {"input": {}},
}


def _block_steps(exchange: Exchange, index: int, block: Json) -> list[Json]:
    opened = block | EMPTY.get(block["type"], {})
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *(
            {"type": "content_block_delta", "index": index, "delta": delta}
            for delta in _deltas(exchange, block)
        ),
        {"type": "content_block_stop", "index": index},
    ]


def _deltas(exchange: Exchange, block: Json) -> list[Json]:
    if block["type"] == "text":
        return [{"type": "text_delta", "text": piece} for piece in pieces_of(block["text"])]
    if block["type"] == "thinking":
        thoughts = pieces_of(block["thinking"])
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in thoughts]
        return [*deltas, {"type": "signature_delta", "signature": block["signature"]}]
    if block["type"] == "redacted_thinking":
        return []
    if block["type"] != "tool_use":
        return [{"type": "delta_of_tomorrow", **OF_TOMORROW}]
    # Anthropic opens the arguments with an empty piece, and ends there if there are none.
    calls = exchange.script.calls
    call = next(c for at, c in enumerate(calls) if exchange.new_id("toolu_", at) == block["id"])
    pieces = ["", *(argument_pieces(call) if call.arguments else [])]
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _endings(exchange: Exchange) -> list[Json]:
    """Return the reason with the cumulative count; said twice, the last one holds."""
    delta = {"stop_reason": _stop_reason(exchange), "stop_sequence": None}
    end: Json = {"type": "message_delta", "delta": delta}
    mode = exchange.script.usage
    if mode == "missing":
        return [end]
    end["usage"] = _usage(exchange) | {"output_tokens": exchange.script.tokens.output}
    early: Json = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 3}}
    return [early, end] if mode == "twice" else [end]
