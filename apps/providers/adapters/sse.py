"""Server-sent events, read incrementally: any chunking, any line ending, comments ignored."""

from collections.abc import Iterator

MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventTooLarge(ValueError):
    """One event is larger than any honest provider sends."""


class SseParser:
    """Feed it bytes as they come, take the data of each complete event."""

    __slots__ = ("_data", "_partial", "_size")

    def __init__(self) -> None:
        self._partial: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of the events that this chunk completes; raises EventTooLarge."""
        if b"\n" not in chunk:
            self._grow(len(chunk))
            self._partial.append(chunk)
            return
        lines = (b"".join(self._partial) + chunk).split(b"\n")
        self._partial = [lines.pop()]
        self._size = len(self._partial[0]) + sum(map(len, self._data))
        for line in lines:
            yield from self._line(line.removesuffix(b"\r"))

    def end(self) -> Iterator[bytes]:
        """Yield what is left when the body ends without the empty line after its last event."""
        rest, self._partial = b"".join(self._partial), []
        yield from self._line(rest.removesuffix(b"\r"))
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._grow(len(value))
            self._data.append(value)
        elif not line and self._data:
            yield b"\n".join(self._data)
            self._data.clear()
            self._size = len(self._partial[0]) if self._partial else 0

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event is larger than {MAX_EVENT_BYTES} bytes")
