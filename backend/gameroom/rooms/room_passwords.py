"""Room passwords never get behind the edges in clear: rooms store and compare their keyed MAC."""

from hashlib import blake2b
from typing import TypeVar

from msgspec.structs import replace

from gameroom.protocol.commands import CreateRoom, JoinRoom

WithPassword = TypeVar("WithPassword", CreateRoom, JoinRoom)


class RoomPasswords:
    """Seals passwords with the server's key (1 to 64 bytes, the same on every node)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, command: WithPassword) -> WithPassword:
        """The command with its password, if it has one, replaced by a hex BLAKE2b MAC of the text alone."""
        if command.password is None:
            return command
        mac = blake2b(command.password.encode(), key=self._key, digest_size=32)
        return replace(command, password=mac.hexdigest())
