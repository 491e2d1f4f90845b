"""The room's side of a game: a class made into a `GameType`, and the games that a server has."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

import msgspec
from msgspec import Struct

from gameroom.errors import GameFailed, GameroomError, UnknownAction, UnknownGame, ValidationFailed
from gameroom.games.checks import AnyGame, Method
from gameroom.games.context import Context
from gameroom.games.definition import Definition, read_definition
from gameroom.games.failures import GameDefinitionError, GameMisuse
from gameroom.games.game import Durability, Game, GameState
from gameroom.games.schemas import Schemas, schemas_of
from gameroom.games.validation import validated
from gameroom.games.visible import visible
from gameroom.protocol.commands import FreeJson
from gameroom.protocol.free_json import NotFreeJson
from gameroom.protocol.sentences import LONGEST_WORD, nearest

__all__ = ["GameDefinitionError", "GameType", "Games", "game_in", "games_in", "load_game"]

Given = ParamSpec("Given")
Result = TypeVar("Result")

AnyContext = Context[Any]

SHORTEST_REST_MS = 100
"""From one timer to another that it sets: one that sets itself for at once would keep the server busy for ever."""


def load_game(kind: type[AnyGame]) -> "GameType":
    """Check a class and make it ready to be played. Raises `GameDefinitionError`."""
    return GameType(read_definition(kind))


class GameType:
    """A game as rooms know it. Holds no state of any room.

    Guarantees: whatever the author's code does, its methods raise nothing but `GameroomError`: the game's own
    refusals, and `GameFailed` for everything else. After a call that returned, the state can be stored and is read
    back equal, and all that the call said is plain JSON. After a call that raised, the state may be half changed.
    """

    def __init__(self, definition: Definition) -> None:
        game = definition.game
        self.name = game.name
        self.version = game.version
        self.title = game.title or game.name.replace("-", " ").capitalize()
        self.min_players = game.min_players
        self.max_players = game.max_players
        self.durability: Durability = game.durability
        self.flush_ms = game.flush_ms
        self.late_joining = game.late_joining
        self.always_playing = game.always_playing
        self.has_state = definition.state is not None
        self.secretive = "reveal" in definition.hooks
        self._game = game
        self._definition = definition
        self.actions = {name: action.fields for name, action in definition.actions.items()}
        """By name, the struct that a client's message is read into."""
        self.setting_names = definition.settings.__struct_encode_fields__
        self._methods = {action.fields: (name, action.method) for name, action in definition.actions.items()}
        self._decoder = msgspec.json.Decoder(definition.state or type(None))

    def has_hook(self, name: str) -> bool:
        """Whether the class overrides this method of `Game`."""
        return name in self._definition.hooks

    def schemas(self) -> Schemas:
        """Made anew: who needs them often keeps them."""
        return schemas_of(self._definition)

    # --- what clients send --------------------------------------------------------------------------------------

    def settings(self, raw: dict[str, FreeJson]) -> Struct:
        """The settings of a room. Raises `ValidationFailed` with pointers below `#/settings`."""
        return validated(raw, self._definition.settings, "#/settings")

    def effective(self, raw: dict[str, FreeJson]) -> dict[str, FreeJson]:
        """The settings of a room with all defaults; as they were given where this version does not take them."""
        if not self.setting_names:
            return raw
        try:
            return _guarded("its settings", self._effective, raw)
        except GameFailed:
            return raw

    def _effective(self, raw: dict[str, FreeJson]) -> dict[str, FreeJson]:
        shown: dict[str, FreeJson] = visible(self.settings(raw))
        return shown

    def action(self, raw: dict[str, FreeJson]) -> Struct:
        """The action that a client has sent. Raises `UnknownAction`, or `ValidationFailed` below `#/action`."""
        name = raw.get("type")
        if not isinstance(name, str):
            raise ValidationFailed.at(
                "#/action/type", f"must be the name of an action: {', '.join(self.actions)}"
            )
        fields = self.actions.get(name)
        if fields is None:
            raise UnknownAction(name[:LONGEST_WORD], nearest(name, self.actions))
        return validated(raw, fields, "#/action")

    # --- storing ------------------------------------------------------------------------------------------------

    def encode(self, state: GameState) -> bytes:
        """The state as JSON. Raises `GameFailed` if it holds what JSON has not."""
        return _guarded("storing its state", _ENCODER.encode, state)

    def decode(self, data: bytes) -> GameState:
        """The state that `encode` wrote. Raises `GameFailed` if this version of the game cannot read it."""
        state = _guarded("reading its state", self._decoder.decode, data)
        if not isinstance(state, GameState):
            raise GameFailed(f"{self.name} keeps no state")
        return state

    def migrate(self, data: bytes, from_version: str) -> GameState:
        """The state that version `from_version` stored, as this version has it. Raises `GameFailed`."""
        old = _guarded("reading its state", msgspec.json.decode, data, type=dict[str, Any])
        new = _guarded("migrate_state", self._game.migrate_state, old, from_version)
        return self.decode(_guarded("migrate_state", _ENCODER.encode, new))

    # --- playing ------------------------------------------------------------------------------------------------

    def setup(self, ctx: AnyContext) -> GameState | None:
        """The state of a new round. Raises the game's refusal, or `GameFailed`."""
        kind = self._definition.state or type(None)
        state = _played("setup", self._game.setup, ctx) if self.has_hook("setup") else _played("setup", kind)
        if not isinstance(state, kind):
            raise GameFailed(f"setup returned {type(state).__name__}, not {kind.__name__}")
        self._settle(state, ctx)
        return state

    def act(self, state: GameState | None, ctx: AnyContext, action: Struct) -> FreeJson:
        """Do what `action` made of a player's message; the answer. Raises the game's refusal, or `GameFailed`."""
        name, method = self._methods[type(action)]
        answer = _played(name, method, state, ctx, **msgspec.structs.asdict(action))
        self._settle(state, ctx)
        return _answer(name, answer)

    def fire(self, timer: str, state: GameState | None, ctx: AnyContext) -> None:
        """The timer is due. One that this version of the game does not have does nothing. Raises `GameFailed`."""
        method = self._definition.timers.get(timer)
        if method is not None:
            self._notify(timer, method, state, ctx)
            _check_rest(timer, ctx)

    def member_joined(self, state: GameState | None, ctx: AnyContext) -> None:
        """A player has come into the round, on `ctx.seat`. Raises `GameFailed`."""
        if self.has_hook("on_join"):
            self._notify("on_join", self._game.on_join, state, ctx)

    def member_left(self, state: GameState | None, ctx: AnyContext) -> None:
        """The player on `ctx.seat` has left the round for good. Raises `GameFailed`."""
        if self.has_hook("on_leave") or not self.always_playing:
            self._notify("on_leave", self._game.on_leave, state, ctx)

    def member_disconnected(self, state: GameState | None, ctx: AnyContext) -> None:
        """The player on `ctx.seat` is not connected. Raises `GameFailed`."""
        if self.has_hook("on_disconnect"):
            self._notify("on_disconnect", self._game.on_disconnect, state, ctx)

    def member_returned(self, state: GameState | None, ctx: AnyContext) -> None:
        """The player on `ctx.seat` is connected again. Raises `GameFailed`."""
        if self.has_hook("on_return"):
            self._notify("on_return", self._game.on_return, state, ctx)

    def view(self, state: GameState | None, seat: int | None) -> FreeJson:
        """The state as a seat (None: a spectator) may see it, in plain JSON. Raises `GameFailed`."""
        shown = _guarded("its view", visible, state)
        if state is not None and self.secretive:
            _merge(shown, _guarded("reveal", self._revealed, state, seat))
        return shown

    def _revealed(self, state: GameState, seat: int | None) -> dict[str, FreeJson]:
        shown: dict[str, FreeJson] = visible(dict(self._game.reveal(state, seat)))
        return shown

    def _notify(self, what: str, method: Method, state: GameState | None, ctx: AnyContext) -> None:
        """Call what no player asked for: a refusal would have nobody to reach, so it is a failure too."""
        try:
            _played(what, method, state, ctx)
        except GameFailed:
            raise
        except GameroomError as error:
            raise GameFailed(f"The game refused in {what}, where nobody asked: {error.code}") from error
        self._settle(state, ctx)

    def _settle(self, state: GameState | None, ctx: AnyContext) -> None:
        """Let no call end that left what recovery could not bring back."""
        if self.always_playing and ctx.effects.ending is not None:
            raise GameFailed(f"{self.name} is always playing: it cannot end")
        if state is not None:
            self._check_stored(state)

    def _check_stored(self, state: GameState) -> None:
        data = self.encode(state)
        stored = _guarded(
            "storing its state: a value is not of its declared type", self._decoder.decode, data
        )
        if stored != state:
            changed = [
                name for name in state.__struct_fields__ if getattr(stored, name) != getattr(state, name)
            ]
            raise GameFailed(f"The state is read back otherwise than it was stored: {', '.join(changed)}")


