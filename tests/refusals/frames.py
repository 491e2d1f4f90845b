"""Messages that are no command at all, in both encodings."""

from tests.kit.encoding import Encoding, Message
from tests.refusals.scenes import Stage

MALFORMED = "malformed_frame"

NO_COMMANDS: list[object] = [
    [],
    [{"type": "PING"}],
    "PING",
    7,
    True,
    None,
    {},
    {"id": "1"},
    {"type": 7},
    {"type": None},
]
"""Values that can be written in either encoding."""

ODD: dict[Encoding, list[Message]] = {
    Encoding.JSON: [
        "",
        "{",
        "{}{}",
        '{"type": "PING", "id": NaN}',
        b'{"type": "PING"}',
        b"\x81\xa4type\xa4PING",
    ],
    Encoding.MSGPACK: [
        b"",
        b"\x81\xa4type",
        b"\x81\xa4type\xa4PING\xc0",
        b"\x81\xa4type\xc4\x04PING",
        b"\xc1",
        '{"type": "PING"}',
    ],
}
"""Of each encoding: cut short, two at once, of types that the wire does not have, and the other kind of message."""


def malformed(encoding: Encoding) -> list[Message]:
    return [*[encoding.pack(value) for value in NO_COMMANDS], *ODD[encoding]]


async def try_message(stage: Stage, message: Message) -> None:
    """A member of the room sends it; it is malformed, the socket stays, and all is as it was."""
    player = stage.cast["guest"]
    before = await stage.look("guest")
    await stage.heard()
    await (player.send_text(message) if isinstance(message, str) else player.send_binary(message))
    error = await player.next()
    assert (error["type"], error["code"], error["retryable"]) == ("ERROR", MALFORMED, False), (message, error)
    assert "command" not in error
    assert await stage.look("guest") == before
    assert await stage.heard() == {}
