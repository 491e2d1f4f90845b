"""The one writer of a room: takes what waits, decides it in order, appends it as one unit, publishes, then takes more.

An actor is an object with a mailbox, scheduled when something arrives; an idle one costs no task. While an append
is pending it does nothing else: what it has decided rests on records that are not stored yet.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Protocol

from gameroom.bus.bus import Bus
from gameroom.clock import Clock, Millis
from gameroom.errors import GameroomError, InternalError, Unavailable
from gameroom.rooms.batch import BATCH_INPUTS, Batch, Decided
from gameroom.rooms.damage import damaged
from gameroom.rooms.decision import NOTHING, Decision, Recollection, key_of
from gameroom.rooms.entries import Ask, CardNews, Entry, Gone
from gameroom.rooms.journal import Fenced, Journal, SealedRecord, Snapshot, Unit
from gameroom.rooms.mailbox import Mailbox, refuse, tell_one
from gameroom.rooms.memory import Memory
from gameroom.rooms.opening import Opened
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.recollecting import recollected
from gameroom.rooms.records import Damaged
from gameroom.rooms.resting import Resting
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Outcome, Request, Tell
from gameroom.rooms.watchdog import Watchdog
from gameroom.rooms.window import CommandWindow

log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Who keeps the actors: owns their tasks, and hears when one has lost its room."""

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run it as a task that the keeper awaits."""

    def want_turn(self, take: Callable[[], None]) -> None:
        """Call it soon, after those that asked before."""

    def lost(self, actor: "Actor", memory: Memory) -> None:
        """The actor's room must be opened again from the journal; who was present still is, and what was refused."""

    def damaged(self, actor: "Actor", damage: Damaged) -> None:
        """The journal of the actor's room is damaged: the room must be closed, and nothing more written for it."""


