"""The OpenAI chat dialect: neutral answers, whole and streamed, to bodies. Pure.

Source of the format: OpenAI's API reference, "Chat completions" (object, streaming chunk). What it
has no place for is told as other gateways tell it, and read again by `openai_turns`:
`reasoning_content` (thoughts in clear) and `thinking_blocks` (the same, signed by who thought).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.chat import (
    ChatResponse,
    FinishReason,
    StreamEvent,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolCallDelta,
)

DIALECT = "openai.chat"


def render(response: ChatResponse, *, answer_id: str, model: str, created: int) -> dict[str, Any]:
    """Return a `chat.completion`; what the provider sent in this dialect stays as it was."""
    if response.raw_dialect == DIALECT and response.raw:
        return {**response.raw, "id": answer_id, "model": model}
    choice = {
        "index": 0,
        "message": _message(response),
        "logprobs": None,
        "finish_reason": response.finish_reason,
    }
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": render_usage(response.usage),
    }


def render_usage(usage: TokenUsage) -> dict[str, Any]:
    """Return the `usage` object."""
    prompt = {
        "cached_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _message(response: ChatResponse) -> dict[str, Any]:
    calls = [part for part in response.parts if isinstance(part, ToolCall)]
    thoughts = [part for part in response.parts if isinstance(part, Thinking)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": response.text or (None if calls else ""),
        "refusal": None,
    }
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    if thoughts:
        message["reasoning_content"] = "".join(thought.text for thought in thoughts) or None
        message["thinking_blocks"] = [_thinking_block(thought) for thought in thoughts]
    return message


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _thinking_block(thought: Thinking) -> dict[str, Any]:
    if thought.redacted:
        return {"type": "redacted_thinking", "data": thought.redacted, "origin": thought.origin}
    return {
        "type": "thinking",
        "thinking": thought.text,
        "signature": thought.signature,
        "origin": thought.origin,
    }


class ChunkRenderer:
    """Renders the events of one streamed answer as `chat.completion.chunk` objects."""

    def __init__(self, *, answer_id: str, model: str, created: int) -> None:
        self._head = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._has_begun = False
        self._has_ended = False
        self._thoughts = 0

    def chunks(self, event: StreamEvent) -> list[dict[str, Any]]:
        """Return the chunks of an event, usage apart (see `usage_chunk`)."""
        if event.raw is not None and event.raw_dialect == DIALECT:
            return self._passed_through(event.raw)
        if self._has_ended:
            # Nothing may follow the reason; what still comes are counts.
            return []
        found = [] if self._has_begun else [self._chunk({"role": "assistant", "content": ""})]
        self._has_begun = True
        found += [self._chunk(delta) for delta in self._deltas(event)]
        if event.finish_reason is not None:
            self._has_ended = True
            found.append(self._chunk({}, event.finish_reason))
        return found

    def usage_chunk(self, usage: TokenUsage) -> dict[str, Any]:
        """Return the last chunk of a caller who asked for usage."""
        return {**self._head, "choices": [], "usage": render_usage(usage)}

    def _deltas(self, event: StreamEvent) -> Iterator[dict[str, Any]]:
        if event.thinking:
            yield {"reasoning_content": event.thinking}
        if event.thought is not None:
            # Lists in deltas are put together by index, also by the official client.
            block = {"index": self._thoughts, **_thinking_block(event.thought)}
            self._thoughts += 1
            yield {"thinking_blocks": [block]}
        if event.text:
            yield {"content": event.text}
        if event.tool_call is not None:
            yield {"tool_calls": [_call_delta(event.tool_call)]}

    def _passed_through(self, raw: Mapping[str, Any]) -> list[dict[str, Any]]:
        if not raw.get("choices"):
            return []
        self._has_begun = True
        passed = {name: value for name, value in raw.items() if name != "usage"}
        return [{**passed, "id": self._head["id"], "model": self._head["model"]}]

    def _chunk(
        self, delta: dict[str, Any], finish_reason: FinishReason | None = None
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "choices": [choice]}


def _call_delta(delta: ToolCallDelta) -> dict[str, Any]:
    if not delta.id:
        return {"index": delta.index, "function": {"arguments": delta.arguments}}
    function = {"name": delta.name, "arguments": delta.arguments}
    return {"index": delta.index, "id": delta.id, "type": "function", "function": function}


def render_error(message: str, *, status: int, code: str, param: str | None) -> dict[str, Any]:
    """Return the error object that OpenAI's SDKs read."""
    return {
        "error": {"message": message, "type": _error_type(status), "param": param, "code": code}
    }


def _error_type(status: int) -> str:
    types = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    return types.get(status, "server_error" if status >= 500 else "invalid_request_error")
