"""A stream of several answers at once (`n`): each is read by itself, their tokens together."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from apps.core.chat import StreamEvent, TokenUsage
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.openai.requests import DIALECT, Outgoing
from apps.providers.adapters.openai.responses import choices_of, read_usage, usage_in
from apps.providers.adapters.openai.streaming import ChunkReader, parse_chunk
from apps.providers.adapters.reading import estimated_usage, is_count


def reader_for(call: ProviderCall, outgoing: Outgoing) -> "ChunkReader | SeveralReader":
    """Return what reads the stream of a call."""
    return (SeveralReader if call.request.choices > 1 else ChunkReader)(call, outgoing)


class SeveralReader:
    """Reads the chunks of one stream in order and knows whether each of its answers has ended.

    Fewer answers than were asked for are a cut: another one may not have begun yet.
    """

    def __init__(self, call: ProviderCall, outgoing: Outgoing) -> None:
        self._call = call
        self._outgoing = outgoing
        self._readers: dict[int, ChunkReader] = {}
        self._usage: TokenUsage | None = None
        self._has_begun = False

    def read(self, payload: bytes) -> tuple[StreamEvent, ...]:
        """Read one chunk; raises AttemptError for an error event or for rubbish."""
        raw = parse_chunk(payload, self._call, has_begun=self._has_begun)
        self._usage = read_usage(usage_in(raw)) or self._usage
        events = tuple(self._read_choices(raw))
        self._has_begun = True
        return events or (StreamEvent(raw=raw, raw_dialect=DIALECT),)

    def _read_choices(self, raw: dict[str, Any]) -> Iterator[StreamEvent]:
        """Yield what a chunk says of each answer; one that speaks of several is parted."""
        for place, choice in enumerate(choices_of(raw)):
            given = choice.get("index")
            index = given if is_count(given) else place
            if index >= self._call.request.choices:
                continue
            if index not in self._readers:
                self._readers[index] = ChunkReader(self._call, self._outgoing)
            for event in self._readers[index].read_chunk({**raw, "choices": [choice]}):
                yield replace(event, choice=index, usage=None)

    def end(self) -> StreamEvent | None:
        """Close the books: the tokens of all answers; raises AttemptError after a cut."""
        if len(self._readers) < self._call.request.choices:
            raise AttemptError("cut", "the stream ended before all answers had begun")
        said = [reader.whole() for reader in self._readers.values()]
        return StreamEvent(usage=self._usage or estimated_usage(self._call, "\n".join(said)))
