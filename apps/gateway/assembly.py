"""Puts a streamed answer together again: the same parts, in order, as in the whole form. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.chat import (
    AnswerPart,
    Choice,
    FinishReason,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolCallDelta,
)


@dataclass(slots=True)
class _Call:
    """A call whose pieces are still coming."""

    id: str = ""
    name: str = ""
    signature: str = ""
    origin: str = ""
    arguments: list[str] = field(default_factory=list)

    def add(self, piece: ToolCallDelta) -> None:
        self.id, self.name = self.id or piece.id, self.name or piece.name
        self.signature, self.origin = piece.signature or self.signature, piece.origin or self.origin
        self.arguments.append(piece.arguments)

    def whole(self) -> ToolCall:
        arguments = "".join(self.arguments)
        return ToolCall(self.id, self.name, arguments, self.signature, self.origin)


class Assembly:
    """The answer of one stream, as far as it has come."""

    def __init__(self) -> None:
        self.usage: TokenUsage | None = None
        self.finish_reason: FinishReason | None = None
        self.stop_sequence = ""
        self.logprobs: dict[str, Any] | None = None
        # Texts as the list of their pieces; thoughts and calls in the order of their beginnings.
        self._parts: list[list[str] | Thinking | _Call] = []
        self._calls: dict[int, _Call] = {}
        self._thinking: list[str] = []
        # The answers after the first, by their number.
        self._others: dict[int, Assembly] = {}

    def add(self, event: StreamEvent) -> None:
        """Take the next event in."""
        self.usage = event.usage or self.usage
        (self._other(event.choice) if event.choice else self)._add(event)

    def _other(self, choice: int) -> "Assembly":
        return self._others.setdefault(choice, Assembly())

    def _add(self, event: StreamEvent) -> None:
        if event.thinking:
            self._thinking.append(event.thinking)
        if event.thought is not None:
            self._thinking.clear()
            self._parts.append(event.thought)
        if event.text:
            self._add_text(event.text)
        if event.tool_call is not None:
            self._add_call(event.tool_call)
        if event.logprobs is not None:
            self.logprobs = _joined(self.logprobs or {}, event.logprobs)
        self.finish_reason = event.finish_reason or self.finish_reason
        self.stop_sequence = event.stop_sequence or self.stop_sequence

    @property
    def text(self) -> str:
        return "".join(part.text for part in self._whole() if isinstance(part, Text))

    @property
    def parts(self) -> tuple[AnswerPart, ...]:
        """All parts in order, empty when text is all there is."""
        parts = tuple(self._whole())
        return () if all(isinstance(part, Text) for part in parts) else parts

    @property
    def others(self) -> tuple[Choice, ...]:
        """The answers after the first, where several were asked for."""
        return tuple(self._others[number].choice for number in sorted(self._others))

    @property
    def choice(self) -> Choice:
        reason = self.finish_reason or "stop"
        return Choice(self.text, reason, self.parts, self.stop_sequence, self.logprobs)

    @property
    def has_ended(self) -> bool:
        """Tell whether each of its answers has come to its end."""
        is_ended = self.finish_reason is not None
        return is_ended and all(other.has_ended for other in self._others.values())

    @property
    def said(self) -> str:
        """All that the provider generated, for an estimate of its tokens."""
        mine = "".join(
            f"{part.name}{part.arguments}" if isinstance(part, ToolCall) else part.text
            for part in self._whole()
        )
        return "\n".join((mine, *(other.said for other in self._others.values())))

    def _add_text(self, text: str) -> None:
        self._end_thought()
        if self._parts and isinstance(self._parts[-1], list):
            self._parts[-1].append(text)
        else:
            self._parts.append([text])

    def _add_call(self, piece: ToolCallDelta) -> None:
        self._end_thought()
        if piece.index not in self._calls:
            self._calls[piece.index] = _Call()
            self._parts.append(self._calls[piece.index])
        self._calls[piece.index].add(piece)

    def _end_thought(self) -> None:
        """Keep a thought that no signed whole has followed."""
        if self._thinking:
            self._parts.append(Thinking("".join(self._thinking)))
            self._thinking = []

    def _whole(self) -> Iterator[AnswerPart]:
        for part in self._parts:
            if isinstance(part, list):
                yield Text("".join(part))
            else:
                yield part.whole() if isinstance(part, _Call) else part
        if self._thinking:
            yield Thinking("".join(self._thinking))


def events_of(parts: Iterable[AnswerPart]) -> Iterator[StreamEvent]:
    """Return the events that tell these parts, one after the other."""
    calls = 0
    for part in parts:
        match part:
            case Text():
                yield StreamEvent(part.text)
            case Thinking():
                if part.text:
                    yield StreamEvent(thinking=part.text)
                if part.signature or part.redacted or part.origin:
                    yield StreamEvent(thought=part)
            case ToolCall():
                piece = ToolCallDelta(
                    calls, part.id, part.name, part.arguments, part.signature, part.origin
                )
                yield StreamEvent(tool_call=piece)
                calls += 1


def _joined(known: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Join log probabilities, which come as lists by kind of text."""
    names = dict.fromkeys((*known, *more))
    return {name: [*(known.get(name) or ()), *(more.get(name) or ())] or None for name in names}