class Actor:
    def __init__(
        self,
        room_id: str,
        *,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        policy: RoomPolicy,
        keeper: Keeper,
        watchdog: Watchdog,
    ) -> None:
        self.room_id = room_id
        self.room: Room | Resting | None = None
        self.idle_since = clock.monotonic()
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._policy = policy
        self._keeper = keeper
        self._watchdog = watchdog
        self._loop = asyncio.get_running_loop()
        self._mailbox = Mailbox(policy.mailbox, self._is_decided)
        self._pending: Decided = []
        self._settled: asyncio.Event | None = None
        self._stopped = False
        self._scheduled = False
        self._play_lost = False
        self._taking_up = False
        self._confirming = False
        self._unsnapped = 0
        self._saving = False
        self._confirmation: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None

    # --- what arrives -------------------------------------------------------------------------------------------

    def submit(self, ask: Ask) -> None:
        if self._mailbox.ask(ask):
            self._wake()

    def detach(self, gone: Gone) -> None:
        self._mailbox.put(gone)
        self._wake()

    def hear(self, news: CardNews) -> None:
        self._mailbox.hear(news)
        self._wake()

    def take_over(self, waiting: list[Entry]) -> None:
        """What waited for this room at another actor."""
        self._mailbox.take_over(waiting)
        self._wake()

    def open(self, room: Room) -> None:
        """A new room is ours: begin with what waits."""
        self.room = room
        self._wake()

    def adopt(self, opened: Opened) -> None:
        """The room is ours, from the journal; its members must say soon that they are still connected."""
        self._play_lost = opened.play_lost
        self._taking_up = True
        self._unsnapped = opened.unsnapped
        self._confirmation = self._loop.call_later(self._policy.confirm_ms / 1000, self._confirm)
        self.room = opened.room
        self._keep_snapshot()
        self._wake()

    def refuse_all(self, error: GameroomError) -> list[Request]:
        """Withdraw every command that waits, and tell which these were."""
        self._stopped = True
        waiting = self.leftovers()
        refuse(waiting, error)
        return [entry.request for entry in waiting if isinstance(entry, Ask)]

    def leftovers(self) -> list[Entry]:
        """Take out all that waits, undecided."""
        for handle in (self._confirmation, self._alarm):
            if handle is not None:
                handle.cancel()
        self._confirmation = self._alarm = None
        return self._mailbox.take_all()

    async def halt(self) -> None:
        """Decide nothing more; returns when nothing that was decided is in doubt."""
        self._stopped = True
        if self._pending:
            self._settled = asyncio.Event()
            await self._settled.wait()

    async def retire(self) -> None:
        """Halt, and then store a snapshot of the very last state."""
        await self.halt()
        if self.room is not None:
            await self._journal.save_snapshot(self._rouse(self.room).snapshot(hand_over=True))

    def resume_work(self) -> None:
        """The retirement failed: go on."""
        self._stopped = False
        self._wake()

    @property
    def is_stopped(self) -> bool:
        """Whether it retires, or has lost its room: it decides nothing (more)."""
        return self._stopped

    @property
    def is_private(self) -> bool:
        """Whether outsiders may not know of the room; so where that is not known now."""
        return self.room is None or self.room.is_private

    @property
    def _is_busy(self) -> bool:
        """Whether something is under way for which the next turn must wait."""
        return self._scheduled or bool(self._pending) or self._stopped or self._saving

    def rest(self) -> bool:
        """Keep the room in little memory until something arrives. Does nothing, and says so, if something is under way
        or it rests already."""
        if self._is_busy or not isinstance(self.room, Room):
            return False
        self.room = Resting.of(self.room)
        return True

    def _rouse(self, room: Room | Resting) -> Room:
        self.room = room.wake() if isinstance(room, Resting) else room
        return self.room

    # --- a turn -------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._is_busy or self.room is None:
            self._mailbox.watch()
            return
        self._scheduled = True
        self._keeper.want_turn(self._take_turn)

    def _take_turn(self) -> None:
        self._scheduled = False
        if self.room is None or self._pending or self._stopped:
            return
        batch = Batch()
        self._watchdog.turn = (self.room_id, self.room.game_type.name)
        try:
            room = self._rouse(self.room)
            self._decide(room, batch)
        except Exception:  # our bug: what the room now holds cannot be trusted, what the journal holds can
            log.exception("room %s: a turn failed", self.room_id)
            self._lose(batch.decided, InternalError("The server failed here; nothing was changed"))
            return
        finally:
            self._watchdog.turn = None
        records = batch.records()
        if records:
            self._append(room, records, batch.decided)
        else:
            self._release(batch.decided)

    def _decide(self, room: Room, batch: Batch) -> None:
        """First what was lost or changed unseen is said, then timers that are due go, then what waits, in its order."""
        now = self._clock.now()
        if self._play_lost:
            self._play_lost = False
            batch.add(room.start_epoch(now))
        if self._taking_up:
            self._taking_up = False
            batch.add(room.take_up(now))
        for due in room.due(now)[:BATCH_INPUTS]:
            batch.add(room.fire(due, now))
        if self._confirming:
            self._confirming = False
            for user_id in room.unconfirmed():
                batch.add(room.disconnect(user_id, now))
        while self._mailbox and not batch.is_full:
            self._decide_next(room, batch, now)

    def _decide_next(self, room: Room, batch: Batch, now: Millis) -> None:
        entry = self._mailbox.take()
        if isinstance(entry, Gone):
            batch.add(room.detach(entry.user_id, entry.connection_id, now))
            return
        if isinstance(entry, CardNews):
            batch.add(room.hear(entry.user_id, entry.card, now))
            return
        try:
            batch.add(room.decide(entry.request, now), entry)
        except Exception:
            batch.add(NOTHING, entry)  # so that it is told, though the room broke over it
            raise

    def _append(self, room: Room, records: tuple[SealedRecord, ...], decided: Decided) -> None:
        self._pending = decided
        self._unsnapped += len(records)
        self._mailbox.watch()
        unit = Unit(room_id=self.room_id, term=room.term, records=records, listing=room.listings.changed())
        self._journal.append(unit).add_done_callback(self._appended)

    def _appended(self, stored: "asyncio.Future[None]") -> None:
        decided, self._pending = self._pending, []
        failure = asyncio.CancelledError() if stored.cancelled() else stored.exception()
        if failure is None:
            self._keep_snapshot()
            self._release(decided)
        else:
            log.error("room %s: its records were not taken: %r", self.room_id, failure)
            self._lose(decided, _refusal_of(failure))
        if self._settled is not None:
            self._settled.set()

    def _lose(self, decided: Decided, error: GameroomError) -> None:
        """What was decided is certainly not stored, and the state is ahead of the journal: give the room up.

        Who asked for what would have been stored is told the error. What was to change nothing (a read, a refusal, a
        repeat of what is stored long since) may have seen what never was: it waits for the room to be opened again.
        """
        self._stopped = True
        memory = Memory() if self.room is None else self.room.memory
        memory.rollback()
        self.room = None
        asked = [(ask, _changes_nothing(decision)) for decision, ask in decided if ask is not None]
        for ask, harmless in asked:
            if not harmless:
                self._refuse(ask, error, memory.window)
        self._mailbox.put_back([ask for ask, harmless in asked if harmless])
        self._keeper.lost(self, memory)

    def _refuse(self, ask: Ask, error: GameroomError, window: CommandWindow) -> None:
        """Tell it, and see to it that the room that is opened instead applies no late copy."""
        key = key_of(ask.request)
        if key is not None:
            window.refuse(key, error, self._clock.now())
        self._tell(error, ask.tell)

    def _release(self, decided: Decided) -> None:
        """All that this rests on is stored: let it out, in the order decided."""
        if self.room is not None:
            self.room.memory.settle()
        for decision, ask in decided:
            for delivery in decision.deliveries:
                self._bus.publish(delivery)
            if ask is not None and decision.outcome is not None:
                self._tell(decision.outcome, ask.tell)
        self.idle_since = self._clock.monotonic()
        self._set_alarm()
        if self._mailbox or self._confirming:
            self._wake()

    def _tell(self, outcome: Outcome | Recollection, tell: Tell) -> None:
        if isinstance(outcome, Recollection):
            self._keeper.spawn(self._recollect(outcome, tell))
            return
        tell_one(tell, outcome)

    async def _recollect(self, recollection: Recollection, tell: Tell) -> None:
        try:
            outcome = await recollected(self._journal, self.room_id, recollection)
        except Damaged as damage:
            self._keeper.damaged(self, damage)
            outcome = damaged()
        self._tell(outcome, tell)

    # --- time ---------------------------------------------------------------------------------------------------

    def _confirm(self) -> None:
        self._confirming = True
        self._wake()

    def _set_alarm(self) -> None:
        """Wake when the room's earliest timer is due."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due_at = self.room.state.next_due_at() if isinstance(self.room, Room) else None
        if due_at is not None and not self._stopped:
            delay = max(0, due_at - self._clock.now()) / 1000
            self._alarm = self._loop.call_later(delay, self._wake)

    def _is_decided(self, ask: Ask) -> bool:
        if self.room is None:
            return False
        return self.room.has_decided(ask.request.sender.user_id, ask.request.command.id)

    # --- snapshots ----------------------------------------------------------------------------------------------

    def _keep_snapshot(self) -> None:
        """Now and then, while nothing is pending: so the snapshot holds nothing that is not stored.

        The room waits until it is kept: so to open it never takes more than that many records and one unit.
        """
        wanted = self._unsnapped >= self._policy.snapshot_every and not self._stopped
        if wanted and isinstance(self.room, Room):
            self._saving = True
            self._keeper.spawn(self._save(self.room.snapshot()))

    async def _save(self, snapshot: Snapshot) -> None:
        """A snapshot only makes recovery shorter: where it fails, the next one is as good."""
        try:
            await self._journal.save_snapshot(snapshot)
            self._unsnapped = 0
        except (Fenced, GameroomError) as error:
            log.warning("room %s: no snapshot was kept: %r", self.room_id, error)
        finally:
            self._saving = False
            self._wake()


def _changes_nothing(decision: Decision) -> bool:
    """Whether it can be decided anew: not what would have been stored or shown, nor what broke the room."""
    return decision.outcome is not None and not decision.records and not decision.deliveries


def _refusal_of(failure: BaseException) -> GameroomError:
    """What is told of commands whose records were certainly not stored."""
    if isinstance(failure, Fenced):
        return Unavailable("Another server has taken this room over; nothing was changed")
    return InternalError("The server failed here; nothing was changed")
