"""The Gemini dialect: the events of a streamed answer, as server-sent events or as an array. Pure.

Source of the format: ai.google.dev/api/generate-content (streamGenerateContent). Without `alt=sse`
the chunks are the elements of one JSON array, which grows.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, override

import orjson

from apps.core.chat import FinishReason, StreamEvent, Thinking, TokenUsage, ToolCall, ToolCallDelta
from apps.core.errors import RouterError
from apps.gateway.wire.gemini.answers import (
    DIALECT,
    Part,
    about,
    call_parts,
    candidate,
    finish_reason,
    thought_part,
    usage_metadata,
)
from apps.gateway.wire.gemini.errors import render_error
from apps.gateway.wire.gemini.signatures import wrap
from apps.gateway.wire.rendering import AnswerHead, StreamRenderer
from apps.gateway.wire.sse import data_event

ARRAY_TYPE = "application/json; charset=utf-8"


@dataclass(slots=True)
class _Progress:
    """How far one candidate has been told, and what of it is held back."""

    reason: FinishReason | None = None
    calls: dict[int, ToolCall] = field(default_factory=dict)
    has_told_thought: bool = False

    def add(self, delta: ToolCallDelta) -> None:
        """Hold a piece of a call back."""
        call = self.calls.get(delta.index)
        if call is None:
            call = ToolCall(delta.id, delta.name, "", delta.signature, delta.origin)
        self.calls[delta.index] = replace(call, arguments=call.arguments + delta.arguments)


class GeminiChunks(StreamRenderer):
    """Renders the events of one streamed answer as chunks.

    The reason comes with the counts, in the last chunk, and Gemini has no form for pieces of
    arguments: both are held back until the answer has ended.
    """

    def __init__(self, head: AnswerHead, *, is_array: bool) -> None:
        if is_array:
            self.content_type = ARRAY_TYPE
        self._about = about(head)
        self._is_array = is_array
        self._has_begun = False
        self._has_told_reason = False
        self._candidates: defaultdict[int, _Progress] = defaultdict(_Progress)

    @override
    def render(self, event: StreamEvent) -> bytes:
        if event.raw is not None and event.raw_dialect == DIALECT:
            return self._passed_through(event.raw)
        progress = self._candidates[event.choice]
        progress.reason = event.finish_reason or progress.reason
        if event.tool_call is not None:
            progress.add(event.tool_call)
        parts = list(_parts(event, progress))
        if event.finish_reason is not None:
            parts += call_parts(progress.calls.values())
        if not (parts or event.logprobs):
            return b""
        found = candidate(event.choice, parts, logprobs=event.logprobs)
        return self._frame({"candidates": [found]})

    @override
    def end(self, usage: TokenUsage | None) -> bytes:
        closing = b"]" if self._is_array else b""
        candidates = [
            candidate(
                index, [{"text": ""}], finish_reason(progress.reason, progress.calls.values())
            )
            for index, progress in sorted(self._candidates.items())
            if progress.reason is not None
        ]
        if self._has_told_reason or not candidates:
            return closing
        last: dict[str, Any] = {"candidates": candidates}
        if usage is not None:
            last["usageMetadata"] = usage_metadata(usage)
        return self._frame(last) + closing

    @override
    def error(self, error: RouterError) -> bytes:
        # No reason was told, so that nobody takes what came for the whole answer.
        told = render_error(error, error.http_status, "")
        if self._is_array:
            return self._framed(told) + b"]"
        # Google itself says it without a frame, and there alone some clients look: Node's of the
        # first major would take what came for all. Others stop at the event, or read no further.
        return self._framed(told) + orjson.dumps(told)

    def _passed_through(self, raw: Mapping[str, Any]) -> bytes:
        if not raw:
            # More of what a chunk said that was passed before.
            return b""
        reasons = [one.get("finishReason") for one in raw.get("candidates") or ()]
        self._has_told_reason |= any(reasons) or "promptFeedback" in raw
        return self._framed({**raw, **self._about})

    def _frame(self, chunk: dict[str, Any]) -> bytes:
        return self._framed({**chunk, **self._about})

    def _framed(self, chunk: Mapping[str, Any]) -> bytes:
        if not self._is_array:
            return data_event(chunk)
        begin = b",\r\n" if self._has_begun else b"["
        self._has_begun = True
        return begin + orjson.dumps(chunk)


def _parts(event: StreamEvent, progress: _Progress) -> Iterator[Part]:
    if event.thinking:
        progress.has_told_thought = True
        yield thought_part(event.thinking)
    if event.thought is not None:
        yield from _signed(event.thought, progress)
    if event.text:
        yield {"text": event.text}


def _signed(thought: Thinking, progress: _Progress) -> Iterator[Part]:
    """End a thought: its signature stands behind its pieces."""
    text = "" if progress.has_told_thought else thought.text
    progress.has_told_thought = False
    signature = wrap(thought)
    if text or signature:
        yield thought_part(text, signature)
