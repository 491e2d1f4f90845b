"""What the suite's fuzzing client (`fuzzing.py`, Python 2) is to its cases, on today's Autobahn and asyncio.

The cases judge by themselves: by what they are told here, and by what Autobahn has noted of the closing handshake.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from tests.autobahn.build.case import Case
from tests.autobahn.verdict import Outcome

CASE_DEADLINE = 120.0
"""Seconds that a case may take. Those of section 9 give a server up to 1000, and need 20."""

CLOSING_DEADLINE = 5
"""Seconds that a server may take to answer a close frame, and to end the connection then.

The suite's own client gives it one, and runs one case at a time; here the others may keep the loop busy for as long.
"""

START_DEADLINE = 30
"""Seconds to the end of the handshake: a server may be called before it has started."""


class FuzzingClient(WebSocketClientProtocol):
    """One connection, for one case, which calls it `p`.

    A case's strings are those of Python 2, bytes: each of their characters stands for the byte of its number.
    """

    def __init__(self, case: type[Case]) -> None:
        super().__init__()
        self.connectionWasOpen = False
        self.txFrameStats: Counter[int] = Counter()
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._case = case(self)

    async def outcome(self) -> Outcome:
        """Once the connection is lost."""
        await self._over.wait()
        return Outcome(self._case.behavior, self._case.behaviorClose)

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(Turnwise(transport, self._loop))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._case.onConnectionLost(self.failedByMe)
        self._over.set()

    # --- what the case hears ----------------------------------------------------------------------------------

    def onOpen(self) -> None:
        self.connectionWasOpen = True
        self._case.onOpen()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self._case.onMessage(payload.decode("latin-1"), isBinary)

    def onPong(self, payload: bytes) -> None:
        self._case.onPong(payload.decode("latin-1"))

    # --- what the case does -----------------------------------------------------------------------------------

    def sendFrame(self, opcode: int, payload: str | bytes = b"", **how: Any) -> None:
        self.txFrameStats[opcode] += 1
        super().sendFrame(opcode, _octets(payload), **how)

    def sendMessage(self, payload: str, isBinary: bool = False, **how: Any) -> None:
        super().sendMessage(_octets(payload), isBinary, **how)

    def sendMessageFrameData(self, payload: str, sync: bool = False) -> None:
        super().sendMessageFrameData(_octets(payload), sync)

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: str | bytes | None = None, isReply: bool = False
    ) -> None:
        super().sendCloseFrame(code, None if reasonUtf8 is None else _octets(reasonUtf8), isReply)

    def continueLater(self, delay: float, fun: Callable[[], None], tag: str | None = None) -> None:
        self._loop.call_later(delay, self._unless_closed, fun)

    def killAfter(self, delay: float) -> None:
        self._loop.call_later(delay, self._unless_closed, self._fail_connection)

    def closeAfter(self, delay: float) -> None:
        self._loop.call_later(delay, self._unless_closed, self.sendClose)

    def enableWirelog(self, enable: bool) -> None:
        """Nothing is logged."""

    def _unless_closed(self, action: Callable[[], None]) -> None:
        if self.state != self.STATE_CLOSED:
            action()


class Turnwise:
    """A transport on which what is written in one turn of the loop leaves together, as on Twisted's.

    Many cases come in pairs, which differ only in that: whether their frames arrive at once or one by one.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(data)

    def _flush(self) -> None:
        self._transport.write(b"".join(self._written))
        self._written.clear()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _octets(text: str | bytes) -> bytes:
    """Autobahn calls the overridden methods too, with bytes."""
    return text if isinstance(text, bytes) else text.encode("latin-1")


async def outcome_of(case: type[Case], port: int) -> Outcome:
    """How the server on this port of 127.0.0.1 stands the case."""
    loop = asyncio.get_running_loop()
    factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}", loop=loop)
    factory.protocol = lambda: FuzzingClient(case)
    factory.setProtocolOptions(
        failByDrop=False,  # as the suite has it: a client that closes by itself does so with a close frame
        openHandshakeTimeout=START_DEADLINE,
        closeHandshakeTimeout=CLOSING_DEADLINE,
        serverConnectionDropTimeout=CLOSING_DEADLINE,
    )
    transport, client = await loop.create_connection(factory, "127.0.0.1", port)
    try:
        async with asyncio.timeout(CASE_DEADLINE):
            outcome: Outcome = await client.outcome()
            return outcome
    except TimeoutError:
        return Outcome(Case.FAILED, Case.FAILED)
    finally:
        transport.abort()
