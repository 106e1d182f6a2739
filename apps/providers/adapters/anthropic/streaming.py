"""A streamed message of Anthropic, event by event, into neutral events.

Source of the format: Anthropic's API reference, "Streaming messages".
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import orjson

from apps.core.chat import FinishReason, StreamEvent, Thinking, TokenUsage, ToolCallDelta
from apps.providers.adapters.anthropic.errors import error_in_stream
from apps.providers.adapters.anthropic.passthrough import DIALECT, is_same_dialect
from apps.providers.adapters.anthropic.responses import AS_SENT, read_finish_reason, read_usage
from apps.providers.adapters.anthropic.thoughts import ORIGIN, read_thought
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.reading import (
    arguments_text,
    as_mapping,
    as_text,
    estimated_usage,
)

# What may come long before the answer does, and commits the provider to nothing.
PRELUDE = ("message_start", "ping")
NO_BLOCK: Mapping[str, Any] = {}

type Json = Mapping[str, Any]


class Said(TypedDict, total=False):
    """What an event says in the neutral form: fields of `StreamEvent`."""

    text: str
    thinking: str
    thought: Thinking
    tool_call: ToolCallDelta
    finish_reason: FinishReason
    usage: TokenUsage
    stop_sequence: str


class EventReader:
    """Reads the events of one stream in order; only `message_stop` ends it.

    A caller of the same dialect gets every event as it came too, in `raw`. Those before the answer
    begins are kept back until it does: a provider that fails by then can still be replaced.
    """

    __slots__ = (
        "_answer_tool",
        "_block",
        "_block_pieces",
        "_call",
        "_calls",
        "_has_begun",
        "_is_passed",
        "_names",
        "_pieces",
        "_prelude",
        "_reason",
        "_signature",
        "_stop_sequence",
        "_usage",
        "is_finished",
    )

    def __init__(
        self,
        call: ProviderCall,
        *,
        answer_tool: str = "",
        names: Mapping[str, str] = AS_SENT,
    ) -> None:
        self._call = call
        self._answer_tool = answer_tool
        self._names = names
        self._is_passed = is_same_dialect(call.request)
        self._prelude: list[StreamEvent] = []
        self._pieces: list[str] = []
        self._usage: dict[str, Any] = {}
        self._reason: Any = None
        self._stop_sequence = ""
        self._calls = 0
        self._has_begun = False
        self._begin_block(NO_BLOCK)
        self.is_finished = False

    def read(self, payload: bytes) -> Sequence[StreamEvent]:
        """Read the data of one event; raises AttemptError for an error or for rubbish."""
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise self._rubbish() from error
        if not isinstance(event, dict):
            raise self._rubbish()
        return self.read_event(event)

    def read_event(self, event: Json) -> Sequence[StreamEvent]:
        """Read one event; raises AttemptError when it is an error."""
        kind = event.get("type")
        if kind == "error" or event.get("error"):
            secret = self._call.connection.secret
            raise error_in_stream(event, secret=secret, has_begun=self._has_begun)
        said = self._said(kind, event)
        if not self._is_passed:
            if not said:
                return ()
            self._has_begun = True
            return (StreamEvent(**said),)
        passed = StreamEvent(**said, raw=event, raw_dialect=DIALECT)
        return self._with_prelude(kind, passed)

    def end(self) -> None:
        """Raise AttemptError when the stream stopped before its end."""
        if not self.is_finished:
            raise AttemptError("cut", "the stream ended before the answer did")

    def _with_prelude(self, kind: Any, event: StreamEvent) -> Sequence[StreamEvent]:
        if self._has_begun:
            return (event,)
        self._prelude.append(event)
        if kind in PRELUDE:
            return ()
        self._has_begun = True
        return self._prelude

    def _rubbish(self) -> AttemptError:
        message = "the provider sent an event that is not a JSON object"
        return AttemptError("cut" if self._has_begun else "unavailable", message)

    def _said(self, kind: Any, event: Json) -> Said:
        match kind:
            case "content_block_delta":
                return self._delta(as_mapping(event.get("delta")))
            case "content_block_start":
                return self._start(as_mapping(event.get("content_block")))
            case "content_block_stop":
                return self._stop()
            case "message_start":
                self._note_usage(as_mapping(event.get("message")).get("usage"))
            case "message_delta":
                self._note_usage(event.get("usage"))
                self._note_ending(as_mapping(event.get("delta")))
            case "message_stop":
                return self._finish()
        return {}

    def _note_usage(self, usage: Any) -> None:
        """Join the counts; the later ones are cumulative, not additions."""
        for name, count in as_mapping(usage).items():
            if count is not None:
                self._usage[name] = count

    def _note_ending(self, delta: Json) -> None:
        self._reason = delta.get("stop_reason") or self._reason
        self._stop_sequence = as_text(delta.get("stop_sequence")) or self._stop_sequence

    def _begin_block(self, block: Json) -> None:
        self._block = block
        self._block_pieces: list[str] = []
        self._signature: list[str] = []

    def _start(self, block: Json) -> Said:
        self._begin_block(block)
        match block.get("type"):
            case "text":
                return self._text(as_text(block.get("text")))
            case "redacted_thinking":
                return {"thought": read_thought(block)}
            case "tool_use" if block.get("name") != self._answer_tool:
                self._calls += 1
                call_id, name = as_text(block.get("id")), as_text(block.get("name"))
                self._pieces.append(name)
                callers = self._names.get(name, name)
                return {"tool_call": ToolCallDelta(self._calls - 1, call_id, callers)}
        return {}

    def _delta(self, delta: Json) -> Said:
        match delta.get("type"):
            case "text_delta":
                return self._text(as_text(delta.get("text")))
            case "input_json_delta":
                return self._arguments(as_text(delta.get("partial_json")))
            case "thinking_delta":
                return self._thinking(as_text(delta.get("thinking")))
            case "signature_delta":
                self._signature.append(as_text(delta.get("signature")))
        return {}

    def _stop(self) -> Said:
        """End a block: a thought is whole now, and a call without arguments has empty ones."""
        block, pieces = self._block, self._block_pieces
        match block.get("type"):
            case "thinking":
                begun = read_thought(block)
                text = "".join((begun.text, *pieces))
                signature = "".join((begun.signature, *self._signature))
                return {"thought": Thinking(text, signature, origin=ORIGIN)}
            case "tool_use" if not pieces:
                return self._arguments(arguments_text(block.get("input")))
        return {}

    def _text(self, text: str) -> Said:
        if not text:
            return {}
        self._pieces.append(text)
        return {"text": text}

    def _thinking(self, text: str) -> Said:
        self._pieces.append(text)
        self._block_pieces.append(text)
        return {"thinking": text} if text else {}

    def _arguments(self, piece: str) -> Said:
        if not piece:
            return {}
        self._pieces.append(piece)
        self._block_pieces.append(piece)
        if self._block.get("type") != "tool_use":
            # A tool that the provider runs itself is no call of the caller's tools.
            return {}
        if self._block.get("name") == self._answer_tool:
            return {"text": piece}
        return {"tool_call": ToolCallDelta(self._calls - 1, arguments=piece)}

    def _finish(self) -> Said:
        self.is_finished = True
        usage = read_usage(self._usage) or estimated_usage(self._call, "".join(self._pieces))
        reason = read_finish_reason(self._reason, has_calls=bool(self._calls))
        said: Said = {"finish_reason": reason, "usage": usage}
        if self._stop_sequence:
            said["stop_sequence"] = self._stop_sequence
        return said
