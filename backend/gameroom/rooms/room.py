"""A room that is open: the pure core that turns inputs into decisions.

It has the state, the window of command ids, the recent events, and who is connected from where. It does no I/O
and asks no clock. What it has decided is never un-decided: either the decision is stored, or the whole room is
dropped and opened again from the journal.
"""

import logging
from collections.abc import Callable
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from gameroom.bus.bus import Delivery
from gameroom.clock import Millis
from gameroom.errors import GameFailed, GameroomError, InternalError, MessageTooBig, NotMember
from gameroom.games.registry import GameType
from gameroom.protocol.commands import JoinRoom, Updates
from gameroom.rooms import recall
from gameroom.rooms.decision import NOTHING, Cause, Decision, Recollection
from gameroom.rooms.framing import Framer
from gameroom.rooms.handlers import membership, play, system
from gameroom.rooms.headroom import most_bytes
from gameroom.rooms.journal import SealedRecord, Snapshot
from gameroom.rooms.listing import Listings
from gameroom.rooms.memory import Memory
from gameroom.rooms.parts import GAME, LEFT, MEMBER, PLAY, ROOM, Due, Parts
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.records import Position, Record, SnapshotBody, Stamp, StoredAnswer, seal_snapshot
from gameroom.rooms.replies import Replies
from gameroom.rooms.rooms import Answer, Card, Request, Sender
from gameroom.rooms.router import find_route
from gameroom.rooms.routes import Route
from gameroom.rooms.sealing import complete, journaled_of, make_records, recorded_answer, seal_all, storable
from gameroom.rooms.state import RoomState
from gameroom.rooms.turn import Turn
from gameroom.rooms.updates import Change
from gameroom.rooms.views import Viewpoint

log = logging.getLogger(__name__)

System = Callable[[Turn], None]
"""What happens to a room without a command: it cannot be refused."""


MakeAnswer = Callable[[list[Record]], Answer | Recollection | None]
"""What is told of a turn, made of its own records before it is committed: it may fail."""


