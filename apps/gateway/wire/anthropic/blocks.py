"""The blocks of a streamed message: one open at a time, numbered without gaps. Pure.

Source of the format: Anthropic's API reference, "Streaming messages" (event flow).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.core.chat import Thinking, ToolCall, ToolCallDelta
from apps.gateway.wire.anthropic.answers import ToolIds, thought_block
from apps.gateway.wire.anthropic.signatures import call_mark

type Step = Mapping[str, Any]
EMPTY: Mapping[str, Any] = {"text": "", "thinking": "", "signature": "", "input": {}}


@dataclass(slots=True)
class _Call:
    """A call on its way; `pieces` are those of its arguments that came, `told` of them told."""

    call: ToolCall
    pieces: list[str] = field(default_factory=list)
    told: int = 0

    def is_whole(self) -> bool:
        """Say whether the arguments are complete: JSON that is can have no more pieces."""
        try:
            orjson.loads("".join(self.pieces))
        except orjson.JSONDecodeError:
            return False
        return True


class ContentBlocks:
    """Puts pieces of an answer into blocks, and `take` gives the events that this makes.

    Other wires mix what belongs to several calls, or text among them. Here a block is closed for
    good: what comes while the arguments of a call are incomplete waits until they are.
    """

    def __init__(self, ids: ToolIds) -> None:
        self._ids = ids
        self._steps: list[Step] = []
        self._next = 0
        self._open = ""
        self._spaces = ""
        self._late_text: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._waiting: list[_Call] = []
        self._current: _Call | None = None
        self._has_told_thought = False

    def take(self) -> list[Step]:
        """Return the events since the last time."""
        steps, self._steps = self._steps, []
        return steps

    def text(self, piece: str) -> None:
        """Say a piece of text; spaces before anything else are no block of their own."""
        if self._current is not None and not self._close_call():
            self._late_text.append(piece)
            return
        if self._late_text:
            # It came before this piece, while the arguments of a call were still coming.
            piece, self._late_text = "".join((*self._late_text, piece)), []
        if self._open != "text":
            self._spaces += piece
            if not self._spaces.strip():
                return
            piece, self._spaces = self._spaces, ""
            self._start("text", {"type": "text"})
        self._delta({"type": "text_delta", "text": piece})

    def thinking(self, piece: str) -> None:
        """Say a piece of a thought; during a call's arguments there is no place for one."""
        if self._current is not None and not self._close_call():
            return
        if self._open != "thinking":
            self._start("thinking", {"type": "thinking"})
        self._has_told_thought = True
        self._delta({"type": "thinking_delta", "thinking": piece})

    def thought(self, thought: Thinking) -> None:
        """End the thought whose pieces were said, or say a whole one."""
        if self._current is not None and not self._close_call():
            return
        block = thought_block(thought)
        if self._open == "thinking" and not thought.redacted:
            self._sign(block["signature"])
            self._close()
        elif thought.redacted or not self._has_told_thought:
            self._whole_thought(block)
        else:
            # The pieces were told, and a text came before their signature.
            self._whole_thought({**block, "thinking": ""})
        self._has_told_thought = False

    def call(self, delta: ToolCallDelta) -> None:
        """Say a piece of a call: at once, or when those before it are complete."""
        found = self._calls.get(delta.index)
        if found is None:
            call = ToolCall(delta.id, delta.name, "", delta.signature, delta.origin)
            found = self._calls[delta.index] = _Call(call)
            self._waiting.append(found)
        if delta.arguments:
            found.pieces.append(delta.arguments)
        self._tell_arguments()
        while self._waiting and (self._current is None or self._close_call()):
            self._open_call(self._waiting.pop(0))

    def end(self) -> None:
        """Say what still waits, and close."""
        while self._current is not None or self._waiting:
            if self._current is not None:
                self._finish_call()
            if self._waiting:
                self._open_call(self._waiting.pop(0))
        late, self._late_text = "".join(self._late_text), []
        if late:
            self.text(late)
        self._close()

    # --- Calls ------------------------------------------------------------------------------------

    def _open_call(self, call: _Call) -> None:
        mark = call_mark(call.call)
        if mark:
            self._whole_thought({"type": "thinking", "thinking": "", "signature": mark})
        name, call_id = call.call.name, self._ids.id_for(call.call.id)
        self._start("tool_use", {"type": "tool_use", "id": call_id, "name": name})
        self._current = call
        self._tell_arguments()

    def _tell_arguments(self) -> None:
        call = self._current
        for piece in call.pieces[call.told :] if call else ():
            self._delta({"type": "input_json_delta", "partial_json": piece})
        if call:
            call.told = len(call.pieces)

    def _close_call(self) -> bool:
        """Close the call that is open if its arguments are complete."""
        if self._current is None or not self._current.is_whole():
            return False
        self._finish_call()
        return True

    def _finish_call(self) -> None:
        if self._current is not None and not self._current.pieces:
            self._delta({"type": "input_json_delta", "partial_json": "{}"})
        self._current = None
        self._close()

    # --- Blocks -----------------------------------------------------------------------------------

    def _whole_thought(self, block: Mapping[str, Any]) -> None:
        if block["type"] == "redacted_thinking":
            self._start("redacted_thinking", block)
        elif block["thinking"] or block["signature"]:
            self._start("thinking", {"type": "thinking"})
            if block["thinking"]:
                self._delta({"type": "thinking_delta", "thinking": block["thinking"]})
            self._sign(block["signature"])
        self._close()

    def _sign(self, signature: str) -> None:
        if signature:
            self._delta({"type": "signature_delta", "signature": signature})

    def _start(self, kind: str, block: Mapping[str, Any]) -> None:
        self._close()
        self._open, self._spaces = kind, ""
        opened = {**block, **_empty(kind)}
        step = {"type": "content_block_start", "index": self._next, "content_block": opened}
        self._steps.append(step)

    def _delta(self, delta: Mapping[str, Any]) -> None:
        step = {"type": "content_block_delta", "index": self._next, "delta": delta}
        self._steps.append(step)

    def _close(self) -> None:
        if not self._open:
            return
        self._open = ""
        self._steps.append({"type": "content_block_stop", "index": self._next})
        self._next += 1


def _empty(kind: str) -> dict[str, Any]:
    return {name: EMPTY[name] for name in OPENED_WITH.get(kind, ())}


# The fields of a block that fill up with its deltas.
OPENED_WITH: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "tool_use": ("input",),
}
