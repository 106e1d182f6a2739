"""The OpenAI chat dialect: neutral answers to bodies. Pure.

Source of the format: OpenAI's API reference, "Chat completions" (object). What it
has no place for is told as other gateways tell it, and read again by `turns`:
`reasoning_content` (thoughts in clear), `thinking_blocks` (the same, signed by who thought) and
`extra_content` of a tool call (its signature).
"""

from typing import Any

from apps.core.chat import ChatResponse, Choice, Thinking, TokenUsage, ToolCall
from apps.gateway.wire.rendering import AnswerHead

DIALECT = "openai.chat"


def render(response: ChatResponse, head: AnswerHead) -> dict[str, Any]:
    """Return a `chat.completion`; what the provider sent in this dialect stays as it was."""
    if response.raw_dialect == DIALECT and response.raw:
        return {**response.raw, "id": answer_id(head), "model": head.model}
    return {
        "id": answer_id(head),
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [_choice(answer, index) for index, answer in enumerate(response.answers)],
        "usage": render_usage(response.usage),
    }


def answer_id(head: AnswerHead) -> str:
    return f"chatcmpl-{head.token}"


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


def _choice(answer: ChatResponse | Choice, index: int) -> dict[str, Any]:
    return {
        "index": index,
        "message": _message(answer),
        "logprobs": answer.logprobs,
        "finish_reason": answer.finish_reason,
    }


def _message(answer: ChatResponse | Choice) -> dict[str, Any]:
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    thoughts = [part for part in answer.parts if isinstance(part, Thinking)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text or (None if calls else ""),
        "refusal": None,
    }
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    if thoughts:
        message["reasoning_content"] = "".join(thought.text for thought in thoughts) or None
        message["thinking_blocks"] = [thinking_block(thought) for thought in thoughts]
    return message


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    beside = signature_beside(call.signature, call.origin)
    return {"id": call.id, "type": "function", "function": function, **beside}


def signature_beside(signature: str, origin: str) -> dict[str, Any]:
    """Return the signature of a call where Google's own servers of this dialect have it."""
    return {"extra_content": {origin: {"thought_signature": signature}}} if signature else {}


def thinking_block(thought: Thinking) -> dict[str, Any]:
    if thought.redacted:
        return {"type": "redacted_thinking", "data": thought.redacted, "origin": thought.origin}
    return {
        "type": "thinking",
        "thinking": thought.text,
        "signature": thought.signature,
        "origin": thought.origin,
    }
