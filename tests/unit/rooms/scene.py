"""A room without I/O, with everybody who looks at it.

`Scene` plays the part of the actor and the gateway: it hands inputs to the room, keeps the records as a journal
would, and gives each viewer its frames. Each viewer keeps its own copy of the view by applying patches.
"""

from typing import Any

import msgspec

from gameroom.bus.bus import Delivery
from gameroom.clock import Millis
from gameroom.errors import GameroomError
from gameroom.games.game import Game
from gameroom.games.registry import GameType, load_game
from gameroom.protocol.commands import Command, CreateRoom, GetRoom, JoinRoom, RoomCommand
from gameroom.protocol.operation import Operation
from gameroom.protocol.patch import apply
from gameroom.rooms.birth import Entropy, new_room
from gameroom.rooms.card_book import CardBook
from gameroom.rooms.decision import Decision, Recollection
from gameroom.rooms.journal import AppliedCommand, Listing, Recovery, SealedRecord, Snapshot
from gameroom.rooms.memory import Memory
from gameroom.rooms.placement import Claim
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import unseal
from gameroom.rooms.recovery import open_room, overlay
from gameroom.rooms.resting import Resting
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Answer, Card, Request, Sender

ROOM_ID = "the-room"
START: Millis = 1_700_000_000_000
POLICY = RoomPolicy(grace_ms=10_000, empty_ms=60_000, development=True)


class Copy:
    """What one viewer knows: its view, kept by patches, and its position; checks that nothing is missed."""

    def __init__(self, view: Any, epoch: int, seq: int) -> None:
        self.view = view
        self.epoch = epoch
        self.seq = seq
        self.frames: list[dict[str, Any]] = []

    def take(self, frame: bytes) -> None:
        event = msgspec.json.decode(frame)
        fresh = event["type"] == "EPOCH_STARTED" and event["epoch"] > self.epoch
        assert fresh or (event["epoch"], event["seq"]) == (self.epoch, self.seq + 1), event
        self.epoch, self.seq = event["epoch"], event["seq"]
        self.frames.append(event)
        operations = [msgspec.convert(operation, Operation) for operation in event.get("patch", ())]
        assert event["type"] != "HIDDEN" or not operations
        self.view = event.get("view", apply(self.view, operations))


