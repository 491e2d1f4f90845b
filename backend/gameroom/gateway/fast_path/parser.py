"""What a client says, from its bytes (RFC 6455, sections 5 and 7). Pure: bytes in, messages out, no socket."""

from codecs import getincrementaldecoder

from gameroom.gateway.fast_path.framing import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    LONGEST_CONTROL,
    PING,
    PONG,
    TEXT,
    BrokenFraming,
    Unframe,
)
from gameroom.protocol.codes import CloseCode

Said = tuple[int, str | bytes]
"""TEXT with a str, BINARY, PING, PONG or CLOSE with bytes; a message of many fragments is one."""

NO_CODE = 1005
"""Stands for a close frame that is empty (RFC 6455, 7.1.5)."""

_WHOLE_TEXT, _WHOLE_BINARY = FIN | TEXT, FIN | BINARY

_OPCODE = 0x0F
_RESERVED = 0x70
"""Bits of a first byte that only extensions give a meaning, and none is ever agreed on."""

_CONTROL = frozenset({CLOSE, PING, PONG})

_new_decoder = getincrementaldecoder("utf-8")


class Parser:
    """The state of one direction of one connection: bytes that are not read yet, and a message that is not whole."""

    __slots__ = ("_at", "_buffer", "_message", "_unframe", "most")

    def __init__(self, most: int, unframe: Unframe) -> None:
        self.most = most
        """Bytes that a message may have, all its fragments together."""
        self._unframe = unframe
        self._buffer: bytes | bytearray = b""
        self._at = 0
        self._message: _Fragments | None = None

    def feed(self, data: bytes) -> None:
        """Add what has arrived. Between two messages nothing is copied."""
        if not self._buffer:
            self._buffer = data
        elif isinstance(self._buffer, bytearray):
            del self._buffer[: self._at]
            self._buffer += data
            self._at = 0
        else:
            self._buffer = bytearray().join((memoryview(self._buffer)[self._at :], data))
            self._at = 0

    def next(self) -> Said | None:
        """The next that is complete; None: more must arrive first.

        Raises `BrokenFraming`; the parser must not be asked again then.
        """
        while (frame := self._unframe(self._buffer, self._at, self.most)) is not None:
            first, payload, self._at = frame
            # Most of all that is ever said is one frame of text.
            if first == _WHOLE_TEXT and self._message is None:
                return TEXT, _decoded(payload)
            if (said := self._take(first, payload)) is not None:
                return said
        if self._at == len(self._buffer):
            self._buffer, self._at = b"", 0
        return None

    def _take(self, first: int, payload: bytes) -> Said | None:
        """What a frame says by itself, or completes."""
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise _broken("no extension was agreed on")
        if opcode in _CONTROL:
            _check_control(first, payload)
            return opcode, payload
        return self._take_data(opcode, payload, is_last=first & FIN != 0)

    def _take_data(self, opcode: int, payload: bytes, *, is_last: bool) -> Said | None:
        if opcode == CONTINUATION:
            return self._add(payload, is_last=is_last)
        if opcode not in (TEXT, BINARY):
            raise _broken(f"there is no opcode {opcode}")
        if self._message is not None:
            raise _broken("the message before is not whole")
        if is_last and opcode == BINARY:
            return BINARY, payload
        self._message = _Fragments(opcode, self.most)
        return self._add(payload, is_last=is_last)

    def _add(self, payload: bytes, *, is_last: bool) -> Said | None:
        message = self._message
        if message is None:
            raise _broken("there is no message to continue")
        message.add(payload)
        if not is_last:
            return None
        self._message = None
        return message.whole()


class _Fragments:
    """A message that is not whole. Text is decoded as it comes: what is no UTF-8 fails at once."""

    def __init__(self, opcode: int, most: int) -> None:
        self._opcode = opcode
        self._most = most
        # One buffer, not a list: empty fragments, of which there may be millions, cost nothing.
        self._data = bytearray()
        self._decoder = _new_decoder() if opcode == TEXT else None

    def add(self, payload: bytes) -> None:
        if len(self._data) + len(payload) > self._most:
            raise BrokenFraming(CloseCode.MESSAGE_TOO_BIG, "message_too_big")
        self._data += payload
        if self._decoder is not None:
            try:
                self._decoder.decode(payload)
            except UnicodeDecodeError:
                raise _not_utf8() from None

    def whole(self) -> Said:
        return self._opcode, bytes(self._data) if self._decoder is None else _decoded(self._data)


def close_code(payload: bytes) -> int:
    """The code in a close frame, `NO_CODE` for an empty one. Raises `BrokenFraming` (RFC 6455, 5.5.1, 7.4)."""
    if not payload:
        return NO_CODE
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not _may_be_sent(code):
        raise _broken("no close code")
    _decoded(payload[2:])
    return code


def _may_be_sent(code: int) -> bool:
    """Those of the RFC and its registry but for 1004 to 1006 and 1015, of libraries, and of applications."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def _check_control(first: int, payload: bytes) -> None:
    if not first & FIN:
        raise _broken("control frames cannot be fragments")
    if len(payload) > LONGEST_CONTROL:
        raise _broken("a control frame has 125 bytes at most")


def _decoded(data: bytes | bytearray) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _broken(reason: str) -> BrokenFraming:
    return BrokenFraming(CloseCode.PROTOCOL_ERROR, reason)


def _not_utf8() -> BrokenFraming:
    return BrokenFraming(CloseCode.BAD_UTF8, "text is not UTF-8")