class Games:
    """The games of a server, by name."""

    def __init__(self, types: Iterable[GameType]) -> None:
        self._types: dict[str, GameType] = {}
        for game_type in types:
            if game_type.name in self._types:
                raise GameDefinitionError(f"Two games are called {game_type.name!r}: rename one of them")
            self._types[game_type.name] = game_type

    def __iter__(self) -> Iterator[GameType]:
        return iter(self._types.values())

    def get(self, name: str) -> GameType:
        """Raises `UnknownGame`."""
        try:
            return self._types[name]
        except KeyError:
            raise UnknownGame(name[:LONGEST_WORD], self.names()) from None

    def names(self) -> list[str]:
        return sorted(self._types)


# --- finding games in a module --------------------------------------------------------------------------------


def games_in(namespace: Mapping[str, object]) -> list[type[AnyGame]]:
    """The games that a module itself defines, in its order; what it imports is not its own.

    A class that others are derived from is a base for games, not a game, unless it has a `name`.
    """
    own = list(dict.fromkeys(_own_games(namespace)))
    bases = {base for kind in own for base in kind.__mro__[1:]}
    return [kind for kind in own if hasattr(kind, "name") or kind not in bases]


def game_in(namespace: Mapping[str, object], named: str | None = None) -> type[AnyGame]:
    """The one game that a module defines, or the one whose class is `named`. Raises `GameDefinitionError`."""
    found = {kind.__name__: kind for kind in games_in(namespace)}
    if named is None and len(found) == 1:
        return next(iter(found.values()))
    if named is not None and named in found:
        return found[named]
    raise GameDefinitionError(_no_choice(list(found), named))


