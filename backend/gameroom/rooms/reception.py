"""Where the edges meet rooms."""

from dataclasses import dataclass

from gameroom.games.registry import Games
from gameroom.rooms.directory import Directory
from gameroom.rooms.room_passwords import RoomPasswords
from gameroom.rooms.rooms import Rooms


@dataclass(frozen=True)
class Reception:
    """The authority over rooms, what strangers may know of them, what is played, and the seal of their passwords."""

    rooms: Rooms
    directory: Directory
    games: Games
    passwords: RoomPasswords
