"""Where the commands of one connection go: to their rooms, or to the connection itself; each in its turn."""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from gameroom.clock import rfc3339
from gameroom.errors import (
    Forbidden,
    GameroomError,
    InternalError,
    RoomNotFound,
    Unavailable,
    ValidationFailed,
)
from gameroom.gateway import closing
from gameroom.gateway.asked import Asked, Failure, Settled, asked, created_before
from gameroom.gateway.attachment import Attachment
from gameroom.gateway.environment import Environment
from gameroom.gateway.handshake import BearerCredential
from gameroom.gateway.peer import Renewable
from gameroom.ids import new_id, normalize_invite_code
from gameroom.protocol.answers import Authenticated, DetachReason, Empty, LobbyRooms, Pong
from gameroom.protocol.codec import encode, error_frame, reply_frame
from gameroom.protocol.commands import (
    AnyCommand,
    Authenticate,
    Command,
    CreateRoom,
    JoinRoom,
    Ping,
    RoomCommand,
    SubscribeLobby,
    UnsubscribeLobby,
    type_of,
)
from gameroom.rooms.asking import Undecided

logger = logging.getLogger(__name__)

MAX_BEHIND = 256
"""Commands that wait behind one that must be awaited; further ones are `unavailable`."""


class Dispatcher:
    """Implements `attachment.Owner`. `bound_to`: the one room that the socket is for, if it is for one."""

    def __init__(self, peer: Renewable, environment: Environment, bound_to: str | None) -> None:
        self._peer = peer
        self._environment = environment
        self._bound_to = bound_to
        self._attachments: dict[str, Attachment] = {}
        self._behind: deque[AnyCommand] | None = None
        self._closed = False

    def take(self, command: AnyCommand) -> None:
        """Do a command, after those before it that are still being awaited."""
        if self._behind is None:
            self._dispatch(command)
        elif len(self._behind) < MAX_BEHIND:
            self._behind.append(command)
        else:
            self.refuse(command, Unavailable("Too many commands of this connection wait"))

    def enter(self, join: JoinRoom, settled: Settled) -> None:
        """Make the automatic JOIN of a room-bound socket; a failure goes to `settled`, not to the client."""
        if self._closed:
            settled(Undecided())
        else:
            self._attachment(str(join.room_id)).ask(asked(join, settled))

    def refuse(self, command: Command, error: GameroomError) -> None:
        """Answer a command with an ERROR."""
        room_id = command.room_id if isinstance(command, RoomCommand) else None
        self._peer.send(error_frame(error, id=command.id, command=type_of(command), room_id=room_id))

    def close(self, failure: Failure) -> None:
        """The connection is over: in none of its rooms does it count as connected any more.

        `failure`: what an automatic JOIN that is not decided yet is settled with.
        """
        self._closed = True
        self._environment.lobby.unsubscribe(self._peer)
        for attachment in tuple(self._attachments.values()):
            attachment.close(failure)
        self._attachments.clear()

    # --- commands ---------------------------------------------------------------------------------------------

    def _dispatch(self, command: AnyCommand) -> None:
        try:
            self._do(self._environment.passwords.seal(command))
        except GameroomError as error:
            self.refuse(command, error)

    def _do(self, command: AnyCommand) -> None:
        match command:
            case JoinRoom():
                self._join(command)
            case RoomCommand():
                self._ask(command, self._implied_room() if command.room_id is None else command.room_id)
            case CreateRoom():
                self._create(command)
            case Authenticate():
                self._await(command, self._renew(command))
            case Ping():
                self._reply(command, Pong(rfc3339(self._environment.clock.now())))
            case SubscribeLobby():
                self._await(command, self._subscribe(command))
            case UnsubscribeLobby():
                self._environment.lobby.unsubscribe(self._peer)
                self._reply(command, Empty())
            case _:
                assert_never(command)

    def _ask(self, command: RoomCommand, room_id: str) -> None:
        if self._bound_to not in (None, room_id):
            raise _room_bound()
        if command.room_id is None:
            command = replace(command, room_id=room_id)
        self._attachment(room_id).ask(asked(command))

    def _implied_room(self) -> str:
        if self._bound_to is not None:
            return self._bound_to
        rooms = [room_id for room_id, attachment in self._attachments.items() if attachment.implied]
        if len(rooms) != 1:
            raise ValidationFailed.at(
                "#/room_id", f"say which room: this connection is in {len(rooms)}, not in exactly one"
            )
        return rooms[0]

    def _create(self, command: CreateRoom) -> None:
        if self._bound_to is not None:
            raise _room_bound()
        self._attachment(new_id()).ask(asked(command))

    def _join(self, command: JoinRoom) -> None:
        if command.invite_code is not None:
            command = replace(command, invite_code=normalize_invite_code(command.invite_code))
        if command.room_id is not None:
            self._ask(command, command.room_id)
        elif command.invite_code is not None:
            self._await(command, self._join_by_code(command, command.invite_code))
        else:
            raise ValidationFailed.at("#/room_id", "JOIN needs a room_id or an invite_code")

    async def _join_by_code(self, command: JoinRoom, invite_code: str) -> None:
        room_id = await self._environment.rooms.room_of_code(invite_code)
        if room_id is None:
            raise RoomNotFound
        if not self._closed:
            self._ask(command, room_id)

    async def _renew(self, command: Authenticate) -> None:
        principal = await self._environment.identify(BearerCredential(command.access_token))
        if principal.user.user_id != self._peer.sender.user_id:
            raise Forbidden("This socket belongs to another user", reason="other_user")
        if not self._closed:
            self._peer.renew(principal)
            self._reply(command, Authenticated(self._environment.seconds_left(principal)))

    async def _subscribe(self, command: SubscribeLobby) -> None:
        lobby = self._environment.lobby
        rooms = await lobby.subscribe(self._peer, command.game)
        if self._closed:
            lobby.unsubscribe(self._peer)
        else:
            self._reply(command, LobbyRooms(rooms))

    def _reply(self, to: Command, data: Struct) -> None:
        if to.ack:
            self._peer.send(reply_frame(to, encode(data)))

    # --- what must be awaited ---------------------------------------------------------------------------------

    def _await(self, command: Command, step: Coroutine[None, None, None]) -> None:
        """Do `step` for `command`; the commands behind it wait, so that none overtakes it."""
        self._behind = deque()
        self._environment.tasks.spawn(self._awaited(command, step))

    async def _awaited(self, command: Command, step: Coroutine[None, None, None]) -> None:
        try:
            async with asyncio.timeout(self._environment.policy.step_timeout_s):
                await step
        except TimeoutError:
            self.refuse(command, Unavailable("This took too long"))
        except GameroomError as error:
            self.refuse(command, error)
        except Exception:
            # A bug met here must leave neither this command nor those behind it without an answer.
            logger.exception("a command failed", extra={"command": type_of(command)})
            self.refuse(command, InternalError("Something is wrong with the server"))
        self._catch_up()

    def _catch_up(self) -> None:
        behind, self._behind = self._behind or (), None
        for command in behind:
            if not self._closed:
                self.take(command)

    # --- for the attachments ----------------------------------------------------------------------------------

    def detached(self, room_id: str, reason: DetachReason) -> None:
        if room_id == self._bound_to:
            self._peer.end(closing.OF_DETACHED[reason])

    def created_before(self, create: Asked, room_id: str) -> None:
        self._attachment(room_id).ask(created_before(create, room_id))

    def forget(self, attachment: Attachment) -> None:
        if self._attachments.get(attachment.room_id) is attachment:
            del self._attachments[attachment.room_id]

    def _attachment(self, room_id: str) -> Attachment:
        found = self._attachments.get(room_id)
        if found is None:
            found = Attachment(room_id, self._peer, self, self._environment)
            self._attachments[room_id] = found
        return found


def _room_bound() -> Forbidden:
    return Forbidden("This socket is for one room only", reason="room_bound")
