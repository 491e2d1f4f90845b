"""Any past moment of a room as one of its viewers saw it, made of the recorded parts.

No rule of the game is run, only what shows its state to a seat (and `migrate_state`, where another version stored
it). Names and pictures are those of today, for records know people by their ids.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from gameroom.clock import rfc3339
from gameroom.games.registry import GameType
from gameroom.protocol.operation import Operation
from gameroom.protocol.patch import diff
from gameroom.rooms.card_book import CardBook
from gameroom.rooms.framing import recalled_data
from gameroom.rooms.journal import Snapshot
from gameroom.rooms.presence import Presence
from gameroom.rooms.records import Damaged, Record
from gameroom.rooms.recovery import Recovered, begin_with, lay_over, parts_for
from gameroom.rooms.rooms import Card
from gameroom.rooms.state import RoomState
from gameroom.rooms.views import Viewpoint

Json = dict[str, Any]


class Viewer(Struct, frozen=True):
    """Whose eyes: those of who has this seat at that moment, of this user, or of a spectator (neither)."""

    seat: int | None = None
    user_id: str | None = None

    def user_in(self, state: RoomState) -> str | None:
        """The member that looks; None: nobody's place is looked from."""
        if self.seat is not None:
            return state.players().get(self.seat)
        return self.user_id if self.user_id in state.members else None

    def is_there(self, state: RoomState) -> bool:
        """A spectator always is."""
        return (self.seat, self.user_id) == (None, None) or self.user_in(state) is not None


class Sight(Struct, frozen=True):
    """What the viewer has before it after an event: `view` is None while it is not in the room."""

    record: Record
    user_id: str | None
    seat: int | None
    view: Json | None


CardsOf = Callable[[list[str]], dict[str, Card]]


class Replay:
    """One room, one viewer. Takes its records in order, from the first one, or from the one after a snapshot."""

    def __init__(
        self,
        room_id: str,
        game_type: GameType,
        viewer: Viewer,
        cards_of: CardsOf,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Raises `Damaged`: the snapshot cannot be read."""
        self._room_id = room_id
        self._game_type = game_type
        self._viewer = viewer
        self._cards_of = cards_of
        self._cards = CardBook()
        self._asked: set[str] = set()
        self._recovered = begin_with(room_id, snapshot)

    def take(self, record: Record) -> None:
        """Raises `Damaged` where records are missing: what would be shown was never seen."""
        expected = self._recovered.position.seq + 1
        is_gapless = self._game_type.durability == "journal" or not self._recovered.parts
        if record.seq != expected and is_gapless:
            raise Damaged(f"the record at seq {expected} is missing")
        self._recovered = lay_over(self._recovered, record)

    def look(self, record: Record) -> Sight:
        """What the viewer has before it now, after `record`.

        Raises `GameFailed`, `msgspec.MsgspecError` or `KeyError`: this version cannot show it.
        """
        state = RoomState.decode(self._game_type, parts_for(self._recovered, self._game_type))
        if not self._viewer.is_there(state):
            return Sight(record, None, None, None)
        user_id = self._viewer.user_in(state)
        cards = self._known(self._recovered)
        viewpoint = Viewpoint(self._room_id, self._game_type, state, cards, Presence())
        seat = None if user_id is None else viewpoint.seat(user_id)
        view = viewpoint.room(seat if viewpoint.secretive else None)
        return Sight(record, user_id, seat, msgspec.to_builtins(view))

    def walk(self, records: Iterable[Record], start: int) -> Iterator[Json]:
        """The events from `start` on as the viewer hears them, each with what it changed in the view."""
        before: Json | None = None
        for record in records:
            self.take(record)
            if record.seq < start:
                continue
            sight = self.look(record)
            if sight.view is not None or before is not None:
                yield self._told(sight, before)
            before = sight.view

    def _told(self, sight: Sight, before: Json | None) -> Json:
        record = sight.record
        told: Json = {"seq": record.seq, "epoch": record.epoch, "at": rfc3339(record.at)}
        if record.audience is not None and sight.user_id not in record.audience:
            return {**told, "type": "HIDDEN"}
        heard = [a.data for a in record.announcements if a.to is None or sight.seat in a.to]
        told |= {"type": record.kind, "data": _plain(recalled_data(record, self._known(self._recovered)))}
        told |= {"announcements": [_plain(data) for data in heard]} if heard else {}
        return told | _change(before, sight.view)

    def _known(self, recovered: Recovered) -> CardBook:
        """The cards of all members so far; each is asked for once."""
        new = [user_id for user_id in recovered.members() if user_id not in self._asked]
        if new:
            self._asked.update(new)
            for user_id, card in self._cards_of(new).items():
                self._cards.put(user_id, card)
            self._cards.settle()
        return self._cards


def _change(before: Json | None, view: Json | None) -> Json:
    """Who comes gets the view, who is there what changed in it, who goes nothing."""
    if view is None:
        return {}
    if before is None:
        return {"view": view}
    patch: list[Operation] = diff(before, view)
    return {"patch": msgspec.to_builtins(patch)} if patch else {}


def _plain(data: msgspec.Raw) -> Any:
    return msgspec.json.decode(data)
