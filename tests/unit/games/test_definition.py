"""Authors' mistakes are told when the game is loaded, in a sentence that says what would be right.

The games here are wrong on purpose, so type checkers and linters are told to look away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partialmethod
from types import new_class
from typing import Any, Generic, Literal, TypeVar

import pytest
from msgspec import Raw, Struct

from gameroom import Context, Game, GameDefinitionError, GameSettings, GameState, Hidden, action, timer
from gameroom.games.registry import load_game


class Count(GameState):
    total: int = 0


class Counting(Game[Count]):
    """Right in every way: the others are derived from it, each with one mistake."""

    name = "counting"
    min_players = max_players = 2

    @action
    def add(self, state: Count, ctx: Context, number: Literal[1, 2]) -> None:
        state.total += number


class Secret(Struct):
    value: Hidden[int] = 0


Content = TypeVar("Content")


class Box(Struct, Generic[Content]):
    content: Content


@dataclass
class Piece:
    kind: Hidden[str]


class Socket:
    pass


def test_a_right_game_is_loaded() -> None:
    game = load_game(Counting)
    assert (game.name, game.title, game.version, game.durability) == ("counting", "Counting", "1", "journal")
    assert (game.min_players, game.max_players, game.late_joining, game.always_playing) == (
        2,
        2,
        False,
        False,
    )
    assert game.has_state
    assert not game.secretive


# --- attributes -----------------------------------------------------------------------------------------------


def derived(**attributes: object) -> type[Game[Any, Any]]:
    return type("Wrong", (Counting,), attributes)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"name": "Tic Tac"}, "Wrong.name is 'Tic Tac': use 1 to 64 lower-case"),
        ({"name": ""}, "Wrong.name is ''"),
        ({"name": 3}, "Wrong.name is 3"),
        ({"min_players": 0}, "min_players is 0 and max_players 2; use whole numbers"),
        ({"min_players": 3}, "min_players is 3 and max_players 2"),
        ({"max_players": 1001}, "≤ 1000"),
        ({"max_players": "2"}, "max_players '2'"),
        ({"min_players": True}, "min_players is True"),
        ({"version": 2}, 'use a string, such as "1"'),
        ({"flush_ms": 17}, "flush_ms is a whole number of milliseconds, from 0 to 16"),
        ({"flush_ms": 0.5}, "flush_ms is a whole number"),
        ({"flush_ms": True}, "flush_ms is a whole number"),
        ({"durability": "snapshot"}, 'use "journal" or "volatile"'),
        ({"always_playing": True}, "needs `late_joining = True` and `min_players = 1`"),
        ({"always_playing": True, "late_joining": True, "min_players": 1}, r"must be a Game\[None\]"),
    ],
)
def test_attributes(attributes: dict[str, object], sentence: str) -> None:
    with pytest.raises(GameDefinitionError, match=sentence):
        load_game(derived(**attributes))


def test_a_hook_for_late_players_needs_late_players() -> None:
    def on_join(self: object, state: object, ctx: object) -> None:
        pass

    with pytest.raises(
        GameDefinitionError, match="on_join would never be called: write `late_joining = True`"
    ):
        load_game(derived(on_join=on_join))
    load_game(derived(on_join=on_join, late_joining=True))


@pytest.mark.parametrize("missing", ["name", "min_players", "max_players"])
def test_missing_attributes(missing: str) -> None:
    attributes: dict[str, object] = {"name": "x", "min_players": 1, "max_players": 1}
    del attributes[missing]
    bare = new_class("Bare", (Game[Count],), {}, lambda namespace: namespace.update(attributes))
    with pytest.raises(GameDefinitionError, match=f"Bare has no {missing}: write `{missing} = "):
        load_game(bare)


@pytest.mark.parametrize("thing", [Count, 3, None, Counting.add])
def test_things_that_are_no_game(thing: Any) -> None:
    with pytest.raises(GameDefinitionError, match="is no game"):
        load_game(thing)


# --- methods --------------------------------------------------------------------------------------------------


class ParameterCalledType(Counting):
    @action
    def play(self, state: Count, ctx: Context, type: str) -> None: ...  # noqa: A002


class ParameterCalledTypeToo(Counting):
    @action
    def play(self, state: Count, ctx: Context, type_: str) -> None: ...


class ParameterWithoutType(Counting):
    @action
    def play(self, state, ctx, cell) -> None: ...  # type: ignore[no-untyped-def]


class ParameterOfUnknownType(Counting):
    @action
    def play(self, state: Count, ctx: Context, cell: "Cell") -> None: ...  # type: ignore[name-defined]  # noqa: F821


class ParameterThatCannotBeSent(Counting):
    @action
    def play(self, state: Count, ctx: Context, socket: Socket) -> None: ...


class ParameterThatIsHidden(Counting):
    @action
    def play(self, state: Count, ctx: Context, cell: Hidden[int]) -> None: ...


class AnyNumberOfParameters(Counting):
    @action
    def play(self, state: Count, ctx: Context, *cells: int) -> None: ...


class DefaultThatIsShared(Counting):
    @action
    def play(self, state: Count, ctx: Context, cells: list[int] = [1]) -> None: ...  # noqa: B006


class NoContext(Counting):
    @action
    def play(self, state: Count) -> None: ...


class NoAction(Game[Count]):
    name = "no-action"
    min_players = max_players = 1

    def add(self, state: Count, ctx: Context, number: int) -> None: ...


class UnknownHook(Counting):
    def on_leaves(self, state: Count, ctx: Context) -> None: ...


class StrangeHook(Counting):
    def on_xyzzy(self, state: Count, ctx: Context) -> None: ...


class HookWithOtherParameters(Counting):
    def on_leave(self, state: Count) -> None: ...  # type: ignore[override]


class SetupWithOtherParameters(Counting):
    def setup(self, ctx: Context, players: int) -> Count: ...  # type: ignore[override,empty-body]


class TimerWithParameters(Counting):
    @timer  # type: ignore[arg-type]
    def late(self, state: Count, ctx: Context, seat: int) -> None: ...


class HookAsAction(Counting):
    @action
    def on_leave(self, state: Count, ctx: Context) -> None: ...


class AsyncAction(Counting):
    @action
    async def play(self, state: Count, ctx: Context) -> None: ...


class GeneratorHook(Counting):
    def on_return(self, state: Count, ctx: Context) -> None:  # type: ignore[misc]
        yield


class StaticAction(Counting):
    @staticmethod
    @action
    def play(state: Count, ctx: Context) -> None: ...


class StaticActionFromOutside(Counting):
    @action
    @staticmethod
    def play(state: Count, ctx: Context) -> None: ...


class ClassTimer(Counting):
    @classmethod
    @timer  # type: ignore[arg-type]
    def late(cls, state: Count, ctx: Context) -> None: ...


class PropertyAction(Counting):
    @property
    @action
    def play(self) -> int:
        return 1


class CachedAction(Counting):
    @cache  # type: ignore[arg-type]  # noqa: B019
    @action
    def play(self, state: Count, ctx: Context) -> None: ...


class PartialAction(Counting):
    play = partialmethod(Counting.add, number=1)


class SetsItself(Counting):
    deck: list[int]

    def setup(self, ctx: Context) -> Count:
        self.deck = [1, 2]
        return Count()


class HasAnInit(Counting):
    def __init__(self) -> None:
        setattr(self, "deck", [])  # noqa: B010


class InitWithParameters(Counting):
    def __init__(self, deck: list[int]) -> None: ...


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (ParameterCalledType, "ParameterCalledType.play: a parameter may not be called `type`"),
        (ParameterCalledTypeToo, "a parameter may not be called `type`"),
        (ParameterWithoutType, "the parameter 'cell' needs a type, such as `cell: int`"),
        (
            ParameterOfUnknownType,
            "a type cannot be resolved .name 'Cell' is not defined.; define it in the module",
        ),
        (ParameterThatCannotBeSent, "the parameter 'socket': Socket cannot be stored"),
        (ParameterThatIsHidden, "the parameter 'cell': Hidden"),
        (AnyNumberOfParameters, r"\*cells: int must be an ordinary parameter"),
        (DefaultThatIsShared, "DefaultThatIsShared.play: .* mutable"),
        (NoContext, r"must have the parameters \(self, state, ctx, …"),
        (NoAction, "has no action: mark what players can do with @action"),
        (UnknownHook, "UnknownHook.on_leaves is no hook; did you mean on_leave?"),
        (StrangeHook, "is no hook; the hooks are setup, on_join, on_leave"),
        (HookWithOtherParameters, r"on_leave must have the parameters \(self, state, ctx\)"),
        (SetupWithOtherParameters, r"setup must have the parameters \(self, ctx\)"),
        (TimerWithParameters, r"late must have the parameters \(self, state, ctx\)"),
        (HookAsAction, "on_leave is a hook and cannot be an action"),
        (AsyncAction, "play is async"),
        (GeneratorHook, "on_return is async or a generator"),
        (StaticAction, "StaticAction.play is a staticmethod: @action and @timer mark plain methods only"),
        (StaticActionFromOutside, "StaticActionFromOutside.play is a staticmethod"),
        (ClassTimer, r"ClassTimer.late is a classmethod: .* such as `def late\(self, state, ctx\)`"),
        (PropertyAction, "PropertyAction.play is a property"),
        (CachedAction, "CachedAction.play is a _lru_cache_wrapper"),
        (PartialAction, "PartialAction.play is a partialmethod"),
        (SetsItself, "SetsItself.setup sets self.deck: .* Make 'deck' a field of the GameState"),
        (HasAnInit, "HasAnInit needs no __init__: self.deck = …: a Game holds no state"),
        (InitWithParameters, "InitWithParameters needs no __init__"),
    ],
)
def test_methods(kind: type[Game[Any, Any]], sentence: str) -> None:
    with pytest.raises(GameDefinitionError, match=sentence):
        load_game(kind)


# --- state and settings ---------------------------------------------------------------------------------------


class HoldsASocket(GameState):
    socket: Socket


class HoldsIt(GameState):
    inside: dict[str, list[HoldsASocket]] = {}


class HoldsRaw(GameState):
    raw: Raw = Raw(b"1")


class HidesInAList(GameState):
    hands: list[Hidden[int]] = []


class HidesInADataclass(GameState):
    pieces: list[Piece] = []


class HidesInABox(GameState):
    boxes: list[Box[Hidden[int]]] = []


class StrangeKeys(GameState):
    board: dict[tuple[int, int], int] = {}


class Identity(GameState, eq=False):
    value: int = 0


class Frozen(GameState, frozen=True):  # type: ignore[misc]
    value: int = 0


class NotResolvable(GameState):
    cell: "Cell"  # type: ignore[name-defined]  # noqa: F821


class Required(GameState):
    cells: list[int]
    turn: int


class HiddenSettings(GameSettings):
    seed: Hidden[int] = 0


def with_types(*types: object) -> type[Game[Any, Any]]:
    """`class Wrong(Game[types])`, right in all else."""
    base: Any = Game
    attributes = {"name": "x", "min_players": 1, "max_players": 1, "add": Counting.add}
    return new_class("Wrong", (base[types],), {}, lambda namespace: namespace.update(attributes))


@pytest.mark.parametrize(
    ("types", "sentence"),
    [
        ((int,), "Wrong: int in Game.…. must be a class derived from GameState"),
        ((Struct,), "must be a class derived from GameState"),
        ((HoldsIt,), "HoldsASocket.socket: Socket cannot be stored; make it a GameState"),
        ((HoldsRaw,), "HoldsRaw.raw: This type cannot be stored"),
        ((HidesInAList,), r"HidesInAList.hands: Hidden\[…\] stands around the whole type of a field"),
        ((HidesInADataclass,), r"HidesInADataclass.pieces: Hidden\[…\] stands"),
        ((HidesInABox,), r"Box: write Hidden\[…\] in the class itself"),
        ((StrangeKeys,), "StrangeKeys.board: the keys of a dict must be strings, numbers or enums"),
        ((Identity,), "eq=False"),
        ((Frozen,), "Frozen is changed in place, so it cannot be frozen"),
        ((NotResolvable,), "NotResolvable: .*Cell"),
        (
            (Required,),
            r"needs `def setup\(self, ctx\)`, which returns the first Required: cells, turn has no default",
        ),
        ((Count, Struct), None),
        ((Count, Count), "Count in Game.…. must be a class derived from GameSettings"),
        ((Count, HiddenSettings), "HiddenSettings: settings are seen by all"),
        ((TypeVar("Open"),), "does not say what its state is: write `class Wrong.Game.YourState..`"),
    ],
)
def test_types(types: tuple[object, ...], sentence: str | None) -> None:
    if sentence is None:
        assert load_game(with_types(*types)).has_state
        return
    with pytest.raises(GameDefinitionError, match=sentence):
        load_game(with_types(*types))


def test_a_game_without_brackets() -> None:
    bare = type("Bare", (Game,), {"name": "x", "min_players": 1, "max_players": 1, "add": Counting.add})
    with pytest.raises(
        GameDefinitionError, match=r"write `class Bare\(Game\[YourState\]\)`, or Game\[None\]"
    ):
        load_game(bare)


# --- what may look strange and is right -----------------------------------------------------------------------

StateT = TypeVar("StateT", bound=GameState)


class CardGame(Game[StateT]):
    """A base for games."""

    min_players = max_players = 1

    @action
    def shuffle(self, state: StateT, ctx: Context) -> None: ...

    @staticmethod
    def deal(state: Count) -> None:
        state.total = 52


class Patience(CardGame[Count]):
    name = "patience"


class Nested(Game[Count]):
    name = "nested"
    min_players = max_players = 1

    class Move(Struct):
        to: int

    @action
    def go(self, state: Count, ctx: Context, moves: "list[Move]") -> None: ...


class HidesProperly(GameState):
    secrets: list[Secret] = []
    maybe: Hidden[int] | None = None
    grid: dict[int, dict[Literal["a", "b"], int | None]] = {}
    itself: "list[HidesProperly]" = []
    anything: Any = None


@pytest.mark.parametrize("kind", [Patience, Nested, lambda: with_types(HidesProperly)])
def test_what_is_right(kind: type[Game[Any, Any]] | Callable[[], type[Game[Any, Any]]]) -> None:
    game = kind if isinstance(kind, type) else kind()
    assert load_game(game).has_state
