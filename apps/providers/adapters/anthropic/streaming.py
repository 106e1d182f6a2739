"""A streamed message of Anthropic, event by event, into neutral events."""

from typing import Any

from apps.core.chat import StreamEvent, Thinking, ToolCallDelta
from apps.providers.adapters.anthropic.content import ORIGIN
from apps.providers.adapters.anthropic.responses import (
    arguments_text,
    estimated_usage,
    read_finish_reason,
    read_usage,
)
from apps.providers.adapters.base import AttemptError, ProviderCall


class EventReader:
    """Reads the events of one stream in order; only `message_stop` ends it."""

    __slots__ = (
        "_answer_tool",
        "_block",
        "_block_arguments",
        "_block_signature",
        "_block_thinking",
        "_call",
        "_calls",
        "_first_usage",
        "_last_usage",
        "_pieces",
        "_reason",
        "is_finished",
    )

    def __init__(self, call: ProviderCall, *, answer_tool: str = "") -> None:
        self._call = call
        self._answer_tool = answer_tool
        self._pieces: list[str] = []
        self._first_usage: Any = None
        self._last_usage: Any = None
        self._reason: str | None = None
        self._calls = 0
        self._begin_block(None)
        self.is_finished = False

    def read(self, event: Any) -> StreamEvent | None:
        """Read one event; None when it says nothing that the neutral form carries."""
        match getattr(event, "type", ""):
            case "message_start":
                self._first_usage = getattr(event.message, "usage", None)
            case "content_block_start":
                return self._start(event.content_block)
            case "content_block_delta":
                return self._delta(event.delta)
            case "content_block_stop":
                return self._stop()
            case "message_delta":
                self._last_usage = getattr(event, "usage", None)
                self._reason = event.delta.stop_reason or self._reason
            case "message_stop":
                return self._finish()
        return None

    def end(self) -> None:
        """Raise AttemptError when the stream stopped before its end."""
        if not self.is_finished:
            raise AttemptError("cut", "the stream ended before the answer did")

    def _begin_block(self, block: Any) -> None:
        self._block = block
        self._block_arguments = False
        self._block_thinking: list[str] = []
        self._block_signature: list[str] = []

    def _start(self, block: Any) -> StreamEvent | None:
        self._begin_block(block)
        match getattr(block, "type", ""):
            case "text" if block.text:
                return self._text(block.text)
            case "redacted_thinking":
                return StreamEvent(thought=Thinking(redacted=block.data, origin=ORIGIN))
            case "tool_use" if block.name != self._answer_tool:
                self._calls += 1
                self._pieces.append(block.name)
                return StreamEvent(tool_call=ToolCallDelta(self._calls - 1, block.id, block.name))
        return None

    def _delta(self, delta: Any) -> StreamEvent | None:
        match getattr(delta, "type", ""):
            case "text_delta":
                return self._text(delta.text)
            case "thinking_delta":
                self._pieces.append(delta.thinking)
                self._block_thinking.append(delta.thinking)
                return StreamEvent(thinking=delta.thinking)
            case "signature_delta":
                self._block_signature.append(delta.signature)
            case "input_json_delta" if delta.partial_json:
                return self._arguments(delta.partial_json)
        return None

    def _stop(self) -> StreamEvent | None:
        """End a block: a thought is whole now, and a call without arguments has empty ones."""
        block, signature = self._block, "".join(self._block_signature)
        match getattr(block, "type", ""):
            case "thinking":
                text = "".join((block.thinking or "", *self._block_thinking))
                return StreamEvent(thought=Thinking(text, signature, origin=ORIGIN))
            case "tool_use" if not self._block_arguments:
                return self._arguments(arguments_text(block.input))
        return None

    def _text(self, text: str) -> StreamEvent:
        self._pieces.append(text)
        return StreamEvent(text=text)

    def _arguments(self, piece: str) -> StreamEvent:
        self._block_arguments = True
        if getattr(self._block, "name", "") == self._answer_tool:
            return self._text(piece)
        self._pieces.append(piece)
        return StreamEvent(tool_call=ToolCallDelta(self._calls - 1, arguments=piece))

    def _finish(self) -> StreamEvent:
        self.is_finished = True
        usage = read_usage(self._first_usage, self._last_usage)
        return StreamEvent(
            finish_reason=read_finish_reason(self._reason, has_calls=bool(self._calls)),
            usage=usage or estimated_usage(self._call, "".join(self._pieces)),
        )
