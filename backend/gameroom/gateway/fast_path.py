"""The fast path: a uvicorn protocol class that gives an accepted WebSocket away, and the socket that it becomes.

ASGI costs a queue and two task switches for each message, keeps a task for each connection, and knows neither pings
nor oversized frames. `FastPathProtocol` (for uvicorn's `ws=` setting) serves ASGI as its parent does; where the
endpoint makes use of the scope extension, a `FastSocket` takes its place on the transport.
"""

import asyncio
import struct
from typing import cast

from msgspec import Struct
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.server import ServerProtocol

from gameroom.gateway.asgi_socket import ABNORMAL, EXTENSION, Connect, SocketLimits
from gameroom.protocol.codes import CloseCode

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
"""First bytes of unfragmented frames (RFC 6455, 5.2)."""

LONGEST_CLOSE_REASON = 123
"""Bytes: a control frame holds 125, two of them are the code."""


def frame_of(first: int, payload: bytes) -> bytes:
    """A whole frame as servers send it: unmasked."""
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


class Upgraded(Struct, frozen=True, kw_only=True):
    """An accepted connection as uvicorn's protocol leaves it.

    `fragments` and `is_text`: the message that is not whole yet. `connections`: where the server finds what it has to
    shut down and to wait for.
    """

    transport: asyncio.Transport
    parser: ServerProtocol
    fragments: list[bytes]
    is_text: bool
    connections: set[asyncio.Protocol]


class FastSocket(asyncio.Protocol):
    """Implements `Socket` on a transport of its own: bytes in, callbacks out, no queue and no task.

    The parser (websockets' sans-I/O protocol) is only read: all that leaves is framed here, and leaves by
    `transport.write`, so pongs, events, answers and the close keep their order. What the peer does not read waits in
    the transport's buffer; over the limit the socket closes 4002.

    For the receiver the socket is gone once it closes, whoever does it; the closing handshake goes on without it.
    """

    hears_pongs = True

    def __init__(self, upgraded: Upgraded, connect: Connect, limits: SocketLimits) -> None:
        self._transport = upgraded.transport
        self._parser = upgraded.parser
        self._fragments = bytearray().join(upgraded.fragments)
        self._is_text = upgraded.is_text
        self._connections = upgraded.connections
        self._limits = limits
        self._open = True
        self._code = ABNORMAL
        self._told = False
        self._deadline: asyncio.TimerHandle | None = None
        self._receiver = connect(self)

    # --- Socket -----------------------------------------------------------------------------------------------

    def send_text(self, frame: bytes) -> None:
        self._send(TEXT, frame)

    def send_binary(self, frame: bytes) -> None:
        self._send(BINARY, frame)

    def ping(self) -> None:
        self._send(PING, b"")

    def close(self, code: int, reason: str) -> None:
        if not self._open:
            return
        self._end(code, struct.pack("!H", code) + reason.encode()[:LONGEST_CLOSE_REASON])
        # Not at once: the caller may be in the middle of something that `closed` would change.
        asyncio.get_running_loop().call_soon(self._tell_closed)
        if self._parser.parser_exc is not None and _can_write_eof(self._transport):
            # The parser is deaf for the peer's close frame; the end of the stream calls for an answer too.
            self._transport.write_eof()

    def _send(self, first: int, payload: bytes) -> None:
        # A transport may be lost a moment before it says so; uvloop's then raises.
        if not self._open or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > self._limits.queue_bytes:
            self.close(CloseCode.TOO_SLOW, "too_slow")
            return
        self._transport.write(frame_of(first, payload))

    # --- what arrives -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        parser.receive_data(data)
        for event in parser.events_received():
            self._hear_frame(cast(Frame, event))
        parser.data_to_send()  # its own answers, which are thrown away: they stand in `_hear_frame`
        if parser.parser_exc is not None and self._open:
            self._fail(parser)

    def _hear_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._hear_close(bytes(frame.data))
        elif not self._open:
            return
        elif frame.opcode is Opcode.PONG:
            self._receiver.pong()
        elif frame.opcode is Opcode.PING:
            self._send(PONG, bytes(frame.data))
            # A peer that pings is there, which is all that a pong would say.
            self._receiver.pong()
        else:
            self._hear_data(frame)

    def _hear_data(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
            if frame.fin:
                self.hear(bytes(frame.data), is_text=self._is_text)
                return
        # One buffer, not a list of fragments: empty ones, of which there may be millions, cost nothing.
        self._fragments += frame.data
        if frame.fin:
            whole, self._fragments = bytes(self._fragments), bytearray()
            self.hear(whole, is_text=self._is_text)

    def hear(self, message: bytes, *, is_text: bool) -> None:
        """Pass a whole message on, unless the socket is closed."""
        if not self._open:
            return
        if len(message) > self._limits.message_bytes:
            self._oversized()
        elif not is_text:
            self._receiver.binary(message)
        else:
            try:
                text = message.decode()
            except UnicodeDecodeError:
                self.close(CloseCode.BAD_UTF8, "text is not UTF-8")
                return
            self._receiver.text(text)

    def _hear_close(self, payload: bytes) -> None:
        if self._open:
            self._end(_code_of(self._parser.close_rcvd), payload)
            self._tell_closed()
        self._transport.close()

    def _fail(self, parser: ServerProtocol) -> None:
        """The framing is broken, or a frame is too long: nothing more is parsed."""
        verdict = parser.close_sent or Close(CloseCode.PROTOCOL_ERROR, "")
        if verdict.code == CloseCode.MESSAGE_TOO_BIG:
            self._oversized()
        else:
            self.close(verdict.code, verdict.reason)

    def _oversized(self) -> None:
        self._receiver.oversized()
        self.close(CloseCode.MESSAGE_TOO_BIG, "message_too_big")

    # --- the end ----------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """The server stops (uvicorn calls this): close without waiting for the peer's answer."""
        self.close(CloseCode.RESTARTING, "")
        self._transport.close()

    def lost(self, code: int) -> None:
        """The connection is gone already."""
        if self._open:
            self._open = False
            self._code = code
        self._tell_closed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()
        self.lost(ABNORMAL)

    def _end(self, code: int, payload: bytes) -> None:
        """Send the close frame, ours or the answer to the peer's, and see to it that the transport ends."""
        self._open = False
        self._code = code
        if not self._transport.is_closing():
            self._transport.write(frame_of(CLOSE, payload))
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._limits.close_seconds, self._transport.abort)

    def _tell_closed(self) -> None:
        if not self._told:
            self._told = True
            self._receiver.closed(self._code)


