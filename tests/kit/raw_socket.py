"""A client that misbehaves below the level of messages: it answers no pings, does not read, or breaks the framing."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import Event
from websockets.uri import parse_uri

from tests.kit.player import DEADLINE

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class RawSocket:
    """An upgraded TCP connection. Nothing is sent, not even a pong, unless it is asked for."""

    def __init__(self, protocol: ClientProtocol, streams: Streams, frames: list[Frame]) -> None:
        self._protocol = protocol
        self._reader, self._writer = streams
        self._frames = frames

    async def send_frame(self, opcode: Opcode, payload: bytes, *, fin: bool = True) -> None:
        """One masked frame, also one that RFC 6455 forbids, such as a fragmented close."""
        await self.send_bytes(_masked(opcode, payload, fin=fin))

    async def send_bytes(self, data: bytes) -> None:
        """These bytes, whatever they mean. A connection that is gone is no error here: `next` tells."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def finish(self) -> None:
        """Say that nothing more will be sent (TCP FIN), so that the other side cannot wait for the rest of a frame."""
        try:
            self._writer.write_eof()
            await self._writer.drain()
        except OSError:
            return

    async def next(self) -> Frame | None:
        """The next frame, control frames included; None when the connection is gone."""
        async with asyncio.timeout(DEADLINE):
            while not self._frames:
                data = await self._read()
                if not data:
                    return None
                self._protocol.receive_data(data)
                self._frames += [
                    event for event in self._protocol.events_received() if isinstance(event, Frame)
                ]
                self._protocol.data_to_send()  # what a polite client would answer
        return self._frames.pop(0)

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(1 << 16)
        except ConnectionError:
            return b""

    async def until_close(self) -> tuple[Close | None, list[Frame]]:
        """Read to the end: the close frame, if one came, and everything before it."""
        before: list[Frame] = []
        while (frame := await self.next()) is not None:
            if frame.opcode is Opcode.CLOSE:
                return Close.parse(bytes(frame.data)), before
            before.append(frame)
        return None, before


@asynccontextmanager
async def raw_socket(url: str, headers: dict[str, str]) -> AsyncIterator[RawSocket]:
    """A handshake like any other; what follows is up to the caller."""
    uri = parse_uri(url)
    reader, writer = await asyncio.open_connection(uri.host, uri.port)
    try:
        protocol = ClientProtocol(uri, max_size=2 << 20)
        yield RawSocket(protocol, (reader, writer), await _upgrade(protocol, headers, (reader, writer)))
    finally:
        writer.transport.abort()


async def _upgrade(protocol: ClientProtocol, headers: dict[str, str], streams: Streams) -> list[Frame]:
    """The handshake; frames that came along with its answer."""
    request = protocol.connect()
    request.headers.update(headers)
    protocol.send_request(request)
    streams[1].write(b"".join(protocol.data_to_send()))
    events: list[Event] = []
    async with asyncio.timeout(DEADLINE):
        while not events:
            protocol.receive_data(await streams[0].read(1 << 16))
            events += protocol.events_received()
    assert protocol.handshake_exc is None, f"the handshake was refused: {events[0]}"
    return [event for event in events if isinstance(event, Frame)]


def _masked(opcode: Opcode, payload: bytes, *, fin: bool) -> bytes:
    """A client's frame with the mask zero, which is as good a mask as any. (RFC 6455, 5.2)"""
    first, size = (0x80 if fin else 0) | opcode, len(payload)
    length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    return bytes([first]) + length + bytes(4) + payload
