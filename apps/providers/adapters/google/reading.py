"""An answer of Gemini, whole or chunk by chunk, into neutral events and parts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.core.chat import ChatResponse, StreamEvent, TokenUsage
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.google.candidates import CandidateReader
from apps.providers.adapters.google.requests import DIALECT, Outgoing
from apps.providers.adapters.google.responses import (
    BLOCKED,
    SPOILED,
    candidates_of,
    is_blocked,
    read_usage,
)
from apps.providers.adapters.reading import estimated_usage, is_count, said


class AnswerReader:
    """Reads the chunks of one answer in order (a whole answer is one chunk).

    Counts are cumulative and reasons may repeat, so the last ones hold, and only the end of the
    stream ends the answer. Where bodies are passed through, the first event of a chunk carries it
    as `raw`, and those that follow from the same chunk an empty one.
    """

    __slots__ = ("_call", "_outgoing", "_raw", "_readers", "_upstream_id", "_usage")

    def __init__(self, call: ProviderCall, outgoing: Outgoing) -> None:
        self._call = call
        self._outgoing = outgoing
        # The first is always there: a refused prompt has a reason, but no candidate.
        self._readers = {0: CandidateReader(call, outgoing, 0)}
        self._usage: TokenUsage | None = None
        self._upstream_id = ""
        self._raw: Mapping[str, Any] = {}

    def read(self, chunk: Mapping[str, Any]) -> list[StreamEvent]:
        """Read one chunk; a chunk may say nothing, or several things."""
        self._raw = chunk
        self._usage = read_usage(chunk.get("usageMetadata")) or self._usage
        self._upstream_id = str(chunk.get("responseId") or "") or self._upstream_id
        if is_blocked(chunk):
            self._readers[0].reason = BLOCKED
        events: list[StreamEvent] = []
        for place, candidate in enumerate(candidates_of(chunk)):
            given = candidate.get("index")
            reader = self._reader(given if is_count(given) else place)
            if reader is not None:
                events += reader.read(candidate)
        return self._passed(events, chunk)

    def end(self) -> list[StreamEvent]:
        """Return the last events; raises AttemptError when the answer did not come to an end."""
        readers = list(self._readers.values())
        if not all(reader.reason for reader in readers):
            raise AttemptError("cut", "the stream ended before the answer did")
        self._refuse_what_is_spoiled("cut" if self._has_parts() else "unavailable")
        *events, last = (event for reader in readers for event in reader.end())
        return self._passed([*events, replace(last, usage=self._settled_usage())], None)

    def whole(self) -> ChatResponse:
        """Return the answer; raises AttemptError when it has neither content nor an end."""
        first, *others = (reader.whole() for reader in self._readers.values())
        if not self._readers[0].reason and not self._has_parts():
            raise AttemptError("unavailable", "the provider's answer is empty")
        self._refuse_what_is_spoiled("unavailable")
        is_passed = self._outgoing.is_passed_through
        return ChatResponse(
            text=first.text,
            finish_reason=first.finish_reason,
            usage=self._settled_usage(),
            upstream_id=self._upstream_id,
            raw=self._raw if is_passed else {},
            raw_dialect=DIALECT if is_passed else None,
            parts=first.parts,
            dropped=tuple(dict.fromkeys(self._outgoing.dropped)),
            logprobs=first.logprobs,
            others=tuple(others),
        )

    def _reader(self, index: int) -> CandidateReader | None:
        """Return what reads the candidate; None for one that nobody asked for."""
        if index >= self._call.request.choices:
            return None
        if index not in self._readers:
            self._readers[index] = CandidateReader(self._call, self._outgoing, index)
        return self._readers[index]

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
        if self._outgoing.is_passed_through:
            return
        for reader in self._readers.values():
            if reader.reason in SPOILED:
                message = f"the model did not come to an answer: {reader.reason}"
                raise AttemptError(kind, message, provider_code=reader.reason)

    def _has_parts(self) -> bool:
        return any(reader.parts for reader in self._readers.values())

    def _settled_usage(self) -> TokenUsage:
        if self._usage is not None:
            return self._usage
        parts = (part for reader in self._readers.values() for part in reader.parts)
        return estimated_usage(self._call, said(parts))