class FastPathProtocol(WebSocketsSansIOProtocol):
    """uvicorn's class for a WebSocket, which can give an accepted connection away (`asgi_socket.TakeOver`)."""

    _socket: FastSocket | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # At log level DEBUG it would write down headers and frames, and with them tokens.
        self.conn.debug = False

    async def run_asgi(self) -> None:
        extensions = cast(dict[str, object], self.scope["extensions"])
        extensions[EXTENSION] = self._take_over
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        # uvicorn forgets this after a refusal with a body, and would log an error for each.
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def _take_over(self, connect: Connect, limits: SocketLimits) -> None:
        self._socket = socket = FastSocket(self._upgraded(), connect, limits)
        self.stop_keepalive()
        if not self.disconnected:
            self._hand_over(socket)
        while not self.queue.empty():
            _replay(self.queue.get_nowait(), socket)
        if self.transport.is_closing() or self.disconnected:
            socket.lost(_code_of(self.conn.close_rcvd or self.conn.close_sent))
        elif self.read_paused:
            self.transport.resume_reading()
        # What uvicorn still does with the transport when the ASGI app returns no longer concerns the connection.
        self.transport = _NoTransport()

    def _upgraded(self) -> Upgraded:
        return Upgraded(
            transport=self.transport,
            parser=self.conn,
            fragments=self.frames,
            is_text=self.curr_msg_data_type == "text",
            connections=cast(set[asyncio.Protocol], self.connections),
        )

    def _hand_over(self, socket: FastSocket) -> None:
        connections = cast(set[asyncio.Protocol], self.connections)
        connections.discard(self)
        connections.add(socket)
        self.transport.set_protocol(socket)

    def send_500_response(self) -> None:
        """The ASGI app has failed. If that was after it gave the connection away, nobody else would close it."""
        if self._socket is None:
            super().send_500_response()
        else:
            self._socket.close(CloseCode.INTERNAL, "internal")


def _can_write_eof(transport: asyncio.Transport) -> bool:
    return not transport.is_closing() and transport.can_write_eof()


def _code_of(close: Close | None) -> int:
    return ABNORMAL if close is None else close.code


def _replay(event: ASGIReceiveEvent, socket: FastSocket) -> None:
    """A message that waited in uvicorn's queue when the connection was taken over."""
    if event["type"] == "websocket.receive":
        text = event.get("text")
        data = event.get("bytes")
        socket.hear(data or b"" if text is None else text.encode(), is_text=text is not None)


class _NoTransport(asyncio.Transport):
    """In place of a transport that has another owner."""

    def close(self) -> None:
        """Nothing is ours to close."""

    def is_closing(self) -> bool:
        return True
