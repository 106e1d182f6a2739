"""A streamed answer of an OpenAI-compatible server, chunk by chunk, into neutral events."""

from collections.abc import Iterator
from typing import Any

import orjson

from apps.core.chat import FinishReason, StreamEvent, Thinking, TokenUsage, ToolCallDelta
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.openai.calls import CallPieces
from apps.providers.adapters.openai.errors import error_in_stream
from apps.providers.adapters.openai.requests import DIALECT, Outgoing
from apps.providers.adapters.openai.responses import (
    BROKEN_OFF,
    first_choice,
    read_finish_reason,
    read_logprobs,
    read_usage,
    refusal_of,
    usage_in,
)
from apps.providers.adapters.openai.thoughts import (
    ORIGIN,
    InlineThoughts,
    field_thought,
    split_content,
)
from apps.providers.adapters.reading import estimated_usage

DONE = b"[DONE]"
RUBBISH = "the provider sent an event that is not a JSON object"
# The chunk itself has gone with an earlier event: nothing of it may be said twice.
SAID: dict[str, Any] = {}


class ChunkReader:
    """Reads the chunks of one stream in order and knows whether it came to its end."""

    __slots__ = (
        "_call",
        "_calls",
        "_has_begun",
        "_inline",
        "_is_finished",
        "_pieces",
        "_reported",
        "_thoughts",
        "_usage",
    )

    def __init__(self, call: ProviderCall, outgoing: Outgoing) -> None:
        self._call = call
        self._calls = CallPieces(outgoing.spelling.names)
        has_inline = outgoing.spelling.quirks.has_inline_thoughts
        # None where no thought can stand in the text, or none can come any more.
        self._inline = InlineThoughts() if has_inline else None
        self._pieces: list[str] = []
        # The pieces of the thought under way.
        self._thoughts: list[str] = []
        self._usage: TokenUsage | None = None
        self._reported: TokenUsage | None = None
        self._is_finished = False
        self._has_begun = False

    def read(self, payload: bytes) -> tuple[StreamEvent, ...]:
        """Read one chunk; raises AttemptError for an error event or for rubbish.

        One chunk may make several events: the first has it as `raw`, the others an empty one.
        """
        return self.read_chunk(parse_chunk(payload, self._call, has_begun=self._has_begun))

    def read_chunk(self, raw: dict[str, Any]) -> tuple[StreamEvent, ...]:
        """Read a chunk that was parsed already."""
        if usage := raw.get("usage"):
            # Some servers repeat the running count on each chunk: the last one is the truth.
            self._usage = read_usage(usage) or self._usage
        choice = first_choice(raw)
        if choice is None:
            self._has_begun = True
            return (StreamEvent(usage=self._report_usage(), raw=raw, raw_dialect=DIALECT),)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = {}
        text = delta.get("content")
        if text.__class__ is str and self._is_plain(choice, delta):
            self._has_begun = True
            self._pieces.append(text)
            logprobs = choice.get("logprobs") and read_logprobs(choice)
            return (StreamEvent(text, raw=raw, raw_dialect=DIALECT, logprobs=logprobs),)
        events = self._read_rich(raw, choice, delta)
        self._has_begun = True
        return events

    def _is_plain(self, choice: dict[str, Any], delta: dict[str, Any]) -> bool:
        """Say whether a chunk is a piece of text and nothing else, as nearly all of them are."""
        return not (
            choice.get("finish_reason")
            or delta.get("tool_calls")
            or delta.get("reasoning_content")
            or delta.get("reasoning")
            or delta.get("refusal")
            or self._thoughts
            or self._inline
        )

    def _read_rich(
        self, raw: dict[str, Any], choice: dict[str, Any], delta: dict[str, Any]
    ) -> tuple[StreamEvent, ...]:
        if choice.get("finish_reason") == BROKEN_OFF:
            raise _failed("the provider broke off its answer", has_begun=self._has_begun)
        text, thinking = self._words(delta, is_last=bool(choice.get("finish_reason")))
        calls = self._calls.read(delta.get("tool_calls"))
        reason = read_finish_reason(choice, has_calls=bool(self._calls))
        if reason is not None:
            self._is_finished = True
            self._usage = self._usage or read_usage(usage_in(raw))
            calls += self._calls.end()
        self._pieces += (text, thinking, *(f"{call.name}{call.arguments}" for call in calls))
        if thinking:
            self._thoughts.append(thinking)
        thought = self._whole_thought() if text or calls or reason else None
        ending = None if calls else reason
        first = StreamEvent(
            text=text,
            finish_reason=ending,
            usage=self._report_usage() if ending else None,
            raw=raw,
            raw_dialect=DIALECT,
            thinking=thinking,
            thought=thought,
            logprobs=read_logprobs(choice),
        )
        return (first, *self._after(calls, reason)) if calls else (first,)

    def _after(
        self, calls: list[ToolCallDelta], reason: FinishReason | None
    ) -> Iterator[StreamEvent]:
        """Yield what a chunk says beside its text: its calls, and the end that may follow them."""
        for call in calls:
            yield StreamEvent(tool_call=call, raw=SAID, raw_dialect=DIALECT)
        if reason is not None:
            usage = self._report_usage()
            yield StreamEvent(finish_reason=reason, usage=usage, raw=SAID, raw_dialect=DIALECT)

    def _words(self, delta: dict[str, Any], *, is_last: bool) -> tuple[str, str]:
        """Return text and thought of a delta."""
        text, thinking = split_content(delta.get("content"))
        thinking = field_thought(delta) or thinking
        if self._inline is None:
            return text or refusal_of(delta), thinking
        text, inline = self._inline.read(text)
        thinking += inline
        if is_last:
            held_text, held_thought = self._inline.end()
            text, thinking = text + held_text, thinking + held_thought
        if self._inline.is_over or is_last:
            self._inline = None
        return text or refusal_of(delta), thinking

    def _whole_thought(self) -> Thinking | None:
        if not self._thoughts:
            return None
        thought = Thinking("".join(self._thoughts), origin=ORIGIN)
        self._thoughts.clear()
        return thought

    def end(self) -> StreamEvent | None:
        """Close the books: the usage that no chunk carried; raises AttemptError after a cut."""
        said = self.whole()
        if self._usage is None:
            self._usage = estimated_usage(self._call, said)
        usage = self._report_usage()
        return StreamEvent(usage=usage) if usage else None

    def whole(self) -> str:
        """Return all that was generated; raises AttemptError after a cut."""
        if not self._is_finished:
            raise AttemptError("cut", "the stream ended before the answer did")
        return "".join(self._pieces)

    def _report_usage(self) -> TokenUsage | None:
        if not self._is_finished or self._usage == self._reported:
            return None
        self._reported = self._usage
        return self._usage


def parse_chunk(payload: bytes, call: ProviderCall, *, has_begun: bool) -> dict[str, Any]:
    """Return a chunk; raises AttemptError for an error event or for rubbish."""
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise _failed(RUBBISH, has_begun=has_begun) from error
    if not isinstance(raw, dict):
        raise _failed(RUBBISH, has_begun=has_begun)
    if raw.get("error"):
        secret = call.connection.secret
        raise error_in_stream(raw["error"], secret=secret, has_begun=has_begun)
    return raw


def _failed(message: str, *, has_begun: bool) -> AttemptError:
    return AttemptError("cut" if has_begun else "unavailable", message)