def _no_choice(found: list[str], named: str | None) -> str:
    if not found:
        return "there is no game: a game is a class derived from Game[YourState]"
    if named is None:
        return f"there are several games, {' and '.join(found)}: name one, such as my_game.py:{found[0]}"
    return f"there is no game {named}, but {' and '.join(found)}"


def _own_games(namespace: Mapping[str, object]) -> Iterator[type[AnyGame]]:
    module = namespace.get("__name__")
    for value in namespace.values():
        if isinstance(value, type) and issubclass(value, Game) and value.__module__ == module:
            yield value


# --- running the author's code --------------------------------------------------------------------------------

_ENCODER = msgspec.json.Encoder()


def _guarded(
    what: str, call: Callable[Given, Result], /, *given: Given.args, **named: Given.kwargs
) -> Result:
    """Call what may fail in any way because the author's code or data is behind it."""
    try:
        return call(*given, **named)
    except (Exception, SystemExit) as error:  # whatever a game raises is its bug, and must harm nothing else
        raise GameFailed(_sentence(what, error)) from error


def _played(what: str, call: Callable[Given, Result], /, *given: Given.args, **named: Given.kwargs) -> Result:
    """The same where the game may refuse."""
    try:
        return call(*given, **named)
    except GameroomError as refusal:
        refusal.params = _guarded(what, visible, refusal.params)
        raise
    except (Exception, SystemExit) as error:  # whatever a game raises is its bug, and must harm nothing else
        raise GameFailed(_sentence(what, error)) from error


def _check_rest(timer: str, ctx: AnyContext) -> None:
    for name, at in ctx.effects.timers.items():
        if at is not None and at < ctx.now + SHORTEST_REST_MS:
            raise GameFailed(f"The timer {timer} sets {name} for less than {SHORTEST_REST_MS} ms from now")


def _sentence(what: str, error: BaseException) -> str:
    """Clients read it. Only the text of our own errors is shown: an author's may name what is hidden."""
    detail = type(error).__name__
    if isinstance(error, GameMisuse):
        detail = str(error)
    elif isinstance(error, NotFreeJson):
        detail = f"{error.pointer}: {error.detail}"
    return f"The game failed in {what} ({detail})"


def _answer(name: str, answer: object) -> FreeJson:
    if answer is None:
        return {}
    if not isinstance(answer, Mapping | Struct):
        raise GameFailed(
            f"{name} returned {type(answer).__name__}; an answer is an object (a dict or a Struct)"
        )
    return _guarded(name, visible, answer)


def _merge(shown: dict[str, FreeJson], revealed: dict[str, FreeJson]) -> None:
    """Objects into objects; anything else takes the place of what was there."""
    for name, value in revealed.items():
        present = shown.get(name)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        else:
            shown[name] = value
