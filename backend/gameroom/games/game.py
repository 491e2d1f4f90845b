"""What a game author writes: a `GameState` and a `Game` with actions, timers and hooks."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, Literal, NoReturn

from msgspec import Struct
from typing_extensions import TypeVar

from gameroom.games.context import TIMER, Context
from gameroom.games.failures import GameMisuse
from gameroom.protocol.commands import FreeJson

Durability = Literal["journal", "volatile"]

ACTION = "__gameroom_action__"
"""The attribute by which `@action` marks a method; its value is the action's `type` on the wire."""


class GameState(Struct, forbid_unknown_fields=True):
    """The base of a game's state, and of its parts: typed fields, as of a dataclass.

    Everything that must be remembered is a field. It is changed in place and stored after every call, so fields
    hold what can be stored: numbers, strings, booleans, None, enums, lists, tuples, dicts, sets, and other
    `GameState`s. Give fields of the top state defaults where you can: a later version then reads older states. A
    field that is gone needs a new `version` and `migrate_state`: what was stored is never dropped in silence.
    """


class GameSettings(Struct, forbid_unknown_fields=True):
    """The base of a game's settings: what the creator of a room may choose, with a default for what is left out.

    Constrain a field with `Annotated[int, Meta(ge=1)]`; check several together in `__post_init__`, which raises
    ValueError. Settings do not change while a round is played: setting one is refused.
    """

    def __setattr__(self, name: str, value: object) -> NoReturn:
        # Not `frozen=True`, which type checkers would want repeated in every author's class.
        raise GameMisuse(f"settings.{name} = …: settings are the room's, and only its host changes them")


class NoSettings(GameSettings):
    """There is nothing to choose."""


StateT = TypeVar("StateT", bound="GameState | None")
SettingsT = TypeVar("SettingsT", bound=Struct, default=Struct)
GameT = TypeVar("GameT", bound="Game[Any, Any]")
ContextT = TypeVar("ContextT", bound="Context[Any]")
ActionT = TypeVar("ActionT", bound=Callable[..., object])


def action(method: ActionT) -> ActionT:
    """Marks a method as something that players can do: `def place(self, state, ctx, cell: int)`.

    Clients send `{"type": "place", "cell": 4}`. The parameters after `ctx` are the action's fields: each needs an
    annotation, one with a default may be left out. What is sent wrongly never reaches the method. It changes
    `state` in place and may return an answer (an object); or it raises `NotYourTurn` or `IllegalAction`, and
    everything it changed is undone. A trailing underscore, as in `raise_` or `from_`, is not part of a name.
    """
    setattr(method, ACTION, wire_name(method.__name__))
    return method


def timer(method: Callable[[GameT, StateT, ContextT], None]) -> Callable[[GameT, StateT, ContextT], None]:
    """Marks a method that `ctx.after(seconds, self.method)` can have called later: `def late(self, state, ctx)`.

    Clients see when it is due, under the method's name in the room's `deadlines`.
    """
    setattr(method, TIMER, wire_name(method.__name__))
    return method


def wire_name(name: str) -> str:
    """`from_` → `from`: a name that Python keeps for itself, as clients write it."""
    return name.removesuffix("_")


class Game(Generic[StateT, SettingsT]):
    """A game: `class TicTacToe(Game[Board])`, with settings `class Poker(Game[Hand, PokerSettings])`.

    One instance serves all rooms, so it holds no state: setting an attribute on `self` is refused. Methods know
    seats (0, 1, …), never users; they take time and chance from `ctx` only, and do no I/O.
    """

    name: ClassVar[str]
    """What clients write in CREATE: lower-case letters, digits and dashes."""
    min_players: ClassVar[int]
    max_players: ClassVar[int]
    title: ClassVar[str] = ""
    """What people read; by default made from the name."""
    version: ClassVar[str] = "1"
    """Raise it when an older state needs `migrate_state`."""
    durability: ClassVar[Durability] = "journal"
    """`journal`: no accepted action is ever lost. `volatile`: faster, and a crash of the server loses the play."""
    flush_ms: ClassVar[int] = 0
    """Where everybody talks: events and answers of play may wait so long (at most 16 ms), and leave together."""
    late_joining: ClassVar[bool] = False
    """Whether players may join while a round is played; `on_join` tells the game of each."""
    always_playing: ClassVar[bool] = False
    """No rounds: the room plays from its creation on, and never ends. Needs `late_joining`, and keeps no state."""

    def setup(self, ctx: Context[SettingsT]) -> StateT:
        """The state at the start of a round. May be left out where every field of the state has a default."""
        raise NotImplementedError

    def on_join(self, state: StateT, ctx: Context[SettingsT]) -> None:
        """A player has come into the round (`late_joining`), on `ctx.seat`, which may be that of one who has left.

        Where there are no rounds, everybody comes so, whoever created the room first.
        """

    def on_leave(self, state: StateT, ctx: Context[SettingsT]) -> None:
        """The player on `ctx.seat` has left the round for good. Unless overridden, the round is abandoned."""
        ctx.abandon()

    def on_disconnect(self, state: StateT, ctx: Context[SettingsT]) -> None:
        """The player on `ctx.seat` is away, or was when the round began; the seat is kept for a while."""

    def on_return(self, state: StateT, ctx: Context[SettingsT]) -> None:
        """The player on `ctx.seat` is back."""

    def reveal(self, state: StateT, seat: int | None) -> Mapping[str, object]:
        """What this seat (None: a spectator) sees besides the fields that are not hidden.

        It is merged into the view, objects into objects: `{"hands": {seat: state.hands[seat]}}`. Only reads.
        """
        return {}

    def migrate_state(self, old: dict[str, FreeJson], from_version: str) -> dict[str, FreeJson]:
        """The state that a former version stored, as JSON, in the form that this version reads."""
        return old

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise GameMisuse(
            f"self.{name} = …: a Game holds no state, since one instance serves all rooms. "
            f"Make {name!r} a field of the GameState"
        )


HOOKS = ("setup", "on_join", "on_leave", "on_disconnect", "on_return", "reveal", "migrate_state")
"""The methods of `Game` that authors override."""
