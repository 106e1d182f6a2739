"""An answer of Gemini, whole or chunk by chunk, into neutral events and parts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolCallDelta,
)
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.google.content import ORIGIN
from apps.providers.adapters.google.requests import DIALECT, Outgoing
from apps.providers.adapters.google.responses import (
    SPOILED,
    call_id,
    candidate_of,
    parts_of,
    read_finish_reason,
    read_logprobs,
    read_usage,
    reason_of,
)
from apps.providers.adapters.reading import arguments_text, as_mapping, estimated_usage, said


class AnswerReader:
    """Reads the chunks of one answer in order (a whole answer is one chunk).

    Counts are cumulative and reasons may repeat, so the last ones hold, and only the end of the
    stream ends the answer. Where bodies are passed through, the first event of a chunk carries it
    as `raw`, and those that follow from the same chunk an empty one.
    """

    __slots__ = (
        "_call",
        "_calls",
        "_outgoing",
        "_parts",
        "_probabilities",
        "_raw",
        "_reason",
        "_thought",
        "_upstream_id",
        "_usage",
    )

    def __init__(self, call: ProviderCall, outgoing: Outgoing) -> None:
        self._call = call
        self._outgoing = outgoing
        self._parts: list[AnswerPart] = []
        # The thought that is under way, not yet among the parts.
        self._thought = Thinking(origin=ORIGIN)
        self._calls = 0
        self._probabilities: list[dict[str, Any]] = []
        self._reason = ""
        self._usage: TokenUsage | None = None
        self._upstream_id = ""
        self._raw: Mapping[str, Any] = {}

    def read(self, chunk: Mapping[str, Any]) -> list[StreamEvent]:
        """Read one chunk; a chunk may say nothing, or several things."""
        self._raw = chunk
        self._usage = read_usage(chunk.get("usageMetadata")) or self._usage
        self._upstream_id = str(chunk.get("responseId") or "") or self._upstream_id
        self._reason = reason_of(chunk) or self._reason
        candidate = candidate_of(chunk)
        events = [event for part in parts_of(candidate) for event in self._read_part(part)]
        probabilities = read_logprobs(candidate)
        if probabilities:
            self._probabilities += probabilities
            first = events[0] if events else StreamEvent()
            events[:1] = [replace(first, logprobs=_logprobs(probabilities))]
        return self._passed(events, chunk)

    def end(self) -> list[StreamEvent]:
        """Return the last events; raises AttemptError when the answer did not come to an end."""
        if not self._reason:
            raise AttemptError("cut", "the stream ended before the answer did")
        self._refuse_what_is_spoiled("cut" if self._parts else "unavailable")
        last = StreamEvent(
            finish_reason=read_finish_reason(self._reason, has_calls=bool(self._calls)),
            usage=self._settled_usage(),
        )
        return self._passed([*self._end_thought(), last], None)

    def whole(self) -> ChatResponse:
        """Return the answer; raises AttemptError when it has neither content nor an end."""
        self._end_thought()
        if not self._reason and not self._parts:
            raise AttemptError("unavailable", "the provider's answer is empty")
        self._refuse_what_is_spoiled("unavailable")
        text = "".join(part.text for part in self._parts if isinstance(part, Text))
        is_passed = self._outgoing.is_passed_through
        return ChatResponse(
            text=text,
            finish_reason=read_finish_reason(self._reason, has_calls=bool(self._calls)),
            usage=self._settled_usage(),
            upstream_id=self._upstream_id,
            raw=self._raw if is_passed else {},
            raw_dialect=DIALECT if is_passed else None,
            parts=() if self._is_text_only() else tuple(self._parts),
            dropped=tuple(dict.fromkeys(self._outgoing.dropped)),
            logprobs=_logprobs(self._probabilities) if self._probabilities else None,
        )

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
        self._parts.append(thought)
        return StreamEvent(thought=thought)

    def _called(self, function: Mapping[str, Any], signature: str) -> StreamEvent:
        name, arguments = str(function.get("name") or ""), arguments_text(function.get("args"))
        if name and name == self._outgoing.answer_tool:
            return self._said(arguments)
        given = ToolCall(
            id=call_id(function.get("id"), self._call, self._calls),
            name=self._outgoing.names.get(name, name),
            arguments=arguments,
            signature=signature,
            origin=ORIGIN if signature else "",
        )
        self._parts.append(given)
        self._calls += 1
        delta = ToolCallDelta(
            self._calls - 1, given.id, given.name, given.arguments, given.signature, given.origin
        )
        return StreamEvent(tool_call=delta)

    def _said(self, text: str) -> StreamEvent:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, Text):
            self._parts[-1] = Text(last.text + text)
        else:
            self._parts.append(Text(text))
        return StreamEvent(text=text)

    def _passed(
        self, events: list[StreamEvent], chunk: Mapping[str, Any] | None
    ) -> list[StreamEvent]:
        if not self._outgoing.is_passed_through:
            return events
        first = replace(events[0] if events else StreamEvent(), raw=chunk or {})
        return [
            replace(event, raw=event.raw or {}, raw_dialect=DIALECT)
            for event in (first, *events[1:])
        ]

    def _refuse_what_is_spoiled(self, kind: Any) -> None:
        """Raise AttemptError for an answer of which the model itself made nothing.

        A caller that speaks the provider's dialect is told the provider's own reason instead.
        """
        if self._reason in SPOILED and not self._outgoing.is_passed_through:
            message = f"the model did not come to an answer: {self._reason}"
            raise AttemptError(kind, message, provider_code=self._reason)

    def _is_text_only(self) -> bool:
        return all(isinstance(part, Text) for part in self._parts)

    def _settled_usage(self) -> TokenUsage:
        if self._usage is not None:
            return self._usage
        return estimated_usage(self._call, said(self._parts))


def _logprobs(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": tokens, "refusal": None}
