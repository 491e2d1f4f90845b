"""Reading a `Game` class: what it defines, or a sentence that says what is wrong with it."""

import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from gameroom.games.checks import AnyGame, Method, check_attributes, check_methods, functions_of
from gameroom.games.context import TIMER
from gameroom.games.failures import GameDefinitionError, GameMisuse
from gameroom.games.game import ACTION, HOOKS, Game, GameSettings, GameState, NoSettings, wire_name
from gameroom.games.storable import check_type
from gameroom.games.visible import shown_fields

LEADING = 3
"""`self`, `state` and `ctx` come before the fields of an action."""


class Action(Struct, frozen=True):
    """`fields`: the struct that a client's `{"type": …}` is read into; `method`: what is called with it."""

    fields: type[Struct]
    method: Method


class Definition(Struct, frozen=True, kw_only=True):
    """What a class defines. Actions and timers stand under the names that clients see."""

    game: AnyGame
    state: type[GameState] | None
    settings: type[Struct]
    actions: dict[str, Action]
    timers: dict[str, Method]
    hooks: frozenset[str]


def read_definition(kind: type[AnyGame]) -> Definition:
    """Raises `GameDefinitionError`."""
    check_attributes(kind)
    check_methods(kind)
    state, settings = _type_arguments(kind)
    game = _instance(kind)
    definition = Definition(
        game=game,
        state=_state_type(kind, state),
        settings=_settings_type(kind, settings),
        actions={name: Action(_fields(kind, name, m), _bound(game, m)) for name, m in _marked(kind, ACTION)},
        timers={name: _bound(game, method) for name, method in _marked(kind, TIMER)},
        hooks=frozenset(hook for hook in HOOKS if getattr(kind, hook) is not getattr(Game, hook)),
    )
    _check_setup(kind, definition)
    return definition


def _instance(kind: type[AnyGame]) -> AnyGame:
    try:
        return kind()
    except (GameMisuse, TypeError) as error:
        raise GameDefinitionError(f"{kind.__name__} needs no __init__: {error}") from error


def _marked(kind: type[AnyGame], mark: str) -> Iterator[tuple[str, FunctionType]]:
    for function in functions_of(kind).values():
        if hasattr(function, mark):
            yield getattr(function, mark), function


def _bound(game: AnyGame, function: FunctionType) -> Method:
    bound: Method = getattr(game, function.__name__)
    return bound


# --- an action's fields ---------------------------------------------------------------------------------------


def _fields(kind: type[AnyGame], action: str, method: FunctionType) -> type[Struct]:
    """The struct that an action's `{"type": …}` is read into: the method's parameters after `ctx`."""
    where = f"{kind.__name__}.{method.__name__}"
    parameters = list(inspect.signature(method).parameters.values())
    if len(parameters) < LEADING:
        raise GameDefinitionError(
            f"{where} must have the parameters (self, state, ctx, …the action's fields)"
        )
    hints = _hints(kind, where, method)
    fields = [_field(where, parameter, hints) for parameter in parameters[LEADING:]]
    try:
        return msgspec.defstruct(
            action,
            fields,
            namespace={"__doc__": inspect.getdoc(method)},
            tag=action,
            tag_field="type",
            rename={name: wire_name(name) for name, *_ in fields},
            forbid_unknown_fields=True,
            frozen=True,
            kw_only=True,
        )
    except (TypeError, ValueError) as error:
        raise GameDefinitionError(f"{where}: {error}") from error


def _field(
    where: str, parameter: inspect.Parameter, hints: dict[str, Any]
) -> tuple[str, Any] | tuple[str, Any, Any]:
    name = parameter.name
    if wire_name(name) == "type":
        raise GameDefinitionError(
            f"{where}: a parameter may not be called `type`, which names the action: say `kind`"
        )
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise GameDefinitionError(
            f"{where}: {parameter} must be an ordinary parameter with a name of its own"
        )
    if name not in hints:
        raise GameDefinitionError(f"{where}: the parameter {name!r} needs a type, such as `{name}: int`")
    check_type(f"{where}: the parameter {name!r}", hints[name])
    if parameter.default is parameter.empty:
        return name, hints[name]
    return name, hints[name], parameter.default


def _hints(kind: type[AnyGame], where: str, method: FunctionType) -> dict[str, Any]:
    nested = {name: value for name, value in vars(kind).items() if inspect.isclass(value)}
    try:
        return get_type_hints(method, localns=nested, include_extras=True)
    except (NameError, TypeError) as error:
        raise GameDefinitionError(
            f"{where}: a type cannot be resolved ({error}); define it in the module, above the class"
        ) from error


# --- its state and settings -----------------------------------------------------------------------------------


def _type_arguments(kind: type[AnyGame]) -> tuple[object, object]:
    arguments = _arguments_of_base(kind)
    if arguments is None or isinstance(arguments[0], TypeVar):
        raise GameDefinitionError(
            f"{kind.__name__} does not say what its state is: write `class {kind.__name__}(Game[YourState])`, "
            "or Game[None] if it keeps none"
        )
    return arguments


def _arguments_of_base(kind: type) -> tuple[object, object] | None:
    """What stands in the brackets of `Game[…]`, also where a class in between has parameters of its own."""
    for base in getattr(kind, "__orig_bases__", kind.__bases__):
        origin = get_origin(base) or base
        if origin is Game and get_args(base):
            state, settings = get_args(base)
            return state, settings
        found = _arguments_of_base(origin) if origin is not Game and issubclass(origin, Game) else None
        if found is not None:
            given = dict(zip(getattr(origin, "__parameters__", ()), get_args(base), strict=False))
            return given.get(found[0], found[0]), given.get(found[1], found[1])
    return None


def _state_type(kind: type[AnyGame], state: object) -> type[GameState] | None:
    if state is None or state is type(None):
        return None
    if not (inspect.isclass(state) and issubclass(state, GameState)):
        raise GameDefinitionError(
            f"{kind.__name__}: {_name(state)} in Game[…] must be a class derived from GameState"
        )
    if state.__struct_config__.frozen:
        raise GameDefinitionError(f"{state.__name__} is changed in place, so it cannot be frozen")
    check_type(state.__name__, state)
    return state


def _settings_type(kind: type[AnyGame], settings: object) -> type[Struct]:
    if settings is Struct or isinstance(settings, TypeVar):
        return NoSettings
    if not (inspect.isclass(settings) and issubclass(settings, GameSettings)):
        raise GameDefinitionError(
            f"{kind.__name__}: {_name(settings)} in Game[…] must be a class derived from GameSettings"
        )
    check_type(settings.__name__, settings)
    if len(shown_fields(settings)) < len(settings.__struct_fields__):
        raise GameDefinitionError(f"{settings.__name__}: settings are seen by all, so none can be Hidden[…]")
    return settings


def _check_setup(kind: type[AnyGame], definition: Definition) -> None:
    if kind.always_playing and (definition.state is not None or "setup" in definition.hooks):
        raise GameDefinitionError(
            f"{kind.__name__} is always playing: without rounds there is no setup, so it must be a Game[None]"
        )
    if definition.state is None or "setup" in definition.hooks:
        return
    required = [field.name for field in msgspec.structs.fields(definition.state) if field.required]
    if required:
        raise GameDefinitionError(
            f"{kind.__name__} needs `def setup(self, ctx)`, which returns the first {definition.state.__name__}: "
            f"{', '.join(required)} has no default"
        )


def _name(kind: object) -> str:
    return kind.__name__ if inspect.isclass(kind) else repr(kind)
