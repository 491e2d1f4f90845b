"""The rooms of this node: opens them when they are needed, keeps their actors, and puts the quiet ones away.

Implements `Rooms` for a server of one node.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from gameroom.bus.bus import Bus, RoomOver
from gameroom.clock import Clock
from gameroom.errors import GameFailed, GameroomError, InternalError, Unavailable
from gameroom.games.registry import Games
from gameroom.protocol.commands import CreateRoom
from gameroom.rooms.actor import Actor
from gameroom.rooms.creation import Creation
from gameroom.rooms.damage import DamagedRooms
from gameroom.rooms.discretion import Discretion
from gameroom.rooms.entrance import Entrance
from gameroom.rooms.entries import Ask, CardNews, Gone
from gameroom.rooms.failing import FailingRooms
from gameroom.rooms.journal import Fenced, Journal
from gameroom.rooms.mailbox import refuse, tell_one
from gameroom.rooms.memory import Memory
from gameroom.rooms.news import NewsRound
from gameroom.rooms.opening import Opened, Opening
from gameroom.rooms.placement import Placement
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.presence import Presence
from gameroom.rooms.records import Damaged
from gameroom.rooms.room import Room
from gameroom.rooms.rooms import Card, Cards, Outcome, Request, Tell
from gameroom.rooms.setbacks import Setbacks
from gameroom.rooms.sweep import Sweep
from gameroom.rooms.turns import Turns
from gameroom.rooms.watchdog import Watchdog
from gameroom.tasks import Tasks

log = logging.getLogger(__name__)

STOP_S = 10.0
"""How long a stop waits for what is under way."""


class LocalRooms:
    def __init__(
        self,
        *,
        home: str,
        games: Games,
        journal: Journal,
        placement: Placement,
        bus: Bus,
        cards: Cards,
        clock: Clock,
        policy: RoomPolicy,
    ) -> None:
        self._journal = journal
        self._placement = placement
        self._bus = bus
        self._clock = clock
        self._policy = policy
        self._actors: dict[str, Actor] = {}
        self._setbacks = Setbacks(clock)
        self._watchdog = Watchdog()
        self._tasks = Tasks()
        self._turns = Turns()
        discretion = Discretion(placement, self.spawn)
        self._damaged = DamagedRooms(discretion)
        self._failing = FailingRooms(clock, discretion)
        self._opening = Opening(
            home=home, games=games, journal=journal, placement=placement, cards=cards, policy=policy
        )
        self._creation = Creation(home=home, games=games, journal=journal, clock=clock, policy=policy)
        self._entrance = Entrance(placement, self, clock)
        self._stop = asyncio.Event()
        self._news = NewsRound(self._entrance.rooms_of, self._entrance.hear, self.spawn, self._stop)

    @property
    def open_now(self) -> int:
        """How many rooms are in memory, those included that are being opened or put away."""
        return len(self._actors)

    async def start(self) -> None:
        """Begin to look after rooms that somebody must run: occupied ones, and those whose timers are due."""
        self._watchdog.start()
        sweep = Sweep(self._opening, self._clock, self._policy, kept=self)
        self.spawn(sweep.until(self._stop))

    async def stop(self) -> None:
        """Hand all rooms over: each with a snapshot of its very last state. What still waits is `unavailable`."""
        self._stop.set()
        for actor in self.actors():
            self.put_away(actor)
        for room_id in self._opening.claimed():
            self.spawn(self._opening.give_back(room_id))
        await self._tasks.finish(STOP_S)
        self._watchdog.stop()

    async def abandon(self) -> None:
        """End what a stop that was cut short has left under way; what was decided, the journal has or will get."""
        await self._tasks.stop()
        self._watchdog.stop()

    # --- the contract -------------------------------------------------------------------------------------------

    def submit(self, request: Request, tell: Tell) -> None:
        if self.is_stopping:
            tell_one(tell, _stopping())
        else:
            deadline = asyncio.get_running_loop().time() + self._policy.command_deadline_s
            self._entrance.submit(Ask(request, tell, deadline))

    def detach(self, room_id: str, user_id: str, connection_id: str) -> None:
        self._entrance.detach(room_id, Gone(user_id, connection_id))

    def card_changed(self, user_id: str, card: Card) -> None:
        self._news.add(CardNews(user_id, card))

    def account_deleted(self, user_id: str) -> None:
        self._news.add(CardNews(user_id, None))

    async def room_of_code(self, invite_code: str) -> str | None:
        return await self._placement.room_of_code(invite_code)

    # --- letting in (Inside) ------------------------------------------------------------------------------------

    def let_in(self, ask: Ask) -> None:
        if self.is_stopping:
            tell_one(ask.tell, _stopping())
        elif isinstance(ask.request.command, CreateRoom):
            self.spawn(self._create(ask, ask.request.command))
        elif ask.request.room_id in self._damaged:
            self._damaged.refuse(ask)
        elif ask.request.room_id in self._failing:
            self._failing.refuse(ask)
        elif self._setbacks.is_hopeless(ask.request.room_id):
            tell_one(ask.tell, _hopeless())
        else:
            self._actor(ask.request.room_id).submit(ask)

    def hear(self, room_id: str, news: CardNews) -> None:
        """A room that is not open is opened only to lose a member: cards it reads anyway."""
        if news.card is not None:
            actor = self._actors.get(room_id)
        else:
            unable = self.is_stopping or self._stays_closed(room_id)
            actor = None if unable else self._actor(room_id)
        if actor is not None:
            actor.hear(news)

    def let_go(self, room_id: str, gone: Gone) -> None:
        actor = self._actors.get(room_id)
        if actor is not None:
            actor.detach(gone)

    def is_member(self, room_id: str, user_id: str) -> bool:
        actor = self._actors.get(room_id)
        room = None if actor is None else actor.room
        return isinstance(room, Room) and user_id in room.state.members

    # --- creating -----------------------------------------------------------------------------------------------

    async def _create(self, ask: Ask, command: CreateRoom) -> None:
        tell_one(ask.tell, await self._outcome_of_create(ask, command))
        if self.is_stopping and (actor := self._actors.get(ask.request.room_id)):
            await self._put_away(actor)

    async def _outcome_of_create(self, ask: Ask, command: CreateRoom) -> Outcome:
        try:
            answer, room = await self._creation.create(ask, command)
        except GameroomError as refusal:
            return refusal
        except Exception:  # a room that cannot be made must not leave its creator without an answer
            log.exception("room %s: it could not be created", ask.request.room_id)
            return InternalError("The server failed here; nothing was changed")
        if room is not None and room.room_id not in self._actors:
            self._new_actor(room.room_id).open(room)
        # Otherwise the same CREATE, sent again while this one was in doubt, has had the room opened: under a claim.
        return answer

    # --- opening ------------------------------------------------------------------------------------------------

    def _actor(self, room_id: str) -> Actor:
        return self._actors.get(room_id) or self._reopen(room_id, Presence())

    def _reopen(self, room_id: str, presence: Presence, *, after_s: float = 0) -> Actor:
        actor = self._new_actor(room_id)
        if after_s:
            asyncio.get_running_loop().call_later(after_s, self._begin_to_adopt, actor, presence)
        else:
            self._begin_to_adopt(actor, presence)
        return actor

    def _begin_to_adopt(self, actor: Actor, presence: Presence) -> None:
        if not actor.is_stopped:
            self.spawn(self._adopt(actor, presence))

    def _new_actor(self, room_id: str) -> Actor:
        actor = self._actors[room_id] = Actor(
            room_id,
            journal=self._journal,
            bus=self._bus,
            clock=self._clock,
            policy=self._policy,
            keeper=self,
            watchdog=self._watchdog,
        )
        return actor

    async def _adopt(self, actor: Actor, presence: Presence) -> None:
        try:
            opened = await self._opening.open(actor.room_id, presence)
        except GameFailed as failure:
            self._fail(actor, failure)
        except GameroomError as refusal:
            self._give_up(actor, refusal)
        except Damaged as damage:
            self._damaged.add(actor.room_id, damage, private=self._opening.is_private(actor.room_id))
            self._end_damaged(actor)
        except Exception:  # whatever it is, those who wait must hear of it, and the next one may try again
            log.exception("room %s: it could not be opened", actor.room_id)
            self._give_up(actor, InternalError("The server failed to open this room"))
        else:
            self._open(actor, opened)
        if self.is_stopping:
            await self._opening.give_back(actor.room_id)

    def _open(self, actor: Actor, opened: Opened) -> None:
        if self.is_stopping:
            return
        room = opened.room
        if self._setbacks.reopened(room.room_id, room.position.seq - room.position.epoch):
            self._opening.opened(room.room_id)
            self._failing.opened(room.room_id)
            for user_id in room.without_account():
                actor.hear(CardNews(user_id, None))
            actor.adopt(opened)
        else:
            log.error("room %s: it was lost again and again, it stays closed until a restart", room.room_id)
            self._give_up(actor, _hopeless())

    def _fail(self, actor: Actor, failure: GameFailed) -> None:
        game, private = self._opening.game_of(actor.room_id), self._opening.is_private(actor.room_id)
        self._failing.add(actor.room_id, game, failure, private=private)
        self._forget(actor)
        for entry in actor.leftovers():
            if isinstance(entry, Ask):
                self._failing.refuse(entry)

    def _give_up(self, actor: Actor, error: GameroomError) -> None:
        self._forget(actor)
        self._opening.refused(actor.room_id, actor.refuse_all(error), error, self._clock.now())

    def _forget(self, actor: Actor) -> None:
        if self._actors.get(actor.room_id) is actor:
            del self._actors[actor.room_id]

    # --- keeping (Keeper) ---------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.spawn(work)

    def want_turn(self, take: Callable[[], None]) -> None:
        self._turns.want(take)

    def lost(self, actor: Actor, memory: Memory) -> None:
        if actor.room_id in self._damaged:
            self._end_damaged(actor)
            return
        self._forget(actor)
        waiting = actor.leftovers()
        if self.is_stopping:
            refuse(waiting, _stopping())
        else:
            rest_s = self._setbacks.lost(actor.room_id)
            self._opening.remember(actor.room_id, memory.window.refusals)
            self._reopen(actor.room_id, memory.presence, after_s=rest_s).take_over(waiting)

    def damaged(self, actor: Actor, damage: Damaged) -> None:
        if actor.room_id not in self._damaged:
            self._damaged.add(actor.room_id, damage, private=actor.is_private)
            self.spawn(self._halt_damaged(actor))

    async def _halt_damaged(self, actor: Actor) -> None:
        """What was decided before the damage was seen is on its way, and is told as it comes out."""
        await actor.halt()
        self._end_damaged(actor)

    def _end_damaged(self, actor: Actor) -> None:
        """Those who wait are answered, and those who hear the room learn that it is over."""
        self._forget(actor)
        for entry in actor.leftovers():
            if isinstance(entry, Ask):
                self._damaged.refuse(entry)
        self._bus.publish(RoomOver(actor.room_id, "damaged"))

    def _stays_closed(self, room_id: str) -> bool:
        """Whether to open it once more now would lead nowhere."""
        shut = room_id in self._damaged or room_id in self._failing
        return shut or self._setbacks.is_hopeless(room_id)

    # --- looking after (Kept) -----------------------------------------------------------------------------------

    def look_after(self, room_id: str) -> None:
        if not self._stays_closed(room_id):
            self._actor(room_id)

    def actors(self) -> tuple[Actor, ...]:
        return tuple(self._actors.values())

    def put_away(self, actor: Actor) -> None:
        self.spawn(self._put_away(actor))

    async def _put_away(self, actor: Actor) -> None:
        """Give the room up cleanly; whoever asks for it opens it again."""
        if actor.is_stopped:
            return
        try:
            await actor.retire()
            if actor.room is not None:
                await self._placement.release(actor.room_id, actor.room.term)
        except Fenced:
            log.warning("room %s: another owner has it already", actor.room_id)
        except Exception as error:  # whatever it is: it is still ours, and must not stay stopped
            _log_kept(actor.room_id, error)
            if not self.is_stopping:
                actor.resume_work()
                return
        if actor.room_id in self._damaged:
            self._end_damaged(actor)
            return
        self._forget(actor)
        waiting = actor.leftovers()
        if self.is_stopping:
            refuse(waiting, _stopping())
        elif waiting:
            self._actor(actor.room_id).take_over(waiting)

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()


def _stopping() -> Unavailable:
    return Unavailable("The server is stopping")


def _hopeless() -> InternalError:
    return InternalError(
        "This room fails each time it is opened; it stays closed until the server is restarted"
    )


def _log_kept(room_id: str, error: Exception) -> None:
    if isinstance(error, Unavailable):
        log.warning("room %s: it could not be put away: %s", room_id, error.message)
    else:
        log.error("room %s: it could not be put away", room_id, exc_info=error)
