"""Room passwords never get behind the edges in clear: rooms store and compare their keyed MAC."""

from hashlib import blake2b
from typing import TypeVar

from msgspec.structs import replace

from gameroom.protocol.commands import Command, CreateRoom, JoinRoom, UpdateRoom

C = TypeVar("C", bound=Command)

WITH_PASSWORD = (CreateRoom, JoinRoom, UpdateRoom)
"""Every command that has a room's password; a test compares."""


class RoomPasswords:
    """Seals passwords with the server's key (1 to 64 bytes, the same on every node)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, command: C) -> C:
        """The command with its password, if it has one, replaced by a hex BLAKE2b MAC of the text alone."""
        password = command.password if isinstance(command, WITH_PASSWORD) else None
        if not isinstance(password, str):
            return command
        mac = blake2b(password.encode(), key=self._key, digest_size=32)
        return replace(command, password=mac.hexdigest())