class Room:
    """One writer's room.

    Inputs are `decide`, `detach`, `hear`, `fire`, `disconnect`, `start_epoch` and `take_up`, one by one.
    """

    def __init__(
        self,
        room_id: str,
        term: int,
        game_type: GameType,
        state: RoomState,
        position: Position,
        *,
        policy: RoomPolicy,
        memory: Memory,
    ) -> None:
        self.room_id = room_id
        self.term = term
        self.game_type = game_type
        self.state = state
        self.position = position
        self.memory = memory
        self.policy = policy
        self.window = memory.window
        self.presence = memory.presence
        self.viewpoint = Viewpoint(room_id, game_type, state, memory.cards, memory.presence)
        self._most_before = most_bytes(state.encoded, len(state.members))
        self.listings = Listings(room_id, game_type, state)
        self._replies = Replies(self.viewpoint, memory.recent, policy.max_frame_bytes)

    # --- inputs -------------------------------------------------------------------------------------------------

    def decide(self, request: Request, now: Millis) -> Decision:
        """Do what a command asks, or say why not. Never raises; a refusal has changed nothing."""
        now = max(now, self.position.at)
        cause = Cause.of_request(request)
        try:
            return self._recalled(request, cause, now) or self._obey(request, cause, now)
        except GameroomError as refusal:
            self._log_failure(refusal)
            self._undo()
            self._remember_refusal(cause, refusal, now)
            return Decision(outcome=refusal)
        except Exception:
            # An exception in one room harms no other: it is our bug, and the command is not applied.
            log.exception("room %s: a command failed", self.room_id)
            self._undo()
            failure = InternalError("The server failed here; nothing was changed")
            self._remember_refusal(cause, failure, now)
            return Decision(outcome=failure)

    def detach(self, user_id: str, connection_id: str, now: Millis) -> Decision:
        """The connection is gone; nothing happens if the member has a newer one."""
        if not self.presence.is_attached(user_id, connection_id):
            return NOTHING
        self.presence.gone(user_id)
        return self.disconnect(user_id, now)

    def disconnect(self, user_id: str, now: Millis) -> Decision:
        member = self.state.members.get(user_id)
        if member is None or not member.connected or self.is_closed:
            return NOTHING
        cause = Cause.of_system("DISCONNECT", user_id=user_id)
        return self._must(lambda turn: membership.disconnect(turn, user_id), cause, now)

    def fire(self, due: Due, now: Millis) -> Decision:
        """A timer that `due()` has told runs out."""
        return self._must(lambda turn: system.run_out(turn, due), Cause.of_timer(due), max(now, due.at))

    def start_epoch(self, now: Millis) -> Decision:
        """What was played since the last record is lost: begin a new epoch, which says so."""
        self.position = replace(self.position, epoch=self.position.epoch + 1)
        return self._must(system.begin_epoch, Cause.of_system("EPOCH"), now)

    def take_up(self, now: Millis) -> Decision:
        """Say what is shown otherwise than when the room was last open: a view changes by events, and by nothing else.

        Each event brings whoever resumes from before it the whole view.
        """
        renewed, self.memory.renewed = self.memory.renewed, False
        untold = [user_id for user_id in self.viewpoint.cards.untold if user_id in self.state.members]
        if self.is_closed or not (renewed or untold):
            return NOTHING

        def happen(turn: Turn) -> None:
            if renewed:
                system.renew_game(turn)
            for user_id in untold:
                self._change_card(turn, user_id, self.viewpoint.cards.card(user_id))

        return self._must(happen, Cause.of_system("TAKEN_UP"), now)

    def hear(self, user_id: str, card: Card | None, now: Millis) -> Decision:
        """The user is shown otherwise from now on; None: its account is gone, and its place with it."""
        if user_id not in self.state.members or self.is_closed:
            return NOTHING
        if card is None:
            cause = Cause.of_system("ACCOUNT_DELETED", user_id=user_id)
            return self._must(lambda turn: self._end_membership(turn, user_id), cause, now)
        if self.viewpoint.cards.card(user_id) == card:
            return NOTHING
        cause = Cause.of_system("CARD_CHANGED", user_id=user_id)
        return self._must(lambda turn: self._change_card(turn, user_id, card), cause, now)

    def has_decided(self, user_id: str, command_id: str | None) -> bool:
        """Whether a command with this id is applied, though perhaps not stored yet."""
        return command_id is not None and self.window.has(user_id, command_id)

    # --- reading ------------------------------------------------------------------------------------------------

    def due(self, now: Millis) -> list[Due]:
        """The timers that have run out, in the order in which they did."""
        return sorted(due for due in self.state.timers() if due.at <= now)

    def unconfirmed(self) -> list[str]:
        """Members that the state calls connected, but no connection has said so since the room was opened."""
        return [u for u, m in self.state.members.items() if m.connected and u not in self.presence]

    def without_account(self) -> list[str]:
        """Members whose account was gone already when the room was opened."""
        return [] if self.is_closed else [u for u in self.state.members if u not in self.viewpoint.cards]

    @property
    def is_quiet(self) -> bool:
        """Nobody is connected: the room can be put away until somebody or a timer needs it."""
        return not self.presence

    @property
    def is_private(self) -> bool:
        """Whether outsiders may not know of it."""
        return self.state.room.visibility == "private"

    def snapshot(self, *, hand_over: bool = False) -> Snapshot:
        """All parts as of the last decision; only when that is stored.

        `hand_over`: the next owner goes on in the same epoch, and must know of what no record tells.
        """
        body = SnapshotBody(
            room_id=self.room_id,
            epoch=self.position.epoch,
            seq=self.position.seq,
            at=self.position.at,
            game=self.game_type.name,
            game_version=self.game_type.version,
            parts=self.state.whole(),
            unrecorded=self.window.unrecorded() if hand_over else [],
            renewed=self.memory.renewed,
        )
        return seal_snapshot(body, self.term)

    # --- a command ----------------------------------------------------------------------------------------------

    def _recalled(self, request: Request, cause: Cause, now: Millis) -> Decision | None:
        """The outcome of a command that was applied (or refused) before, if this is a repeat. JOIN attaches anew."""
        if cause.key is None:
            return None
        applied = self.window.find(cause.key)
        if applied is None:
            refusal = self.window.refused_before(cause.key, now)
            return None if refusal is None else Decision(outcome=refusal)
        if isinstance(request.command, JoinRoom):
            # Attaching is a turn of its own; the id stays with the turn that let its sender in.
            decision = self._obey(replace(request, rejoin=True), replace(cause, key=None), now)
            return replace(decision, outcome=recall.as_repeated(decision.outcome))
        recall.check_answerable(self.state, self.window, cause.key, applied, now)
        return Decision(outcome=recall.answer_of(self.room_id, self.position.epoch, applied))

    def _obey(self, request: Request, cause: Cause, now: Millis) -> Decision:
        command, sender = request.command, request.sender
        route = find_route(self.state, sender, command, attached=self._is_attached(sender))
        if request.rejoin and sender.user_id not in self.state.members:
            raise NotMember("You are not a member of this room any more")
        try:
            return self._carry_out(request, route, cause, self._turn(now))
        except (GameFailed, MessageTooBig) as failure:
            if not route.despite_game:
                raise
            self._log_failure(failure)
            self._undo()
            turn = self._turn(now)
            play.abort(turn)
            return self._carry_out(request, route, cause, turn)

    def _carry_out(self, request: Request, route: Route[Any], cause: Cause, turn: Turn) -> Decision:
        command, sender = request.command, request.sender
        if isinstance(command, JoinRoom):
            return self._join(sender, command, cause, turn)
        reply = route.handler(turn, sender, command)
        return self._conclude(
            turn,
            cause,
            lambda _: self._replies.to(
                sender,
                reply,
                replace(self.position, seq=turn.heard_until(sender.user_id)),
                holds_view=route.holds_view,
            ),
        )

    def _join(self, sender: Sender, command: JoinRoom, cause: Cause, turn: Turn) -> Decision:
        known = sender.user_id in self.state.members
        if not known:
            self.viewpoint.cards.put(sender.user_id, sender.card)
        membership.join(turn, sender, command)
        decision = self._conclude(
            turn,
            cause,
            lambda own: self._replies.to_join(sender, command, self.position, own, known=known),
        )
        self._attach(sender, command.updates)
        if not turn.emissions:
            self._remember_attaching(cause)
        return decision

    def create(self, request: Request, now: Millis) -> Decision:
        """The first turn of a new room: its creator comes in. Raises why not."""
        cause = Cause.of_request(request)
        self.viewpoint.cards.put(request.sender.user_id, request.sender.card)
        turn = self._turn(now)
        self.state.mark_new()
        if self.game_type.always_playing:
            self.state.set_game(turn.run_game(None, self.game_type.setup)[0])
        membership.admit(turn, request.sender, "player")
        decision = self._conclude(turn, cause, lambda _: self._replies.view(request.sender, self.position))
        self._attach(request.sender, "patch")
        return decision

    # --- what cannot be refused ---------------------------------------------------------------------------------

    def _must(self, happen: System, cause: Cause, now: Millis) -> Decision:
        """Let it happen; where the game's code stands in the way, the round is aborted first."""
        now = max(now, self.position.at)
        try:
            return self._happen(happen, cause, now)
        except GameroomError as failure:
            self._log_failure(failure)
            self._undo()
        return self._happen(lambda turn: _abort_then(turn, happen), cause, now)

    def _change_card(self, turn: Turn, user_id: str, card: Card) -> None:
        self.viewpoint.cards.put(user_id, card)
        system.change_card(turn, user_id, card)

    def _end_membership(self, turn: Turn, user_id: str) -> None:
        self.viewpoint.cards.forget(user_id)
        system.end_membership(turn, user_id)

    def _happen(self, happen: System, cause: Cause, now: Millis) -> Decision:
        turn = self._turn(now)
        happen(turn)
        return self._conclude(turn, cause, lambda _: None)

    # --- the end of a turn --------------------------------------------------------------------------------------

    def _turn(self, now: Millis) -> Turn:
        return Turn(self.state, self.game_type, self.policy, self.position.seq, now)

    def _conclude(self, turn: Turn, cause: Cause, answer: MakeAnswer) -> Decision:
        """Everything that can still fail, and then the commit, which cannot."""
        self._log_failure(turn.failure)
        before = self.position
        try:
            if not turn.emissions:
                return Decision(outcome=answer([]))
            self.position = Position(before.epoch, before.seq + len(turn.emissions), turn.now)
            return self._commit(turn, cause, answer, before)
        except BaseException:
            self.position = before
            raise

    def _commit(self, turn: Turn, cause: Cause, answer: MakeAnswer, before: Position) -> Decision:
        changes = self.state.changes()
        if changes and not turn.without_game:
            self._check_headroom(cause, changes)
        stamp = Stamp(room_id=self.room_id, epoch=before.epoch, head=before.seq, term=self.term, at=turn.now)
        records = make_records(stamp, self.game_type, turn.emissions, cause)
        deliveries = self._frame(turn, records, cause, game_changed=GAME in changes)
        outcome = answer(records)
        recorded = recorded_answer(cause, outcome)
        journaled = journaled_of(self.game_type, turn.emissions, records)
        sealed = self._seal(journaled, cause, changes, recorded)
        self._remember(cause, records, journaled, recorded)
        self._settle(changes)
        return Decision(records=sealed, deliveries=deliveries, outcome=outcome)

    def _seal(
        self, journaled: list[Record], cause: Cause, changes: Parts, recorded: StoredAnswer | None
    ) -> tuple[SealedRecord, ...]:
        """What play that is not journaled has changed waits for the next record, whatever causes that."""
        parts = storable(self.game_type, {**self.memory.unsaved, **changes})
        if not journaled:
            self.memory.unsaved = parts
            return ()
        sealed = seal_all([complete(journaled[0], cause, parts, recorded), *journaled[1:]])
        self.memory.unsaved = {}
        return sealed

    def _check_headroom(self, cause: Cause, changes: Parts) -> None:
        """Raises `MessageTooBig` if what was asked, or what the game did, leaves too little for what must happen."""
        limit, most = self.policy.max_frame_bytes, self._most_bytes(changes)
        grown_by_choice = cause.user_id is not None or GAME in changes
        if grown_by_choice and most > max(limit - self.viewpoint.settings_bytes, self._most_before):
            raise MessageTooBig(limit)

    def _most_bytes(self, changes: Parts) -> int:
        parts = {name: changes.get(name, self.state.encoded.get(name)) for name in (ROOM, PLAY, GAME)}
        return most_bytes(parts, len(self.state.members))

    def _frame(
        self, turn: Turn, records: list[Record], cause: Cause, *, game_changed: bool
    ) -> tuple[Delivery, ...]:
        change = Change(self.viewpoint.shared_patch(), game_changed)
        leaving = {emission.parting[0] for emission in turn.emissions if emission.parting is not None}
        max_bytes = None if turn.without_game else self.policy.max_frame_bytes
        framer = Framer(self.viewpoint, change, max_bytes, leaving)
        return framer.deliver_all(records, turn.emissions, cause.connection_id)

    def _remember(
        self, cause: Cause, records: list[Record], journaled: list[Record], recorded: StoredAnswer | None
    ) -> None:
        """Keep what repeats and resumes will ask for; an answer only where no record holds it."""
        for record in records:
            self.memory.recent.add(record)
        if cause.key is None:
            return
        seq = journaled[0].seq if journaled else records[0].seq
        answer = None if journaled else recorded
        self.window.apply(cause.key, seq, answer)

    def _remember_attaching(self, cause: Cause) -> None:
        """A JOIN that caused no event must not let its sender in again once it has left."""
        if cause.key is not None:
            nothing = StoredAnswer(self.position.seq, Raw(b"{}"))
            self.window.apply(cause.key, self.position.seq, nothing)

    def _settle(self, changes: Parts) -> None:
        """The turn is decided: what it changed is the committed state now."""
        if changes:
            self._commit_parts(changes)
        else:
            self.state.commit({})
        self.viewpoint.settle(game_changed=GAME in changes)

    def _commit_parts(self, changes: Parts) -> None:
        self.listings.note(changes)
        for key, data in changes.items():
            if key.startswith(MEMBER) and data is None:
                self.presence.detach(key.removeprefix(MEMBER))
            elif key.startswith(LEFT) and data is None:
                self._forget_leaver(key.removeprefix(LEFT))
        if self.is_closed:
            self.presence.clear()
        self.state.commit(changes)
        self._most_before = self._most_bytes({})

    def _forget_leaver(self, user_id: str) -> None:
        """Who left long ago, and has not come again, is shown as nobody where its coming is told once more."""
        if user_id not in self.state.members:
            self.viewpoint.cards.forget(user_id)

    def _log_failure(self, error: GameroomError | None) -> None:
        """The author needs file and line, and finds them here only: clients are told no more than that it failed."""
        if isinstance(error, GameFailed):
            log.error("room %s: the game %s failed", self.room_id, self.game_type.name, exc_info=error)

    def _undo(self) -> None:
        self.state.rollback()
        self.viewpoint.discard()

    # --- small things -------------------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        return self.state.play.status == "closed"

    def _is_attached(self, sender: Sender) -> bool:
        """Whether the sender has joined on the connection that asks; on REST nobody needs to."""
        connection_id = sender.connection_id
        return connection_id is None or self.presence.is_attached(sender.user_id, connection_id)

    def _attach(self, sender: Sender, updates: Updates) -> None:
        if sender.connection_id is not None:
            self.presence.attach(sender.user_id, sender.connection_id, updates)

    def _remember_refusal(self, cause: Cause, refusal: GameroomError, now: Millis) -> None:
        if cause.key is not None:
            self.window.refuse(cause.key, refusal, now)


def _abort_then(turn: Turn, happen: System) -> None:
    play.abort(turn)
    happen(turn)
