"""What every dialect's rendering has in common. Pure."""

from typing import NamedTuple, Protocol

from apps.core.chat import StreamEvent, TokenUsage
from apps.core.errors import RouterError


class AnswerHead(NamedTuple):
    """What an answer says of itself: `token` makes its id unique, `created` is in Unix seconds.

    `model` is the one that answered, `requested_model` what the caller wrote.
    """

    token: str
    model: str
    requested_model: str
    created: int


class StreamRenderer(Protocol):
    """Renders the events of one streamed answer, in order, as bytes."""

    content_type: str = "text/event-stream; charset=utf-8"

    def render(self, event: StreamEvent) -> bytes:
        """Return what the client sees of an event; may be empty."""

    def end(self, usage: TokenUsage | None) -> bytes:
        """Return what closes a stream that came to its end."""

    def error(self, error: RouterError) -> bytes:
        """Return what closes a stream that broke off; the status was sent long ago."""
