"""One candidate of an answer of Gemini, whole or piece by piece, into neutral events and parts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from apps.core.chat import (
    AnswerPart,
    Choice,
    FinishReason,
    StreamEvent,
    Text,
    Thinking,
    ToolCall,
    ToolCallDelta,
)
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.google.content import ORIGIN
from apps.providers.adapters.google.requests import Outgoing
from apps.providers.adapters.google.responses import (
    call_id,
    parts_of,
    read_finish_reason,
    read_logprobs,
    reason_of,
)
from apps.providers.adapters.reading import arguments_text, as_mapping


class CandidateReader:
    """Reads what the chunks of one answer say of one candidate, in order.

    `reason` is the provider's own word for its end: it may repeat, so the last one holds.
    """

    __slots__ = (
        "_call",
        "_calls",
        "_outgoing",
        "_prefix",
        "_probabilities",
        "_thought",
        "index",
        "parts",
        "reason",
    )

    def __init__(self, call: ProviderCall, outgoing: Outgoing, index: int) -> None:
        self.index = index
        self.parts: list[AnswerPart] = []
        self.reason = ""
        self._call = call
        self._outgoing = outgoing
        self._prefix = f"{index}." if index else ""
        # The thought that is under way, not yet among the parts.
        self._thought = Thinking(origin=ORIGIN)
        self._calls = 0
        self._probabilities: list[dict[str, Any]] = []

    def read(self, candidate: Mapping[str, Any]) -> list[StreamEvent]:
        """Read what a chunk says of it: nothing, or several things."""
        self.reason = reason_of(candidate) or self.reason
        events = [event for part in parts_of(candidate) for event in self._read_part(part)]
        probabilities = read_logprobs(candidate)
        if probabilities:
            self._probabilities += probabilities
            first = events[0] if events else StreamEvent()
            events[:1] = [replace(first, logprobs=_logprobs(probabilities))]
        return self._numbered(events)

    def end(self) -> list[StreamEvent]:
        """Return the last events."""
        thoughts = self._end_thought()
        return self._numbered([*thoughts, StreamEvent(finish_reason=self.finish_reason)])

    def whole(self) -> Choice:
        """Return the answer as far as it has come."""
        self._end_thought()
        text = "".join(part.text for part in self.parts if isinstance(part, Text))
        is_text_only = all(isinstance(part, Text) for part in self.parts)
        return Choice(
            text=text,
            finish_reason=self.finish_reason,
            parts=() if is_text_only else tuple(self.parts),
            logprobs=_logprobs(self._probabilities) if self._probabilities else None,
        )

    @property
    def finish_reason(self) -> FinishReason:
        return read_finish_reason(self.reason, has_calls=bool(self._calls))

    def _numbered(self, events: list[StreamEvent]) -> list[StreamEvent]:
        if not self.index:
            return events
        return [replace(event, choice=self.index) for event in events]

    def _read_part(self, part: Mapping[str, Any]) -> Iterator[StreamEvent]:
        signature = str(part.get("thoughtSignature") or "")
        text = part.get("text")
        if part.get("thought"):
            yield from self._think(str(text or ""), signature)
            return
        yield from self._end_thought()
        function = as_mapping(part.get("functionCall"))
        if function:
            yield self._called(function, signature)
            return
        if isinstance(text, str) and text:
            yield self._said(text)
        if signature:
            # What signs a text has no place in it: it goes beside, as a thought without words.
            yield self._kept(Thinking("", signature, origin=ORIGIN))

    def _think(self, text: str, signature: str) -> Iterator[StreamEvent]:
        known = self._thought
        self._thought = replace(
            known, text=known.text + text, signature=signature or known.signature
        )
        if text:
            yield StreamEvent(thinking=text)

    def _end_thought(self) -> list[StreamEvent]:
        thought, self._thought = self._thought, Thinking(origin=ORIGIN)
        return [self._kept(thought)] if thought.text or thought.signature else []

    def _kept(self, thought: Thinking) -> StreamEvent:
        self.parts.append(thought)
        return StreamEvent(thought=thought)

    def _called(self, function: Mapping[str, Any], signature: str) -> StreamEvent:
        name, arguments = str(function.get("name") or ""), arguments_text(function.get("args"))
        if name and name == self._outgoing.answer_tool:
            return self._said(arguments)
        given = ToolCall(
            id=call_id(function.get("id"), self._call, f"{self._prefix}{self._calls}"),
            name=self._outgoing.names.get(name, name),
            arguments=arguments,
            signature=signature,
            origin=ORIGIN if signature else "",
        )
        self.parts.append(given)
        self._calls += 1
        delta = ToolCallDelta(
            self._calls - 1, given.id, given.name, given.arguments, given.signature, given.origin
        )
        return StreamEvent(tool_call=delta)

    def _said(self, text: str) -> StreamEvent:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Text):
            self.parts[-1] = Text(last.text + text)
        else:
            self.parts.append(Text(text))
        return StreamEvent(text=text)


def _logprobs(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": tokens, "refusal": None}