class Scene:
    def __init__(self, game: type[Game[Any, Any]], *, policy: RoomPolicy = POLICY, **create: Any) -> None:
        self.now = START
        self.policy = policy
        self.game_type: GameType = load_game(game)
        self.records: list[SealedRecord] = []
        self.listing: Listing | None = None
        self.cards: dict[str, Card] = {}
        self.snapshot: Snapshot | None = None
        self.copies: dict[str, Copy] = {}
        self.epoch = 1
        self.resuming: dict[str, Copy] = {}
        """What those have who come back: nothing reaches them before the answer to their JOIN."""
        command = CreateRoom(game=game.name, **create)
        self.room: Room = new_room(
            ROOM_ID,
            "ann",
            command,
            self.game_type,
            policy=policy,
            entropy=Entropy("ABCDEFGH", bytes(32)),
            now=self.now,
        )
        decision = self.room.create(self.request("ann", command), self.now)
        self.keep(decision)
        self.look("ann", decision.outcome)

    # --- inputs -------------------------------------------------------------------------------------------------

    def request(self, user: str, command: Command, *, connection: str | None = "1") -> Request:
        assert isinstance(command, RoomCommand | CreateRoom)
        connection_id = None if connection is None else f"{user}-{connection}"
        sender = Sender(user_id=user, card=self.card_of(user), connection_id=connection_id)
        return Request(room_id=ROOM_ID, sender=sender, command=command)

    def ask(self, user: str, command: Command, *, connection: str | None = "1") -> Answer | GameroomError:
        """The outcome of the command, from memory or from the journal."""
        decision = self.room.decide(self.request(user, command, connection=connection), self.now)
        self.keep(decision)
        outcome = self._recalled(decision)
        if isinstance(command, JoinRoom) and isinstance(outcome, Answer):
            self.look(user, outcome)
        return outcome

    def do(self, user: str, command: Command, **how: Any) -> Any:
        """The `data` of the answer to a command that must not be refused."""
        outcome = self.ask(user, command, **how)
        assert isinstance(outcome, Answer), outcome
        return msgspec.json.decode(outcome.data)

    def refused(self, user: str, command: Command, **how: Any) -> GameroomError:
        """The refusal of a command that must change nothing."""
        before = (dict(self.room.state.encoded), self.room.position, len(self.records))
        outcome = self.ask(user, command, **how)
        assert isinstance(outcome, GameroomError), outcome
        assert before == (self.room.state.encoded, self.room.position, len(self.records))
        return outcome

    def hang_up(self, user: str, connection: str = "1") -> None:
        """The user's socket is gone."""
        decision = self.room.detach(user, f"{user}-{connection}", self.now)
        if decision.records or decision.deliveries:
            self.copies.pop(user, None)
        self.keep(decision)

    def show(self, user: str, card: Card) -> None:
        """The user has changed its profile."""
        self.cards[user] = card
        self.keep(self.room.hear(user, card, self.now))

    def card_of(self, user: str) -> Card:
        return self.cards.get(user) or card_of(user)

    def pass_time(self, ms: Millis) -> None:
        """Let time pass; timers that become due fire on the way."""
        end = self.now + ms
        while (due_at := self.room.state.next_due_at()) is not None and due_at <= end:
            self.now = max(self.now, due_at)
            for due in self.room.due(self.now):
                self.keep(self.room.fire(due, self.now))
        self.now = end

    # --- the journal --------------------------------------------------------------------------------------------

    def keep(self, decision: Decision) -> None:
        self.records += decision.records
        if decision.records:
            self.listing = self.room.listings.changed() or self.listing
        for delivery in decision.deliveries:
            self.deliver(delivery)

    def keep_snapshot(self) -> None:
        self.snapshot = self.room.snapshot()

    def recovery(self) -> Recovery:
        after = self.snapshot.seq if self.snapshot else 0
        commands = [
            AppliedCommand(r.user_id, r.command_id, r.input_hash, r.seq)
            for r in self.records
            if r.user_id and r.command_id and r.input_hash
        ]
        later = [record for record in self.records if record.seq > after]
        return Recovery(snapshot=self.snapshot, records=later, commands=commands)

    def recovered(self, *, clean: bool = False) -> Room:
        """The room as another node would open it now."""
        recovery = self.recovery()
        claim = Claim(
            room_id=ROOM_ID,
            term=self.room.term + 1,
            game=self.game_type.name,
            clean=clean,
        )
        recovered = overlay(ROOM_ID, recovery, gapless=self.game_type.durability == "journal")
        cards = CardBook({user: self.card_of(user) for user in recovered.members()})
        return open_room(
            claim,
            recovered,
            recovery.commands,
            self.game_type,
            policy=self.policy,
            memory=Memory(cards=cards),
        )

    def crash(self) -> None:
        """The process dies; the room is opened again. Everybody's socket is gone, their copies stay."""
        self.room = self.recovered()
        self.keep(self.room.take_up(self.now))

    def rest(self) -> None:
        """Nothing reaches the room for a while, and then something does."""
        self.room = Resting.of(self.room).wake()

    def _recalled(self, decision: Decision) -> Answer | GameroomError:
        outcome = decision.outcome
        if isinstance(outcome, Recollection):
            found = [r for r in self.records if r.seq > outcome.after_seq][: outcome.limit]
            outcome = outcome.finish([unseal(record) for record in found])
        assert outcome is not None
        return outcome

    # --- the viewers --------------------------------------------------------------------------------------------

    def look(self, user: str, outcome: object) -> None:
        """A viewer has joined and got its view, or what it missed."""
        assert isinstance(outcome, Answer)
        data = msgspec.json.decode(outcome.data)
        if data.get("resumed"):
            self.copies[user] = self.resuming.pop(user, None) or self.copies[user]
            for frame in outcome.missed:
                self.copies[user].take(frame)
        else:
            self.copies[user] = Copy(data["room"], outcome.epoch, outcome.seq)

    def deliver(self, delivery: Delivery) -> None:
        assert delivery.prev_seq == delivery.seq - 1
        assert delivery.begins == (delivery.epoch > self.epoch)
        self.epoch = delivery.epoch
        named = {user: share.frame for share in delivery.shares for user in share.users or ()}
        rest = next((share.frame for share in delivery.shares if share.users is None), None)
        for user, copy in list(self.copies.items()):
            frame = named.get(user, rest)
            # A JOIN's own events stand in its view already.
            if frame is not None and (delivery.epoch, delivery.seq) > (copy.epoch, copy.seq):
                copy.take(frame)
            if user in delivery.ends or None in delivery.ends:
                del self.copies[user]

    def fresh_view(self, user: str) -> Any:
        return self.do(user, GetRoom(), connection=None)["room"]

    def verify(self) -> None:
        """View + patches == fresh view for every viewer; recovered == live."""
        for user, copy in self.copies.items():
            assert copy.view == self.fresh_view(user), user
            assert (copy.epoch, copy.seq) == (self.room.position.epoch, self.room.position.seq)
        if self.game_type.durability == "journal":
            other = self.recovered()
            assert other.state.encoded == self.room.state.encoded
            assert other.position == self.room.position
            assert [unseal(r).seq for r in self.records] == list(range(1, len(self.records) + 1))


def card_of(user: str) -> Card:
    return Card(user.capitalize(), None)
