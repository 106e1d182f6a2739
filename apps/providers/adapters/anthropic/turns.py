"""Neutral turns as Anthropic's system text and messages: strict turns, results grouped first."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import dropwhile

from apps.core.chat import Text, Thinking, ToolCall, ToolResult, Turn
from apps.providers.adapters.anthropic.content import (
    Block,
    blocks_of,
    legal_id,
    result_block,
)
from apps.providers.adapters.anthropic.thoughts import can_replay
from apps.providers.adapters.failures import not_expressible

FILLER = "…"
NO_RESULT = Text("[the call was broken off: there is no result]")

type Thread = list[dict[str, str | list[Block]]]


def build_system(turns: Iterable[Turn], dropped: list[str]) -> list[Block]:
    """Return the instructions of the whole conversation in order, wherever they stood."""
    parts = [part for turn in turns if turn.role == "system" for part in turn.parts]
    if not all(isinstance(part, Text) for part in parts):
        raise not_expressible("system messages are texts for this provider", param="messages")
    return blocks_of(parts, dropped)


def build_thread(turns: Iterable[Turn], dropped: list[str]) -> Thread:
    """Return the messages, user and assistant in turns; raises AttemptError."""
    thread = _Thread(dropped)
    for turn in turns:
        if turn.name:
            dropped.append("messages.name")
        thread.add(turn)
    thread.close()
    return thread.messages


def may_think(turns: tuple[Turn, ...]) -> bool:
    """Say whether the assistant's calls of tools that are under way begin with signed thoughts.

    The provider refuses to go on thinking where the thoughts that led to a call are missing.
    """
    before = [*dropwhile(lambda turn: turn.role == "user", reversed(turns))]
    # What is said along with results goes out in one message with them: the calls stay open.
    if len(before) < len(turns) and not (before and _is_of_calls(before[0])):
        return True
    for turn in before:
        if turn.role == "user":
            return True
        is_calling = any(isinstance(part, ToolCall) for part in turn.parts)
        first = turn.parts[0] if turn.parts else None
        if is_calling and not (isinstance(first, Thinking) and can_replay(first)):
            return False
    return True


def _is_of_calls(turn: Turn) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for part in turn.parts)


class _Thread:
    """Builds messages; the results of a turn's calls are waited for until the next turn."""

    def __init__(self, dropped: list[str]) -> None:
        self.messages: Thread = []
        self._dropped = dropped
        self._used: set[str] = set()
        # The open calls: their ids in the caller's words, and as they go out.
        self._calls: dict[str, str] = {}
        self._results: dict[str, ToolResult] = {}
        self._later: list[Block] = []

    def add(self, turn: Turn) -> None:
        match turn.role:
            case "user":
                self._later += blocks_of(turn.parts, self._dropped)
            case "tool":
                self._add_results(turn)
            case "assistant":
                self._add_assistant(turn)

    def close(self) -> None:
        """Answer what is open; a begun answer at the end must not end in spaces."""
        self._flush()
        if not self.messages:
            return
        *_, last = self.messages
        content = last["content"]
        if last["role"] == "assistant" and isinstance(content, list):
            content[-1] = {**content[-1], **_without_last_spaces(content[-1])}

    def _add_assistant(self, turn: Turn) -> None:
        if self._results or self._later:
            self._flush()
        parts = [self._opened(part) if isinstance(part, ToolCall) else part for part in turn.parts]
        self._append("assistant", blocks_of(parts, self._dropped))

    def _opened(self, call: ToolCall) -> ToolCall:
        """Open a call under an id of its own: some providers use theirs again in later turns."""
        if call.id in self._calls:
            message = f"two tool calls of one turn have the id {call.id!r}"
            raise not_expressible(message, param="messages")
        legal = fresh = legal_id(call.id)
        number = 1
        while fresh in self._used:
            number += 1
            fresh = f"{legal}_{number}"
        self._used.add(fresh)
        self._calls[call.id] = fresh
        return replace(call, id=fresh)

    def _add_results(self, turn: Turn) -> None:
        for part in turn.parts:
            if isinstance(part, ToolResult) and part.call_id not in self._calls:
                message = f"the tool result {part.call_id!r} answers no call of the turn before it"
                raise not_expressible(message, param="messages")
            if isinstance(part, ToolResult):
                self._results[part.call_id] = part
            else:
                self._later += blocks_of((part,), self._dropped)

    def _flush(self) -> None:
        blocks = [result_block(self._result_of(call_id), self._dropped) for call_id in self._calls]
        self._append("user", [*blocks, *self._later])
        self._calls, self._results, self._later = {}, {}, []

    def _result_of(self, call_id: str) -> ToolResult:
        if call_id in self._results:
            return replace(self._results[call_id], call_id=self._calls[call_id])
        return ToolResult(self._calls[call_id], (NO_RESULT,), is_error=True)

    def _append(self, role: str, blocks: list[Block]) -> None:
        if not blocks:
            return
        if not self.messages and role == "assistant":
            self.messages.append({"role": "user", "content": [{"type": "text", "text": FILLER}]})
        last = self.messages[-1] if self.messages else {}
        content = last.get("content")
        if last.get("role") == role and isinstance(content, list):
            content += blocks
        else:
            self.messages.append({"role": role, "content": blocks})


def _without_last_spaces(block: Block) -> Block:
    return {"text": block["text"].rstrip()} if block["type"] == "text" else {}
