"""What the senders of a room's commands are told, as it stands at the position after their turn."""

from gameroom.errors import MessageTooBig
from gameroom.protocol import answers
from gameroom.protocol.codec import encode
from gameroom.protocol.commands import JoinRoom
from gameroom.protocol.frames import fits
from gameroom.protocol.limits import REPLY_HEAD_BYTES
from gameroom.protocol.views import RoomView
from gameroom.rooms import recall
from gameroom.rooms.decision import Recollection
from gameroom.rooms.history import RecentEvents
from gameroom.rooms.recall import Viewer
from gameroom.rooms.records import Position, Record
from gameroom.rooms.rooms import Answer, Sender
from gameroom.rooms.routes import Reply
from gameroom.rooms.views import Viewpoint


class Replies:
    """All of them raise `MessageTooBig` where no client could be sent what it asks for, or `GameFailed`."""

    def __init__(self, viewpoint: Viewpoint, recent: RecentEvents, max_bytes: int) -> None:
        self._viewpoint = viewpoint
        self._recent = recent
        self._max_bytes = max_bytes

    def to(self, sender: Sender, reply: Reply, at: Position, *, holds_view: bool) -> Answer:
        """What a handler returned, or the room: its view to members, its summary to others."""
        if not holds_view:
            return self._answer(encode(reply), at)
        if self._viewpoint.is_member(sender.user_id):
            return self.view(sender, at)
        return self._answer(encode(answers.SummaryData(self._viewpoint.summary())), at)

    def view(self, sender: Sender, at: Position) -> Answer:
        return self._answer(encode(answers.RoomData(self._view_of(sender))), at, holds_view=True)

    def to_join(
        self, sender: Sender, command: JoinRoom, at: Position, own: list[Record], *, known: bool
    ) -> Answer | Recollection:
        """The whole view; or to a member that resumes (`known`: it was one before) what it missed, the events of the
        JOIN itself (`own`) included."""
        data = encode(answers.Joined(room=self._view_of(sender), resumed=False))
        full = self._answer(data, at, holds_view=True)
        if command.resume is None or not known:
            return full
        viewer = Viewer(
            user_id=sender.user_id,
            seat=self._viewpoint.seat(sender.user_id),
            since=self._viewpoint.unbroken_since(sender.user_id),
            as_view=command.updates == "view",
            cards=self._viewpoint.cards,
            max_bytes=self._max_bytes,
        )
        return recall.resumed(
            self._recent, own, full, viewer, command.resume, journaled=self._viewpoint.journaled
        )

    def _view_of(self, sender: Sender) -> RoomView:
        return self._viewpoint.room(self._viewpoint.key(sender.user_id))

    def _answer(self, data: bytes, at: Position, *, holds_view: bool = False) -> Answer:
        if not fits(data, self._max_bytes - REPLY_HEAD_BYTES):
            raise MessageTooBig(self._max_bytes)
        return Answer(
            room_id=self._viewpoint.room_id,
            epoch=at.epoch,
            seq=at.seq,
            data=data,
            holds_view=holds_view,
            flush_ms=self._viewpoint.flush_ms,
        )
