"""The OpenAI chat dialect: the events of a streamed answer as chunks. Pure.

Source of the format: OpenAI's API reference, "Chat completions" (streaming chunk).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, override

from apps.core.chat import FinishReason, StreamEvent, TokenUsage, ToolCallDelta
from apps.core.errors import RouterError
from apps.gateway.wire.openai_chat.answers import (
    DIALECT,
    answer_id,
    render_usage,
    signature_beside,
    thinking_block,
)
from apps.gateway.wire.openai_chat.errors import render_error
from apps.gateway.wire.rendering import AnswerHead, StreamRenderer
from apps.gateway.wire.sse import DONE, data_event


@dataclass(slots=True)
class _Progress:
    """How far one answer has been told; `thoughts` are those that were told whole."""

    has_begun: bool = False
    has_ended: bool = False
    thoughts: int = 0


class ChatChunks(StreamRenderer):
    """Renders the events of one streamed answer as `chat.completion.chunk` objects."""

    def __init__(self, head: AnswerHead, *, includes_usage: bool) -> None:
        self._head = {
            "id": answer_id(head),
            "object": "chat.completion.chunk",
            "created": head.created,
            "model": head.model,
        }
        self._includes_usage = includes_usage
        self._choices: defaultdict[int, _Progress] = defaultdict(_Progress)

    @override
    def render(self, event: StreamEvent) -> bytes:
        return b"".join(map(data_event, self.chunks(event)))

    @override
    def end(self, usage: TokenUsage | None) -> bytes:
        if usage is None or not self._includes_usage:
            return DONE
        last = {**self._head, "choices": [], "usage": render_usage(usage)}
        return data_event(last) + DONE

    @override
    def error(self, error: RouterError) -> bytes:
        # The SDKs raise on an event that holds an error; no marker of a good end follows.
        return data_event(render_error(error, error.http_status, ""))

    def chunks(self, event: StreamEvent) -> list[dict[str, Any]]:
        """Return the chunks of an event; usage comes at the end, for who asked for it."""
        progress = self._choices[event.choice]
        if event.raw is not None and event.raw_dialect == DIALECT:
            progress.has_begun = True
            return self._passed_through(event.raw)
        if progress.has_ended:
            # Nothing may follow the reason; what still comes are counts.
            return []
        opening = [] if progress.has_begun else [{"role": "assistant", "content": ""}]
        progress.has_begun = True
        found = [self._chunk(event, delta) for delta in opening]
        found += [
            self._chunk(event, delta, logprobs=event.logprobs) for delta in _deltas(event, progress)
        ]
        if event.finish_reason is not None:
            progress.has_ended = True
            found.append(self._chunk(event, {}, event.finish_reason))
        return found

    def _passed_through(self, raw: Mapping[str, Any]) -> list[dict[str, Any]]:
        if not raw.get("choices"):
            return []
        passed = {name: value for name, value in raw.items() if name != "usage"}
        return [{**passed, "id": self._head["id"], "model": self._head["model"]}]

    def _chunk(
        self,
        event: StreamEvent,
        delta: dict[str, Any],
        finish_reason: FinishReason | None = None,
        logprobs: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        choice = {
            "index": event.choice,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
        }
        return {**self._head, "choices": [choice]}


def _deltas(event: StreamEvent, progress: _Progress) -> Iterator[dict[str, Any]]:
    if event.thinking:
        yield {"reasoning_content": event.thinking}
    if event.thought is not None:
        # Lists in deltas are put together by index, also by the official client.
        block = {"index": progress.thoughts, **thinking_block(event.thought)}
        progress.thoughts += 1
        yield {"thinking_blocks": [block]}
    if event.text:
        yield {"content": event.text}
    if event.tool_call is not None:
        yield {"tool_calls": [_call_delta(event.tool_call)]}


def _call_delta(delta: ToolCallDelta) -> dict[str, Any]:
    if not delta.id:
        return {"index": delta.index, "function": {"arguments": delta.arguments}}
    function = {"name": delta.name, "arguments": delta.arguments}
    beside = signature_beside(delta.signature, delta.origin)
    return {
        "index": delta.index,
        "id": delta.id,
        "type": "function",
        "function": function,
        **beside,
    }
