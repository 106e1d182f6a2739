"""Neutral turns as Gemini's system instruction and contents: calls, then all of their results."""

from collections.abc import Iterable

from apps.core.chat import Part, Text, Thinking, ToolCall, ToolResult, Turn
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.google.content import (
    ORIGIN,
    Block,
    call_part,
    media_beside,
    media_part,
    result_part,
    thought_part,
)
from apps.providers.adapters.google.families import NEWEST, Version

FILLER = "…"
NO_RESULT = "the call was broken off: there is no result"

type Contents = list[Block]


def build_system(turns: Iterable[Turn], dropped: list[str]) -> list[Block]:
    """Return the instructions of the whole conversation in order, wherever they stood."""
    parts = [part for turn in turns if turn.role == "system" for part in turn.parts]
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) < len(parts):
        raise not_expressible("system messages are texts for this provider", param="messages")
    _note_marks(texts, dropped)
    return [{"text": part.text} for part in texts if part.text.strip()]


def build_contents(
    turns: Iterable[Turn], dropped: list[str], version: Version = NEWEST
) -> Contents:
    """Return the turns of user and model; raises AttemptError."""
    thread = _Thread(dropped, version)
    for turn in turns:
        if turn.name:
            dropped.append("messages.name")
        thread.add(turn)
    thread.close()
    return thread.contents


class _Thread:
    """Builds contents; the results of a turn's calls are waited for until the next turn."""

    def __init__(self, dropped: list[str], version: Version) -> None:
        self.contents: Contents = []
        self._dropped = dropped
        self._version = version
        self._calls: dict[str, ToolCall] = {}
        self._results: dict[str, ToolResult] = {}
        self._later: list[Block] = []

    def add(self, turn: Turn) -> None:
        _note_marks(turn.parts, self._dropped)
        match turn.role:
            case "user":
                self._later += self._said(turn.parts)
            case "tool":
                self._add_results(turn)
            case "assistant":
                if self._results or self._later:
                    self.close()
                self._open_calls(turn)
                self._append("model", _Signed(self._dropped, self._version).parts(turn))

    def close(self) -> None:
        """Answer the calls that are open, then say what the user said."""
        results = [self._result_of(call_id) for call_id in self._calls]
        calls = self._calls.values()
        beside = [block for each in results for block in media_beside(each, self._version)]
        answered = [
            result_part(result, call, self._version)
            for result, call in zip(results, calls, strict=True)
        ]
        if answered:
            # All results of a turn are one content of their own.
            self.contents.append({"role": "user", "parts": answered})
        self._append("user", [*beside, *self._later], is_apart=bool(answered))
        self._calls, self._results, self._later = {}, {}, []

    def _said(self, parts: Iterable[Part]) -> list[Block]:
        found: list[Block] = []
        for part in parts:
            match part:
                case Text() if part.text.strip():
                    found.append({"text": part.text})
                case Text():
                    pass
                case Thinking() | ToolCall() | ToolResult():
                    raise not_expressible("a user thinks and calls nothing", param="messages")
                case _:
                    found.append(media_part(part, self._version))
        return found

    def _open_calls(self, turn: Turn) -> None:
        for part in turn.parts:
            if isinstance(part, ToolCall) and part.id in self._calls:
                message = f"two tool calls of one turn have the id {part.id!r}"
                raise not_expressible(message, param="messages")
            if isinstance(part, ToolCall):
                self._calls[part.id] = part

    def _add_results(self, turn: Turn) -> None:
        for part in turn.parts:
            if not isinstance(part, ToolResult):
                self._later += self._said((part,))
            elif part.call_id in self._calls:
                _note_marks(part.parts, self._dropped)
                self._results[part.call_id] = part
            else:
                message = f"the tool result {part.call_id!r} answers no call of the turn before it"
                raise not_expressible(message, param="messages")

    def _result_of(self, call_id: str) -> ToolResult:
        broken = ToolResult(call_id, (Text(NO_RESULT),), is_error=True)
        return self._results.get(call_id, broken)

    def _append(self, role: str, parts: list[Block], *, is_apart: bool = False) -> None:
        if not parts:
            return
        if not self.contents and role == "model":
            self.contents.append({"role": "user", "parts": [{"text": FILLER}]})
        if self.contents and self.contents[-1]["role"] == role and not is_apart:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})


class _Signed:
    """Builds the parts of one of the model's turns, each signature beside what it signs."""

    def __init__(self, dropped: list[str], version: Version) -> None:
        self._dropped = dropped
        self._version = version
        self._found: list[Block] = []
        self._has_called = False
        # A signature that came before the text that it belongs to.
        self._open = ""

    def parts(self, turn: Turn) -> list[Block]:
        for part in turn.parts:
            self._add(part)
        if self._open:
            self._found.append({"text": "", "thoughtSignature": self._open})
        return self._found

    def _add(self, part: Part) -> None:
        match part:
            case Text() if part.text:
                self._found.append(self._sign({"text": part.text}))
            case Text():
                pass
            case Thinking():
                self._think(part)
            case ToolCall():
                block = call_part(part, self._version, is_first=not self._has_called)
                self._has_called = True
                self._found.append(block)
            case ToolResult():
                raise not_expressible("a result is no part of an answer", param="messages")
            case _:
                self._found.append(media_part(part, self._version))

    def _think(self, thought: Thinking) -> None:
        if thought.origin != ORIGIN or thought.redacted:
            self._dropped.append("reasoning_content")
        elif thought.text:
            self._found.append(thought_part(thought))
        elif self._found and self._found[-1].keys() == {"text"}:
            self._found[-1]["thoughtSignature"] = thought.signature
        else:
            self._open = thought.signature

    def _sign(self, block: Block) -> Block:
        signature, self._open = self._open, ""
        return {**block, "thoughtSignature": signature} if signature else block


def _note_marks(parts: Iterable[Part], dropped: list[str]) -> None:
    """The provider caches by itself: marks for it have no place."""
    if any(getattr(part, "cache_control", None) is not None for part in parts):
        dropped.append("cache_control")
