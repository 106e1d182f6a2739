"""What we send to an OpenAI-compatible server; a body of the same dialect is barely touched."""

import re
from typing import Any

from apps.core.chat import ChatRequest
from apps.providers.adapters.base import Connection, ProviderCall
from apps.providers.adapters.openai.turns import build_messages

DEFAULT_BASE_URL = "https://api.openai.com/v1"
CHAT, EMBEDDINGS = "chat/completions", "embeddings"
# The provider takes no more stop sequences than these.
MAX_STOPS = 4
LIMIT_NAMES = ("max_completion_tokens", "max_tokens")
# Reasoning families refuse the older name of the limit; many compatible servers know no other.
REASONING_FAMILY = re.compile(r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|\d\d))")


def build_headers(call: ProviderCall) -> dict[str, str]:
    """Return the headers of a call; nothing of the client's own headers is among them."""
    headers = {"content-type": "application/json", "x-client-request-id": call.request_id}
    if call.connection.secret:
        headers["authorization"] = f"Bearer {call.connection.secret}"
    return headers


def build_url(connection: Connection, service: str = CHAT) -> str:
    """Return the address of a service."""
    return f"{(connection.base_url or DEFAULT_BASE_URL).rstrip('/')}/{service}"


def build_body(call: ProviderCall, *, is_streamed: bool) -> dict[str, Any]:
    """Return the body; the caller's own when it speaks this dialect, with only ours replaced."""
    request = call.request
    is_same = request.dialect == "openai.chat" and bool(request.raw)
    body = request.body() if is_same else _from_neutral(request)
    body["model"] = call.connection.upstream_model
    _set_limit(body, call)
    _set_streaming(body, is_streamed=is_streamed)
    if not body.get("store"):
        # Tags of ours: the provider refuses metadata of answers that it does not store.
        body.pop("metadata", None)
    return body


def _from_neutral(request: ChatRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": "",
        "messages": build_messages(message.as_turn() for message in request.messages),
        **request.parameters,
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.stop:
        body["stop"] = list(request.stop[:MAX_STOPS])
    if request.max_output_tokens is not None:
        body["max_tokens"] = request.max_output_tokens
    return body


def _set_limit(body: dict[str, Any], call: ProviderCall) -> None:
    """Write the limit once, under the name that the model understands."""
    given = {name: body.pop(name) for name in LIMIT_NAMES if name in body}
    limit = call.max_output_tokens
    if limit is None:
        limit = next((value for value in given.values() if value is not None), None)
    if limit is None:
        return
    is_modern = bool(REASONING_FAMILY.match(call.connection.upstream_model))
    name = LIMIT_NAMES[0] if is_modern else next(iter(given), LIMIT_NAMES[1])
    body[name] = limit


def _set_streaming(body: dict[str, Any], *, is_streamed: bool) -> None:
    options = body.pop("stream_options", None)
    if not is_streamed:
        body.pop("stream", None)
        return
    body["stream"] = True
    # Usage bills; the client is spared the extra chunk when it did not ask for it.
    kept = options if isinstance(options, dict) else {}
    body["stream_options"] = {**kept, "include_usage": True}
