"""OpenAI's Responses API: the whole answer and what is stored (openai 3.54, types/responses)."""

from typing import Any

from apps.providers.wire_servers.exchange import Exchange, Json, Refusal
from apps.providers.wire_servers.scripts import signature_of

# Echoed from the request, with what holds when it says nothing.
ECHOED: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
ENCRYPTED = "reasoning.encrypted_content"


def answer(exchange: Exchange) -> Json:
    """Return the whole response, and keep it unless the client asked not to."""
    output = output_of(exchange)
    ended: Json = {"status": "completed", "incomplete_details": None}
    if reason := incomplete_reason(exchange):
        ended = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    whole = envelope(exchange) | ended | {"output": output, "usage": _usage(exchange)}
    if exchange.body.get("store", True):
        exchange.memory.responses[whole["id"]] = whole
    return whole


def envelope(exchange: Exchange) -> Json:
    """Return the response as it stands before anything was said."""
    given = {name: exchange.body.get(name) for name in ECHOED}
    echoed = {name: ECHOED[name] if value is None else value for name, value in given.items()}
    return {
        "id": exchange.new_id("resp_"),
        "object": "response",
        "created_at": exchange.moment,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": exchange.model,
        "output": [],
        "usage": None,
        **echoed,
    }


def output_of(exchange: Exchange) -> list[Json]:
    """Return reasoning, message and calls; each has an id of its own."""
    script = exchange.script
    items: list[Json] = [_reasoning(exchange)] if script.thought else []
    if script.text or not script.calls:
        items.append(_message(exchange))
    calls: list[Json] = [
        {
            "type": "function_call",
            "id": exchange.new_id("fc_", index),
            "call_id": exchange.new_id("call_", index),
            "name": call.name,
            "arguments": call.text,
            "status": "completed",
        }
        for index, call in enumerate(script.calls)
    ]
    return items + calls


def incomplete_reason(exchange: Exchange) -> str:
    """Return why the answer is not complete; "" when it is."""
    reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
    return reasons.get(exchange.script.reason, "")


def answers_tools(body: Json) -> bool:
    """Tell whether the last item is the result of a function."""
    given: Any = body["input"]
    return isinstance(given, list) and given[-1].get("type") == "function_call_output"


def check_stored(exchange: Exchange) -> None:
    """Refuse an id that nothing was stored under."""
    if exchange.model not in exchange.memory.responses:
        raise Refusal(404, f"Response with id '{exchange.model}' not found.", code="not_found")


def retrieve(exchange: Exchange) -> Json:
    """Return what was stored."""
    return exchange.memory.responses[exchange.model]


def delete(exchange: Exchange) -> Json:
    """Forget what was stored."""
    del exchange.memory.responses[exchange.model]
    return {"id": exchange.model, "object": "response", "deleted": True}


def _reasoning(exchange: Exchange) -> Json:
    thought = exchange.script.thought
    item: Json = {
        "type": "reasoning",
        "id": exchange.new_id("rs_"),
        "summary": [{"type": "summary_text", "text": thought}],
    }
    is_wanted = ENCRYPTED in (exchange.body.get("include") or [])
    return item | ({"encrypted_content": signature_of(thought)} if is_wanted else {})


def _message(exchange: Exchange) -> Json:
    text = {"type": "output_text", "text": exchange.script.text, "annotations": [], "logprobs": []}
    status = "incomplete" if incomplete_reason(exchange) else "completed"
    return {
        "type": "message",
        "id": exchange.new_id("msg_"),
        "role": "assistant",
        "status": status,
        "content": [text],
    }


def _usage(exchange: Exchange) -> Json | None:
    tokens = exchange.script.tokens
    if exchange.script.usage == "missing":
        return None
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.cache_written,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total,
    }
