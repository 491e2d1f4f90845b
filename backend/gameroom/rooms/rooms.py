"""The contract through which the edges reach rooms, wherever these run.

Guarantees. Requests of one sender to one room are decided in the order submitted. An outcome is told only after
the journal holds what it rests on. `Unavailable` means: certainly not applied; while that is unknown, nothing is
told. Events of a command are published before its outcome is told.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import GameroomError
from gameroom.protocol.commands import CreateRoom, RoomCommand
from gameroom.protocol.views import User


class Card(Struct, frozen=True):
    """How a user is shown to others. Never journaled: it stands beside the state."""

    display_name: str
    avatar_url: str | None


class Cards(Protocol):
    """Where rooms get the cards of their members from when they are opened."""

    async def cards(self, user_ids: list[str]) -> dict[str, Card]:
        """The cards of those users that still exist."""


class Sender(Struct, frozen=True, kw_only=True):
    """Who asks. `connection_id` is None on REST, where nobody becomes connected.

    `elsewhere`: in how many other rooms it is (or comes in just now); found out on the way of a newcomer's JOIN and
    of CREATE, None everywhere else.
    """

    user_id: str
    card: Card
    connection_id: str | None = None
    admin: bool = False
    elsewhere: int | None = None

    @classmethod
    def of(cls, user: User, connection_id: str | None = None) -> "Sender":
        return cls(
            user_id=user.user_id,
            card=Card(user.display_name, user.avatar_url),
            connection_id=connection_id,
            admin="admin" in user.roles,
        )


class Request(Struct, frozen=True, kw_only=True):
    """A command on its way to its room.

    For CREATE `room_id` is the id that the new room shall have. `rejoin`: a JOIN that must not make a new member.
    """

    room_id: str
    sender: Sender
    command: RoomCommand | CreateRoom
    rejoin: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """A command was done. `data` is the REPLY's `data`, encoded; `missed` are the frames that follow a resume.

    `holds_view`: the answer stands exactly at its `seq` in the room's history.
    `flush_ms`: how long it may wait on its way out, as the room's events do.
    A repeated CREATE has `data` `{}`; the room that it once made is `room_id`.
    """

    room_id: str
    epoch: int
    seq: int
    data: bytes
    repeated: bool = False
    holds_view: bool = False
    missed: tuple[bytes, ...] = ()
    flush_ms: Millis = 0


Outcome = Answer | GameroomError
Tell = Callable[[Outcome], None]
"""Called exactly once, on the loop, within the command's deadline or, in doubt, when the doubt is resolved."""


class Rooms(Protocol):
    def submit(self, request: Request, tell: Tell) -> None:
        """Hand a command to its room. Never waits, never raises: every failure is told.

        A full mailbox tells `Unavailable` at once; a command undecided after 10 s is withdrawn and told the same.
        """

    def detach(self, room_id: str, user_id: str, connection_id: str) -> None:
        """The connection is gone. Ignored if the member has a newer one."""

    def card_changed(self, user_id: str, card: Card) -> None:
        """The user is shown otherwise from now on. Never waits, never raises.

        Rooms that are open say so to their members; others read the card when they are opened.
        """

    def account_deleted(self, user_id: str) -> None:
        """The account is gone from the store, and its rooms shall lose the member. Never waits, never raises.

        What a death of the server leaves undone is done when the room is opened, for then the card is missing.
        """

    async def room_of_code(self, invite_code: str) -> str | None:
        """The id of the open room with this (normalized) invite code."""
