"""What must be right about a `Game` class before it is read: its attributes and the shape of its methods."""

import dis
import inspect
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any, get_args

from gameroom.games.context import TIMER
from gameroom.games.failures import GameDefinitionError
from gameroom.games.game import ACTION, HOOKS, Durability, Game
from gameroom.protocol.limits import MOST_PLAYERS
from gameroom.protocol.sentences import nearest

AnyGame = Game[Any, Any]
Method = Callable[..., object]

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

WRAPPED = ("__wrapped__", "fget", "func")
"""Where a decorated method keeps the function: staticmethod, classmethod and caches; property; partialmethod."""

REQUIRED = {"name": '"tic-tac-toe"', "min_players": "2", "max_players": "4"}
"""Attributes without a default, each with an example."""

LONGEST_FLUSH_MS = 16
"""A frame of a screen."""


def check_attributes(kind: type[AnyGame]) -> None:
    """Raises `GameDefinitionError` if `kind` is no game, or does not say properly what it is."""
    if not _is_game(kind):
        raise GameDefinitionError(f"{kind!r} is no game: a game is a class derived from Game[YourState]")
    for name, example in REQUIRED.items():
        if not hasattr(kind, name):
            raise GameDefinitionError(
                f"{kind.__name__} has no {name}: write `{name} = {example}` in the class"
            )
    _check_words(kind)
    _check_players(kind)
    if type(kind.flush_ms) is not int or not 0 <= kind.flush_ms <= LONGEST_FLUSH_MS:
        raise GameDefinitionError(
            f"{kind.__name__}.flush_ms is a whole number of milliseconds, from 0 to {LONGEST_FLUSH_MS}"
        )
    if kind.always_playing and not (kind.late_joining and kind.min_players == 1):
        raise GameDefinitionError(
            f"{kind.__name__} is always playing, so it needs `late_joining = True` and `min_players = 1`"
        )


def check_methods(kind: type[AnyGame]) -> None:
    """Raises `GameDefinitionError` if a method cannot be called as the author means it."""
    _check_marks(kind)
    functions = functions_of(kind)
    for name, function in functions.items():
        where = f"{kind.__name__}.{name}"
        _check_stateless(where, function)
        _check_hook_name(where, name, function)
        if name in HOOKS or _is_marked(function):
            _check_call(where, name, function)
    if "on_join" in functions and not kind.late_joining:
        raise GameDefinitionError(
            f"{kind.__name__}.on_join would never be called: write `late_joining = True`, or leave it out"
        )
    if not any(hasattr(function, ACTION) for function in functions.values()):
        raise GameDefinitionError(f"{kind.__name__} has no action: mark what players can do with @action")


def functions_of(kind: type[AnyGame]) -> dict[str, FunctionType]:
    """Every method that the author wrote, those of classes between this one and `Game` included, in their order."""
    return {name: value for name, value in _members(kind).items() if inspect.isfunction(value)}


def _members(kind: type[AnyGame]) -> dict[str, object]:
    bases = [base for base in reversed(kind.__mro__) if issubclass(base, Game) and base is not Game]
    return {name: value for base in bases for name, value in vars(base).items()}


# --- attributes -----------------------------------------------------------------------------------------------


def _is_game(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Game)


def _check_words(kind: type[AnyGame]) -> None:
    name: object = kind.name
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise GameDefinitionError(
            f"{kind.__name__}.name is {name!r}: use 1 to 64 lower-case letters, digits and dashes"
        )
    version: object = kind.version
    if not (isinstance(version, str) and version):
        raise GameDefinitionError(f'{kind.__name__}.version is {version!r}: use a string, such as "1"')
    if kind.durability not in get_args(Durability):
        raise GameDefinitionError(
            f'{kind.__name__}.durability is {kind.durability!r}: use "journal" or "volatile"'
        )


def _check_players(kind: type[AnyGame]) -> None:
    least, most = kind.min_players, kind.max_players
    if not (type(least) is type(most) is int and 1 <= least <= most <= MOST_PLAYERS):
        raise GameDefinitionError(
            f"{kind.__name__}: min_players is {least!r} and max_players {most!r}; "
            f"use whole numbers with 1 ≤ min_players ≤ max_players ≤ {MOST_PLAYERS}"
        )


# --- methods --------------------------------------------------------------------------------------------------


def _is_marked(function: object) -> bool:
    return hasattr(function, ACTION) or hasattr(function, TIMER)


def _check_marks(kind: type[AnyGame]) -> None:
    """A mark on what is no plain function would be overlooked, and the author wonder why nobody can do it."""
    for name, value in _members(kind).items():
        inner = [value, *(getattr(value, attribute, None) for attribute in WRAPPED)]
        if not inspect.isfunction(value) and any(map(_is_marked, inner)):
            raise GameDefinitionError(
                f"{kind.__name__}.{name} is a {type(value).__name__}: @action and @timer mark plain methods "
                f"only, such as `def {name}(self, state, ctx)`"
            )


def _check_stateless(where: str, function: FunctionType) -> None:
    if assigned := _assigned_to_self(function):
        raise GameDefinitionError(
            f"{where} sets self.{assigned}: a Game holds no state, since one instance serves all rooms. "
            f"Make {assigned!r} a field of the GameState"
        )


def _check_hook_name(where: str, name: str, function: FunctionType) -> None:
    if name in HOOKS and _is_marked(function):
        raise GameDefinitionError(f"{where} is a hook and cannot be an action or timer too: rename it")
    if name.startswith("on_") and name not in HOOKS and not _is_marked(function):
        guess = nearest(name, HOOKS)
        hint = f"did you mean {guess}?" if guess else f"the hooks are {', '.join(HOOKS)}"
        raise GameDefinitionError(f"{where} is no hook; {hint}")


def _check_call(where: str, name: str, function: FunctionType) -> None:
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise GameDefinitionError(
            f"{where} is async or a generator: games are plain functions that do not wait"
        )
    if not hasattr(function, ACTION):
        _check_parameters(where, function, getattr(Game, name) if name in HOOKS else Game.on_leave)


def _check_parameters(where: str, function: FunctionType, model: Method) -> None:
    """It must be callable as `Game` calls it; the names of the parameters are free."""
    expected = list(inspect.signature(model).parameters)
    try:
        inspect.signature(function).bind(*expected)
    except TypeError:
        raise GameDefinitionError(f"{where} must have the parameters ({', '.join(expected)})") from None


def _assigned_to_self(function: FunctionType) -> str | None:
    """The attribute that the method sets on its instance, if it does so in plain sight."""
    code = function.__code__
    loaded: str | None = None
    for step in dis.get_instructions(code):
        if step.opname == "STORE_ATTR" and code.co_argcount and loaded == code.co_varnames[0]:
            return str(step.argval)
        loaded = _last_loaded(step)
    return None


def _last_loaded(step: dis.Instruction) -> str | None:
    """The variable that is now on top of the stack; newer Pythons have instructions that load two."""
    if not step.opname.startswith("LOAD_FAST"):
        return None
    return str(step.argval[-1] if isinstance(step.argval, tuple) else step.argval)
