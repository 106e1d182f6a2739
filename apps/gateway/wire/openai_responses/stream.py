"""The OpenAI Responses dialect: the events of a streamed answer. Pure.

Source of the format: OpenAI's API reference, "Responses" (streaming events). Every event has the
next `sequence_number`; an item keeps its id and its place from `added` to `done`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, override

from apps.core.chat import AnswerPart, FinishReason, StreamEvent, TokenUsage, ToolCallDelta
from apps.core.errors import RouterError
from apps.gateway.wire.openai_chat.errors import render_error
from apps.gateway.wire.openai_responses.answers import (
    Asked,
    ended,
    envelope,
    item_status,
    logprobs_of,
)
from apps.gateway.wire.openai_responses.open_items import (
    OpenCall,
    OpenItem,
    OpenMessage,
    OpenThought,
    Step,
)
from apps.gateway.wire.rendering import AnswerHead, StreamRenderer
from apps.gateway.wire.sse import named_event

# The codes of a failed response are a closed list; ours are in the `error` event that follows.
RATE_LIMITED = "rate_limit_exceeded"
FAILED = "server_error"
TOO_MANY = 429


class ResponseEvents(StreamRenderer):
    """Renders the events of one streamed answer; `parts` are what has been said so far."""

    def __init__(self, head: AnswerHead, asked: Asked) -> None:
        self._token = head.token
        self._begun = envelope(asked, head)
        self._number = 0
        self._items: list[OpenItem[Any]] = []
        self._calls: dict[int, OpenCall] = {}
        self._reason: FinishReason | None = None
        self._body: dict[str, Any] = {}

    @property
    def parts(self) -> list[AnswerPart]:
        return [item.part for item in self._items]

    @override
    def render(self, event: StreamEvent) -> bytes:
        return self._said(self._steps(event))

    @override
    def end(self, usage: TokenUsage | None) -> bytes:
        body = self.body(usage)
        return self._said([{"type": f"response.{body['status']}", "response": body}])

    @override
    def error(self, error: RouterError) -> bytes:
        """Fail the response, then say so once more in the way that makes the SDKs raise."""
        told = render_error(error, error.http_status, "")["error"]
        code = RATE_LIMITED if error.http_status == TOO_MANY else FAILED
        failed = {
            **self._begun,
            "status": "failed",
            "error": {"code": code, "message": error.message},
            "output": [item.broken() for item in self._items],
        }
        flat = {name: told[name] for name in ("code", "message", "param")}
        failure: list[Step] = [
            {"type": "response.failed", "response": failed},
            {"type": "error", **flat, "error": told},
        ]
        return self._said(failure)

    def body(self, usage: TokenUsage | None) -> dict[str, Any]:
        """Return the whole response, once all events have come: the same object each time."""
        if not self._body:
            output = [item.item for item in self._items]
            self._body = ended(self._begun, output, self._reason, usage)
        return self._body

    def _said(self, steps: Iterable[Step]) -> bytes:
        pieces: list[bytes] = []
        for step in steps:
            numbered = {**step, "sequence_number": self._number}
            pieces.append(named_event(step["type"], numbered))
            self._number += 1
        return b"".join(pieces)

    def _steps(self, event: StreamEvent) -> Iterator[Step]:
        if self._number == 0:
            yield {"type": "response.created", "response": self._begun}
            yield {"type": "response.in_progress", "response": self._begun}
        if self._reason is not None:
            # Nothing may follow the reason; what still comes are counts.
            return
        if event.thinking:
            yield from self._thinking(event.thinking)
        if event.thought is not None:
            thought, opening = self._open_thought()
            yield from opening
            yield from thought.sign(event.thought)
        if event.text:
            yield from self._text(event.text, logprobs_of(event.logprobs))
        if event.tool_call is not None:
            yield from self._call(event.tool_call)
        if event.finish_reason is not None:
            yield from self._finish(event.finish_reason)

    def _thinking(self, text: str) -> Iterator[Step]:
        thought, opening = self._open_thought()
        yield from opening
        yield from thought.add(text)

    def _open_thought(self) -> tuple[OpenThought, list[Step]]:
        last = self._items[-1] if self._items else None
        if isinstance(last, OpenThought) and last.is_open:
            return last, []
        thought = OpenThought(self._token, len(self._items))
        return thought, self._opened(thought)

    def _text(self, text: str, logprobs: Iterable[Any]) -> Iterator[Step]:
        last = self._items[-1] if self._items else None
        if not (isinstance(last, OpenMessage) and last.is_open):
            last = OpenMessage(self._token, len(self._items))
            yield from self._opened(last)
        yield from last.add(text, logprobs)

    def _call(self, delta: ToolCallDelta) -> Iterator[Step]:
        call = self._calls.get(delta.index)
        if call is None:
            call = self._calls[delta.index] = OpenCall(delta, self._token, len(self._items))
            yield from self._opened(call)
        yield from call.add(delta.arguments)

    def _opened(self, item: OpenItem[Any]) -> list[Step]:
        """End what is open and begin an item; a call that lacks arguments is waited for."""
        steps = [
            step
            for other in self._items
            if not isinstance(other, OpenCall) or other.is_whole
            for step in other.finish()
        ]
        self._items.append(item)
        return [*steps, *item.begin()]

    def _finish(self, reason: FinishReason) -> Iterator[Step]:
        self._reason = reason
        for item in self._items:
            is_last = item is self._items[-1]
            yield from item.finish(item_status(reason) if is_last else "completed")
