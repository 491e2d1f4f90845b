"""One event, as each of its viewers gets it: the same bytes for all who see the same.

Everything that can fail here (a view that raises, a frame that is too big) fails while the turn is being
decided; after the append only these bytes move.
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
from msgspec import UNSET, Raw

from gameroom.bus.bus import Delivery, Share
from gameroom.clock import rfc3339
from gameroom.errors import MessageTooBig
from gameroom.protocol.answers import DetachReason
from gameroom.protocol.events import EpochStarted, Event, EventFrame, HiddenRun, MemberJoined
from gameroom.protocol.frames import fits
from gameroom.protocol.views import RoomView
from gameroom.rooms.card_book import CardBook
from gameroom.rooms.emission import Emission
from gameroom.rooms.records import Record
from gameroom.rooms.rooms import Card
from gameroom.rooms.updates import NO_UPDATE, Base, Change, Update
from gameroom.rooms.views import Viewpoint

_PATCHED = Base(whole=False, key=None, as_view=False)
"""What most viewers are."""


def wire_data(event: Event, record: Record) -> Raw:
    """The event's `data` as clients get it: as it is journaled, but for names and avatars."""
    return Raw(_ENCODER.encode(event)) if isinstance(event, MemberJoined) else record.data


def stored_data(event: Event) -> Raw:
    """The event's `data` as it is journaled: without names and avatars."""
    if isinstance(event, MemberJoined):
        event = _with_card(event, Card("", None))
    return Raw(_ENCODER.encode(event))


def recalled_data(record: Record, cards: CardBook) -> Raw:
    """The `data` of a journaled event as clients get it now."""
    if record.kind != MemberJoined.type:
        return record.data
    event = _MEMBER_JOINED.decode(record.data)
    return Raw(_ENCODER.encode(_with_card(event, cards.card(event.user_id))))


def event_frame(record: Record, data: Raw, *, seat: int | None, update: Update | None = None) -> bytes:
    """The frame of one viewer, whose announcements are those for its seat."""
    heard = [a.data for a in record.announcements if a.to is None or seat in a.to]
    update = update or NO_UPDATE
    return _ENCODER.encode(
        EventFrame(
            type=record.kind,
            room_id=record.room_id,
            epoch=record.epoch,
            seq=record.seq,
            at=rfc3339(record.at),
            data=data,
            announcements=heard or UNSET,
            patch=update.patch,
            view=update.view,
        )
    )


def hidden_frame(record: Record) -> bytes:
    return _ENCODER.encode(HiddenRun(room_id=record.room_id, epoch=record.epoch, seq=record.seq))


def whole_update(view: RoomView | Raw, *, as_view: bool) -> Update:
    """What replaces the whole view."""
    encoded = Raw(_ENCODER.encode(view))
    return (
        Update(view=encoded)
        if as_view
        else Update(patch=Raw(b'[{"op":"replace","path":"","value":%b}]' % encoded))
    )


