"""A WebSocket on a transport of its own: bytes in, callbacks out, no queue and no task."""

import asyncio
import struct
from collections.abc import Callable
from typing import cast

from gameroom.clock import Millis
from gameroom.gateway.asgi_socket import ABNORMAL, SocketLimits
from gameroom.gateway.fast_path.departures import departures_of
from gameroom.gateway.fast_path.framing import BINARY, CLOSE, FIN, PING, PONG, TEXT, BrokenFraming
from gameroom.gateway.fast_path.parser import Parser, Said, close_code
from gameroom.gateway.socket import Receiver
from gameroom.protocol.codes import CloseCode
from gameroom.protocol.frames import Frame, unmasked

MESSAGES_AT_ONCE = 64
"""So many messages of one peer are heard before others have their turn: about a millisecond of work."""

LONGEST_CLOSE_REASON = 123
"""Bytes: a control frame holds 125, two of them are the code."""

_PING = unmasked(FIN | PING, b"")

_SOON = 0
"""The departure at the end of this turn; another one is in so many milliseconds, or sooner."""


class FastSocket(asyncio.Protocol):
    """Implements `Socket`. What is sent within one turn of the loop leaves as one write, in the order of the calls.

    What may wait leaves a little later, or with the next that may not.

    What the peer does not read waits in the transport's buffer; over the limit the socket closes 4002. A peer that
    sends faster than it is heard waits in TCP.

    For the receiver the socket is gone once it closes, whoever does it; the closing handshake goes on without it.
    """

    __slots__ = (
        "_close_deadline",
        "_code",
        "_connections",
        "_deaf",
        "_departure",
        "_departures",
        "_held",
        "_limits",
        "_loop",
        "_open",
        "_outgoing",
        "_outgoing_bytes",
        "_parser",
        "_reading",
        "_receiver",
        "_resuming",
        "_told",
        "_transport",
        "on_flow",
    )

    hears_pongs = True

    def __init__(
        self, transport: asyncio.Transport, parser: Parser, receiver: Receiver, limits: SocketLimits
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._departures = departures_of(self._loop)
        self._departure: Millis | None = None
        self._transport = transport
        self._parser = parser
        self._receiver = receiver
        self._limits = limits
        self._outgoing: list[bytes] = []
        self._outgoing_bytes = 0
        self._open = True
        self._code = ABNORMAL
        self._told = False
        self._deaf = False
        self._held = False
        self._reading = True
        self._resuming = False
        self._close_deadline: asyncio.TimerHandle | None = None
        self._connections: set[asyncio.Protocol] = set()
        self.on_flow: Callable[[bool], None] | None = None
        """Told when the transport's buffer is full (False), and when it has room again (True)."""

    def listed_in(self, connections: set[asyncio.Protocol]) -> None:
        """Stand among them until the connection is lost: what the server has to shut down and to wait for."""
        self._connections = connections
        connections.add(self)

    def pass_to(self, receiver: Receiver, limits: SocketLimits, unheard: list[Said]) -> None:
        """From now on this receiver hears what arrives, within these limits; first what arrived, and nobody heard."""
        self._receiver = receiver
        self._limits = limits
        self._parser.most = limits.message_bytes
        was_open = self._open
        for said in unheard:
            if self._open == was_open:
                self._tell(said)
        if self._told:
            receiver.closed(self._code)
        else:
            self.hold(False)

    def hold(self, held: bool) -> None:
        """Hear nothing (the peer waits in TCP), or go on."""
        self._held = held
        if not held:
            self._resume_soon()

    # --- Socket -----------------------------------------------------------------------------------------------

    def send_text(self, frame: Frame) -> None:
        self.write(frame.text, frame.flush_ms)

    def send_binary(self, frame: Frame) -> None:
        self.write(frame.binary, frame.flush_ms)

    def ping(self) -> None:
        self.write(_PING)

    def write(self, framed: bytes, wait_ms: Millis = 0) -> None:
        """Send a whole WebSocket frame. A turn that sends more than the limit is written in several pieces."""
        if not self._open:
            return
        if wait_ms == 0:
            if self._departure != _SOON:
                self._departure = _SOON
                self._loop.call_soon(self._flush)
        elif self._departure is None:
            self._departure = wait_ms
            self._departures.leave_within(wait_ms, self._flush)
        self._outgoing.append(framed)
        self._outgoing_bytes += len(framed)
        if self._outgoing_bytes > self._limits.queue_bytes:
            self._flush()

    def _flush(self) -> None:
        self._departure = None
        outgoing = self._outgoing
        # A transport may be lost a moment before it says so; uvloop's then raises.
        if not outgoing or self._transport.is_closing():
            return
        self._outgoing, self._outgoing_bytes = [], 0
        if self._transport.get_write_buffer_size() > self._limits.queue_bytes:
            self.close(CloseCode.TOO_SLOW, "too_slow")
        else:
            self._transport.write(outgoing[0] if len(outgoing) == 1 else b"".join(outgoing))

    def close(self, code: int, reason: str) -> None:
        if not self._open:
            return
        self._end(code, struct.pack("!H", code) + reason.encode()[:LONGEST_CLOSE_REASON])
        # Not at once: the caller may be in the middle of something that `closed` would change.
        self._loop.call_soon(self._tell_closed)
        if self._deaf and self._can_write_eof():
            # The peer's close frame cannot be read any more; the end of the stream calls for an answer too.
            self._transport.write_eof()

    def _can_write_eof(self) -> bool:
        return not self._transport.is_closing() and self._transport.can_write_eof()

    # --- what arrives -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._parser.feed(data)
        if not (self._held or self._resuming):
            self._hear_some()

    def _hear_some(self) -> None:
        """Hear what has arrived; of a burst a part, and the rest in a later turn."""
        self._resuming = False
        for _ in range(MESSAGES_AT_ONCE):
            if self._held:
                break
            try:
                said = self._parser.next()
                if said is None:
                    self._read(True)
                    return
                self._hear(said)
            except BrokenFraming as broken:
                self._fail(broken)
                return
        self._read(False)
        if not self._held:
            self._resume_soon()

    def _resume_soon(self) -> None:
        if not self._resuming and not self._deaf:
            self._resuming = True
            self._loop.call_soon(self._hear_some)

    def _read(self, reading: bool) -> None:
        if reading == self._reading or self._transport.is_closing():
            return
        self._reading = reading
        if reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _hear(self, said: Said) -> None:
        """Raises `BrokenFraming` for a close frame that is none."""
        opcode, content = said
        if opcode == CLOSE:
            self._hear_close(cast(bytes, content))
        elif not self._open:
            return
        elif opcode in (TEXT, BINARY):
            self._tell(said)
        else:
            if opcode == PING:
                self.write(unmasked(FIN | PONG, cast(bytes, content)))
            # A peer that pings is there, which is all that a pong would say.
            self._receiver.pong()

    def _tell(self, said: Said) -> None:
        content = said[1]
        if isinstance(content, str):
            self._receiver.text(content)
        else:
            self._receiver.binary(content)

    def _hear_close(self, payload: bytes) -> None:
        code = close_code(payload)
        if self._open:
            self._end(code, payload)
            self._tell_closed()
        self._transport.close()

    def _fail(self, broken: BrokenFraming) -> None:
        """What the peer sends cannot be read any more. It is still taken in, so that the peer reads why."""
        self._deaf = True
        self._read(True)
        if not self._open:
            self._transport.close()
        elif broken.code == CloseCode.MESSAGE_TOO_BIG:
            self._receiver.oversized()
            self.close(broken.code, broken.reason)
        else:
            self.close(broken.code, broken.reason)

    # --- the end ----------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """The server stops (uvicorn calls this): close without waiting for the peer's answer."""
        self.close(CloseCode.RESTARTING, "")
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._close_deadline is not None:
            self._close_deadline.cancel()
        self._open = False
        self._deaf = True
        self._tell_closed()
        self.resume_writing()

    def pause_writing(self) -> None:
        if self.on_flow is not None:
            self.on_flow(False)

    def resume_writing(self) -> None:
        if self.on_flow is not None:
            self.on_flow(True)

    def _end(self, code: int, payload: bytes) -> None:
        """Send the close frame, ours or the answer to the peer's, and see to it that the transport ends."""
        self._flush()
        if not self._open:
            return  # too slow for what was still to be sent, and closed for that
        self._open = False
        self._code = code
        self._held = False
        self._outgoing.clear()
        if not self._transport.is_closing():
            self._transport.write(unmasked(FIN | CLOSE, payload))
        self._close_deadline = self._loop.call_later(self._limits.close_seconds, self._transport.abort)

    def _tell_closed(self) -> None:
        if not self._told:
            self._told = True
            self._receiver.closed(self._code)
