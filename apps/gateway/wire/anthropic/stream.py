"""The Anthropic dialect: the events of a streamed answer. Pure.

Source of the format: Anthropic's API reference, "Streaming messages".
"""

from collections.abc import Collection, Iterable, Iterator
from typing import override

from apps.core.chat import FinishReason, StreamEvent, Thinking, TokenUsage
from apps.core.errors import RouterError
from apps.gateway.wire.anthropic.answers import (
    DIALECT,
    ToolIds,
    begun_message,
    ending,
    message_id,
    render_usage,
)
from apps.gateway.wire.anthropic.blocks import ContentBlocks, Step
from apps.gateway.wire.anthropic.errors import render_error, status_of
from apps.gateway.wire.rendering import AnswerHead, StreamRenderer
from apps.gateway.wire.sse import named_event

PING: Step = {"type": "ping"}
STOP: Step = {"type": "message_stop"}


class MessageEvents(StreamRenderer):
    """Renders the events of one streamed answer, from `message_start` to `message_stop`.

    Thoughts that nobody asked to see are told only before a call, which cannot be answered later
    without them; until then pings keep the connection alive.
    """

    def __init__(
        self,
        head: AnswerHead,
        *,
        shows_thoughts: bool = True,
        taken_ids: Collection[str] = (),
    ) -> None:
        self._head = head
        self._shows_thoughts = shows_thoughts
        self._blocks = ContentBlocks(ToolIds(taken_ids, head))
        self._has_begun = False
        self._is_passed = False
        self._last_passed = ""
        self._reason: FinishReason | None = None
        self._stop_sequence = ""
        self._hidden: list[Thinking] = []
        self._hidden_pieces: list[str] = []

    @override
    def render(self, event: StreamEvent) -> bytes:
        return _encoded(self.steps(event))

    @override
    def end(self, usage: TokenUsage | None) -> bytes:
        if self._is_passed:
            return b"" if self._last_passed == STOP["type"] else _encoded([STOP])
        delta = ending(self._reason or "stop", self._stop_sequence)
        last = {"type": "message_delta", "delta": delta, "usage": render_usage(usage)}
        return _encoded([last, STOP])

    @override
    def error(self, error: RouterError) -> bytes:
        # The token is the request's id.
        body = render_error(error, status_of(error), f"req_{self._head.token}")
        return named_event("error", body)

    def steps(self, event: StreamEvent) -> list[Step]:
        """Return the events of Anthropic's that tell this one; the usage comes at the end."""
        if event.raw is not None and event.raw_dialect == DIALECT:
            return [self._passed_through(event.raw)]
        if self._is_passed or self._reason is not None:
            # Nothing may follow the reason; what still comes are counts.
            return []
        found = [] if self._has_begun else list(self._opening())
        self._has_begun = True
        found += self._thoughts(event)
        if event.text:
            self._blocks.text(event.text)
        if event.tool_call is not None:
            self._blocks.call(event.tool_call)
        if event.finish_reason is not None:
            self._reason, self._stop_sequence = event.finish_reason, event.stop_sequence
            self._blocks.end()
        return [*found, *self._blocks.take()]

    def _opening(self) -> Iterator[Step]:
        # The counts are not known yet; those of the end are cumulative, and replace these.
        message = {**begun_message(self._head), "usage": render_usage(None)}
        yield {"type": "message_start", "message": message}
        yield PING

    def _thoughts(self, event: StreamEvent) -> list[Step]:
        if self._shows_thoughts:
            self._tell(event.thinking, event.thought)
            return []
        if event.thinking:
            self._hidden_pieces.append(event.thinking)
        if event.thought is not None:
            self._hidden.append(event.thought)
            self._hidden_pieces.clear()
        if event.tool_call is not None:
            self._tell_hidden()
        return [PING] if event.thinking else []

    def _tell(self, piece: str, thought: Thinking | None) -> None:
        if piece:
            self._blocks.thinking(piece)
        if thought is not None:
            self._blocks.thought(thought)

    def _tell_hidden(self) -> None:
        for thought in self._hidden:
            self._blocks.thought(thought)
        if self._hidden_pieces:
            self._blocks.thought(Thinking("".join(self._hidden_pieces)))
        self._hidden.clear()
        self._hidden_pieces.clear()

    def _passed_through(self, raw: Step) -> Step:
        """Return the provider's event; id and model are ours, and counts are never missing."""
        self._is_passed = True
        self._last_passed = str(raw.get("type"))
        if self._last_passed == "message_delta" and not raw.get("usage"):
            return {**raw, "usage": render_usage(None)}
        message = raw.get("message")
        if self._last_passed != "message_start" or not isinstance(message, dict):
            return raw
        ours = {"id": message_id(self._head), "model": self._head.requested_model}
        return {**raw, "message": {"usage": render_usage(None), **message, **ours}}


def _encoded(steps: Iterable[Step]) -> bytes:
    return b"".join(named_event(str(step["type"]), step) for step in steps)