class Framer:
    """Frames the events of one turn, in order. Only the first may carry patches: it has the whole of what changed.

    `max_bytes`: what does not fit is refused (None: it must be told, however long it is). `leaving`: who hears its
    last event in this turn. No viewer any more, it still hears what comes before that.
    """

    def __init__(
        self, viewpoint: Viewpoint, change: Change, max_bytes: int | None, leaving: set[str]
    ) -> None:
        self._viewpoint = viewpoint
        self._change = change
        self._max_bytes = max_bytes
        self._leaving = leaving
        self._updates: dict[Base, Update | None] = {}

    def deliver_all(
        self, records: list[Record], emissions: list[Emission], cause: str | None
    ) -> tuple[Delivery, ...]:
        """One delivery for each event; `cause`: the connection whose command made them."""
        pairs = enumerate(zip(records, emissions, strict=True))
        return tuple(
            [self._deliver(record, emission, number == 0, cause) for number, (record, emission) in pairs]
        )

    def _deliver(self, record: Record, emission: Emission, first: bool, cause: str | None) -> Delivery:
        shares = self._shares(record, emission, first)
        if self._max_bytes is not None:
            _check_size(shares, self._max_bytes)
        return Delivery(
            room_id=record.room_id,
            term=record.term,
            epoch=record.epoch,
            seq=record.seq,
            prev_seq=record.seq - 1,
            shares=shares,
            ends=_ends(emission),
            cause=cause,
            flush_ms=self._viewpoint.flush_ms,
            begins=isinstance(emission.event, EpochStarted),
        )

    def _shares(self, record: Record, emission: Emission, first: bool) -> tuple[Share, ...]:
        data = wire_data(emission.event, record)
        if emission.audience is not None:
            heard = Share(emission.audience, event_frame(record, data, seat=None))
            return heard, Share(None, hidden_frame(record))
        farewell: tuple[Share, ...] = ()
        if emission.parting is not None:
            self._leaving.remove(emission.parting[0])
            farewell = (Share(frozenset((emission.parting[0],)), event_frame(record, data, seat=None)),)
        if self._alike(record, first):
            return farewell + self._together(record, emission, data, first)
        return (*farewell, *self._apart(record, emission, data, first))

    def _together(self, record: Record, emission: Emission, data: Raw, first: bool) -> tuple[Share, ...]:
        update = self._update(_PATCHED) if first else None
        for_all = Share(None, event_frame(record, data, seat=None, update=update))
        if update is None or not self._viewpoint.without_patches:
            return (for_all,)
        parting = () if emission.parting is None else emission.parting[:1]
        viewers = self._viewpoint.without_patches.difference(parting)
        if not viewers:
            return (for_all,)
        view = self._update(Base(whole=False, key=None, as_view=True))
        return for_all, Share(frozenset(viewers), event_frame(record, data, seat=None, update=view))

    def _alike(self, record: Record, first: bool) -> bool:
        """Whether one frame serves all viewers."""
        if first and (self._viewpoint.secretive or record.kind == EpochStarted.type):
            return False
        return all(a.to is None for a in record.announcements)

    def _apart(self, record: Record, emission: Emission, data: Raw, first: bool) -> Iterable[Share]:
        """A frame for each of those who may see or hear something of their own, and one for all others."""
        fresh = isinstance(emission.event, EpochStarted)
        targets = {seat for a in record.announcements for seat in a.to or ()}
        groups: dict[tuple[Base | None, int | None], set[str]] = defaultdict(set)
        for user_id in self._may_differ(targets, first):
            seat = self._viewpoint.seat(user_id)
            base = self._base(user_id, fresh) if first else None
            groups[base, seat if seat in targets else None].add(user_id)
        for (base, seat), users in groups.items():
            update = None if base is None else self._update(base)
            yield Share(frozenset(users), event_frame(record, data, seat=seat, update=update))
        if self._leaving:
            yield Share(frozenset(self._leaving), event_frame(record, data, seat=None))
        if self._viewpoint.connected > sum(map(len, groups.values())):
            update = self._update(Base(whole=fresh, key=None, as_view=False)) if first else None
            yield Share(None, event_frame(record, data, seat=None, update=update))

    def _may_differ(self, targets: set[int], first: bool) -> set[str]:
        """The connected among those who may get other bytes than a spectator that takes patches."""
        users = set(self._viewpoint.on_seats(targets))
        if first:
            users |= self._viewpoint.may_differ()
        return {user_id for user_id in users if self._viewpoint.is_connected(user_id)}

    def _base(self, user_id: str, fresh: bool) -> Base:
        key = self._viewpoint.key(user_id)
        return Base(
            whole=fresh or self._viewpoint.key_before(user_id) != key,
            key=key,
            as_view=user_id in self._viewpoint.without_patches,
        )

    def _update(self, base: Base) -> Update | None:
        if base not in self._updates:
            self._updates[base] = self._make_update(base)
        return self._updates[base]

    def _make_update(self, base: Base) -> Update | None:
        """Nothing where nothing changed for this viewer; else the patch, or the view for who wants no patches."""
        if base.whole:
            return whole_update(self._viewpoint.room(base.key), as_view=base.as_view)
        operations = self._change.shared
        if self._change.game:
            operations = operations + self._viewpoint.game_patch(base.key)
        if not operations:
            return None
        if base.as_view:
            return whole_update(self._viewpoint.room(base.key), as_view=True)
        return Update(patch=Raw(_ENCODER.encode(operations)))


def _check_size(shares: tuple[Share, ...], max_bytes: int) -> None:
    for share in shares:
        if not fits(share.frame, max_bytes):
            raise MessageTooBig(max_bytes)


def _ends(emission: Emission) -> dict[str | None, DetachReason]:
    if emission.ends_all is not None:
        return {None: emission.ends_all}
    if emission.parting is not None:
        return {emission.parting[0]: emission.parting[1]}
    return {}


def _with_card(event: MemberJoined, card: Card) -> MemberJoined:
    member = msgspec.structs.replace(event.member, display_name=card.display_name, avatar_url=card.avatar_url)
    return msgspec.structs.replace(event, member=member)


_ENCODER = msgspec.json.Encoder()
_MEMBER_JOINED = msgspec.json.Decoder(MemberJoined)
