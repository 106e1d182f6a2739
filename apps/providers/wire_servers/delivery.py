"""How an answer leaves: packets of any size at any pace, cut off, hanging, or simply whole."""

import asyncio
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

from apps.providers.wire_servers.exchange import Framing
from apps.providers.wire_servers.http import LAST_CHUNK, chunk_of, head_of
from apps.providers.wire_servers.scripts import Script

COMMENT = b": keep-alive\n\n"
# A reset overtakes bytes that the reader has not taken yet; so long it gets to take them.
READ_SECONDS = 0.05
MEDIA_TYPES = {Framing.ARRAY: "application/json; charset=UTF-8"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Writes one answer to one connection, and notes in `said` what of its body has left."""

    writer: asyncio.StreamWriter
    script: Script
    said: bytearray = field(default_factory=bytearray)

    async def send_whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a body of known length; cut, it announces more than it sends."""
        script = self.script
        await self._wait_before_head()
        length = {"content-type": "application/json", "content-length": str(len(body))}
        self.writer.write(head_of(status, length | dict(headers)))
        is_broken = status == 200 and script.breaks_off
        *packets, last = _packets([body[: _end_of(body, script)] if is_broken else body], script)
        for packet in packets:
            self.said.extend(packet)
            await self._send(packet)
        self.said.extend(last)
        await self._send_last(last)
        if is_broken:
            await self._break_off()

    async def send_stream(
        self, frames: list[bytes], framing: Framing, headers: Mapping[str, str]
    ) -> None:
        """Send events as they would be made, one after the other."""
        script = self.script
        await self._wait_before_head()
        kind = MEDIA_TYPES.get(framing, "text/event-stream; charset=utf-8")
        begin = {"content-type": kind, "transfer-encoding": "chunked", "cache-control": "no-cache"}
        await self._send(head_of(200, begin | dict(headers)), pause=script.first_event_seconds)
        is_broken = script.breaks_off
        *packets, last = _packets(_kept(frames, script), script)
        for packet in packets:
            self.said.extend(packet)
            await self._send(chunk_of(packet), pause=script.pause_seconds)
        self.said.extend(last)
        if is_broken and not script.stops_early:
            await self._send_last(chunk_of(last))
            return await self._break_off()
        ending = chunk_of(b"]") if framing is Framing.ARRAY and not is_broken else b""
        return await self._send_last(chunk_of(last) + ending + LAST_CHUNK)

    async def _wait_before_head(self) -> None:
        if self.script.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(self.script.delay_seconds)

    async def _send(self, data: bytes, *, pause: float = 0.0) -> None:
        self.writer.write(data)
        await self.writer.drain()
        # Zero still gives the reader a turn, so that packets stay apart.
        await asyncio.sleep(pause)

    async def _send_last(self, data: bytes) -> None:
        """End without another turn: a client that closes now has left after its answer."""
        self.writer.write(data)
        await self.writer.drain()

    async def _break_off(self) -> None:
        """Stall for ever, or close without a good-bye: the reader sees a reset."""
        if self.script.stalls:
            await asyncio.Event().wait()
        await asyncio.sleep(READ_SECONDS)
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def _kept(frames: list[bytes], script: Script) -> list[bytes]:
    if script.cut_at is not None:
        frames = list(_first_bytes(frames, script.cut_at))
    elif script.breaks_off:
        frames = frames[: max(1, len(frames) // 2)]
    return [COMMENT, *frames] if script.has_comments else frames


def _first_bytes(frames: list[bytes], count: int) -> Iterator[bytes]:
    for frame in frames:
        if count <= 0:
            return
        yield frame[:count]
        count -= len(frame)


def _end_of(body: bytes, script: Script) -> int:
    """Return where a whole body breaks off: half-way, unless the script says where."""
    return len(body) // 2 if script.cut_at is None else script.cut_at


def _packets(frames: list[bytes], script: Script) -> Iterator[bytes]:
    if not script.packet_bytes:
        yield from frames or [b""]
        return
    data = b"".join(frames)
    for start in range(0, len(data) or 1, script.packet_bytes):
        yield data[start : start + script.packet_bytes]
