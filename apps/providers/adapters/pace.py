"""How long to wait for the next piece of an answer: first token, idle gap, and the total."""

import asyncio
from collections.abc import Awaitable

from apps.core.clock import monotonic_seconds
from apps.providers.adapters.base import AttemptError, Timeouts


class Pace:
    """The waiting limits of one call. `has_begun` turns true with the first event."""

    __slots__ = ("_end", "_first", "_idle", "has_begun")

    def __init__(self, timeouts: Timeouts, *, is_streamed: bool) -> None:
        now = monotonic_seconds()
        self._end = now + timeouts.total
        # A whole answer is written before its first byte is sent: only the total limits it.
        self._first = now + timeouts.first_token if is_streamed else self._end
        self._idle = timeouts.idle
        self.has_begun = False

    async def wait[T](self, piece: Awaitable[T]) -> T:
        """Await the next piece; raises AttemptError when it is late."""
        seconds = self._seconds()
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await piece
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise self.failed(f"nothing came for {seconds:.1f} s") from error

    def failed(self, message: str) -> AttemptError:
        """Build the error of a transport that failed now."""
        return AttemptError("cut" if self.has_begun else "unavailable", message)

    def _seconds(self) -> float:
        now = monotonic_seconds()
        left = self._end - now
        return max(0.0, min(left, self._idle if self.has_begun else self._first - now))
