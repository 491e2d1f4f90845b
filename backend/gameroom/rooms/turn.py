"""One decision in the making: what a handler may know, and what it says happened."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from gameroom.clock import Millis
from gameroom.errors import GameFailed, GameroomError
from gameroom.games.context import Context
from gameroom.games.effects import Announcement, Effects
from gameroom.games.random import GameRandom
from gameroom.games.registry import GameType
from gameroom.protocol.answers import DetachReason
from gameroom.protocol.events import Event
from gameroom.rooms.emission import Emission
from gameroom.rooms.policy import RoomPolicy
from gameroom.rooms.state import RoomState

Result = TypeVar("Result")


class Turn:
    """Handed to a handler. It changes `state`, emits events, and returns the answer; or raises, which undoes all."""

    def __init__(
        self, state: RoomState, game_type: GameType, policy: RoomPolicy, head: int, now: Millis
    ) -> None:
        self.state = state
        self.game_type = game_type
        self.policy = policy
        self.now = now
        self.emissions: list[Emission] = []
        self.failure: GameFailed | None = None
        """How the game's code failed where nobody could be refused for it; the handler has seen to it."""
        self.without_game = False
        """The game's code stood in the way of what must happen: it is left out of this turn."""
        self._head = head

    @property
    def next_seq(self) -> int:
        """The position of the event that is emitted next."""
        return self._head + len(self.emissions) + 1

    def heard_until(self, user_id: str) -> int:
        """The position of the last event that the user hears of this turn: nothing after its farewell."""
        for number, emission in enumerate(self.emissions, start=1):
            if emission.parting is not None and emission.parting[0] == user_id:
                return self._head + number
        return self._head + len(self.emissions)

    def emit(self, event: Event, *, announcements: tuple[Announcement, ...] = ()) -> None:
        """Say that it happened, to everybody in the room."""
        self.emissions.append(Emission(event=event, announcements=announcements))

    def whisper(self, event: Event, audience: frozenset[str]) -> None:
        """Say it to some; the others learn only that something was said."""
        self.emissions.append(Emission(event=event, audience=audience))

    def farewell(self, event: Event, user_id: str, reason: DetachReason) -> None:
        """Say that a member is gone: the last event that it hears."""
        self.emissions.append(Emission(event=event, parting=(user_id, reason)))

    def end(self, event: Event) -> None:
        """Say that the room is closed: the last event that anybody hears."""
        self.emissions.append(Emission(event=event, ends_all="closed"))

    def run_game(self, seat: int | None, call: Callable[[Context], Result]) -> tuple[Result, Effects]:
        """Let the game's code run, with time and randomness from the state, and keep the timers that it set."""
        play = self.state.play
        context = Context(
            seat=seat,
            round=play.round,
            players=self.state.round_seats(),
            settings=self._settings(),
            now=self.now,
            random=GameRandom(play.random_key, play.random_counter),
        )
        result = call(context)
        self._keep(context)
        return result, context.effects

    def _settings(self) -> Struct:
        """Raises `GameFailed`: this version of the game does not know the settings that the room was made with."""
        try:
            return self.state.settings()
        except GameroomError as error:
            raise GameFailed(f"The game does not take its own settings any more: {error.message}") from error

    def _keep(self, context: Context) -> None:
        if context.random.counter != self.state.play.random_counter:
            self.state.change_play(random_counter=context.random.counter)
        if context.effects.timers:
            timers = {**self.state.play.timers, **context.effects.timers}
            self.state.change_play(timers={name: at for name, at in timers.items() if at is not None})
