"""One authenticated connection, from its WELCOME to its end."""

from collections.abc import Callable

from msgspec.structs import replace

from gameroom.clock import rfc3339
from gameroom.errors import MalformedFrame, MessageTooBig, RateLimited
from gameroom.gateway import closing
from gameroom.gateway.asked import Failure, Settled
from gameroom.gateway.closing import Closing
from gameroom.gateway.dispatcher import Dispatcher
from gameroom.gateway.environment import Environment
from gameroom.gateway.expiry import Expiry
from gameroom.gateway.heartbeat import BARE_PING, Heartbeat
from gameroom.gateway.limits import Flooded
from gameroom.gateway.wire import Wire
from gameroom.identity.access import Principal
from gameroom.ids import new_id
from gameroom.protocol.answers import TokenExpiring, Welcome
from gameroom.protocol.codec import CommandRefused, error_frame, frame_of
from gameroom.protocol.commands import JoinRoom
from gameroom.protocol.frames import Frame
from gameroom.protocol.limits import MALFORMED_IN_A_ROW
from gameroom.protocol.views import User
from gameroom.rooms.asking import Undecided
from gameroom.rooms.rooms import Sender


class Connection:
    """Implements `Receiver` and `peer.Renewable`. In any number of rooms, or bound to one.

    It exists before its socket is opened. Once, when `end` or `closed` is called, it is over: `ended` is told, and
    what arrives later is ignored. It has then left no room, but counts nowhere as connected.
    """

    def __init__(
        self,
        principal: Principal,
        wire: Wire,
        environment: Environment,
        bound_to: str | None,
        ended: Callable[["Connection"], None],
    ) -> None:
        self.connection_id = new_id()
        self.principal = principal
        self.sender = Sender.of(principal.user, self.connection_id)
        self._environment = environment
        self._ended = ended
        self._over = False
        self._wire = wire
        self._dispatcher = Dispatcher(self, environment, bound_to)
        self._malformed = 0
        self._limit = environment.new_frame_limit()
        self._heartbeat = Heartbeat(
            environment.policy.ping_interval_ms, lambda: self.end(closing.NO_HEARTBEAT)
        )
        self._expiry = Expiry(
            environment.clock, self._token_expiring, lambda: self.end(closing.TOKEN_EXPIRED)
        )

    # --- its life ---------------------------------------------------------------------------------------------

    def welcome(self) -> None:
        """Say WELCOME, the first frame."""
        policy = self._environment.policy
        frame = Welcome(
            server_version=policy.server_version,
            features=[],
            connection_id=self.connection_id,
            user=self.principal.user,
            server_time=rfc3339(self._environment.clock.now()),
            token_expires_in=self._environment.seconds_left(self.principal),
            ping_interval_ms=policy.ping_interval_ms,
            max_message_bytes=policy.max_message_bytes,
            max_server_message_bytes=policy.max_server_message_bytes,
        )
        self.send(frame_of(frame))

    def enter(self, join: JoinRoom, settled: Settled) -> None:
        """Make the automatic JOIN of a room-bound socket; a failure goes to `settled`, not to the client."""
        self._dispatcher.enter(join, settled)

    def opened(self) -> None:
        """The wire is open: the clocks begin to run."""
        if not self._over:
            self._heartbeat.start(self._wire.socket)
            self._expiry.watch(self.principal.expires_at)

    @property
    def is_open(self) -> bool:
        """Whether its handshake is answered, and it is not over."""
        return not self._over and self._wire.is_open

    def send(self, frame: Frame) -> None:
        self._wire.send(frame)

    def renew(self, principal: Principal) -> None:
        """Another token of the same user: the connection belongs to its sign-in, and lasts as long as it."""
        self.principal = principal
        self.sender = Sender.of(principal.user, self.connection_id)
        self._expiry.watch(principal.expires_at)

    def changed(self, user: User) -> None:
        """The user is another to see: rooms get the new card with the next JOIN. Its rights stay what they were."""
        user = replace(user, roles=self.principal.user.roles)
        self.principal = replace(self.principal, user=user)
        self.sender = Sender.of(user, self.connection_id)

    def end(self, why: Closing) -> None:
        """Close the socket, saying why; the rooms hear of it at once. Twice is once."""
        if not self._over:
            self._environment.traffic.ended[why.code] += 1
            self._wire.end(why)
            self._finish(why.refusal or Undecided())

    def closed(self, code: int) -> None:
        if not self._over:
            self._finish(Undecided())

    def _finish(self, failure: Failure) -> None:
        self._over = True
        self._heartbeat.stop()
        self._expiry.stop()
        self._dispatcher.close(failure)
        self._ended(self)

    def _token_expiring(self) -> None:
        self.send(frame_of(TokenExpiring(self._environment.seconds_left(self.principal))))

    # --- frames -----------------------------------------------------------------------------------------------

    def text(self, frame: str) -> None:
        self._hear(frame)

    def binary(self, frame: bytes) -> None:
        self._hear(frame)

    def _hear(self, frame: str | bytes) -> None:
        wait_ms = self._count()
        if self._over:
            return
        if frame == BARE_PING:
            self._wire.send_pong()
            return
        try:
            command = self._wire.read(frame)
        except CommandRefused as refused:
            self._refuse_frame(refused)
            return
        self._malformed = 0
        if wait_ms:
            self._dispatcher.refuse(command, RateLimited("Too many frames", retry_after_ms=wait_ms))
        else:
            self._dispatcher.take(command)

    def pong(self) -> None:
        self._count()

    def oversized(self) -> None:
        self.end(closing.closing_for(MessageTooBig(self._environment.policy.max_message_bytes)))

    def _count(self) -> int:
        """Count a frame; returns the milliseconds until the next one is welcome, 0 if this one is. May end it all."""
        self._environment.traffic.received += 1
        self._heartbeat.heard()
        try:
            return self._limit.take()
        except Flooded:
            self.end(closing.FLOODED)
            return 0

    def _refuse_frame(self, refused: CommandRefused) -> None:
        """Answer a frame that is no command; many malformed ones in a row end the connection."""
        error = refused.error
        self.send(error_frame(error, id=refused.id, command=refused.command, room_id=refused.room_id))
        self._malformed = self._malformed + 1 if isinstance(error, MalformedFrame) else 0
        if self._malformed >= MALFORMED_IN_A_ROW:
            self.end(closing.JUNK)
