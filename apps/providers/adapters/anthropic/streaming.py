"""A streamed message of Anthropic, event by event, into neutral events."""

from typing import Any

from apps.core.chat import StreamEvent
from apps.providers.adapters.anthropic.responses import (
    estimated_usage,
    read_finish_reason,
    read_usage,
)
from apps.providers.adapters.base import AttemptError, ProviderCall


class EventReader:
    """Reads the events of one stream in order; only `message_stop` ends it."""

    __slots__ = ("_call", "_first_usage", "_last_usage", "_pieces", "_reason", "is_finished")

    def __init__(self, call: ProviderCall) -> None:
        self._call = call
        self._pieces: list[str] = []
        self._first_usage: Any = None
        self._last_usage: Any = None
        self._reason: str | None = None
        self.is_finished = False

    def read(self, event: Any) -> StreamEvent | None:
        """Read one event; None when it says nothing that the neutral form carries."""
        match getattr(event, "type", ""):
            case "message_start":
                self._first_usage = getattr(event.message, "usage", None)
            case "content_block_delta" if getattr(event.delta, "type", "") == "text_delta":
                self._pieces.append(event.delta.text)
                return StreamEvent(text=event.delta.text)
            case "message_delta":
                self._last_usage = getattr(event, "usage", None)
                self._reason = event.delta.stop_reason or self._reason
            case "message_stop":
                return self._finish()
        return None

    def end(self) -> None:
        """Raise AttemptError when the stream stopped before its end."""
        if not self.is_finished:
            raise AttemptError("cut", "the stream ended before the answer did")

    def _finish(self) -> StreamEvent:
        self.is_finished = True
        usage = read_usage(self._first_usage, self._last_usage)
        return StreamEvent(
            finish_reason=read_finish_reason(self._reason),
            usage=usage or estimated_usage(self._call, "".join(self._pieces)),
        )
