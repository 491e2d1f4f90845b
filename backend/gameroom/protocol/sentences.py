"""What is wrong with a value: a pointer and a sentence, for whoever typed it by hand.

msgspec speaks of Python's types. Commands, the actions and settings of games, bodies and queries are all read by
it, and their senders all read the sentences of this module.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from msgspec import ValidationError, inspect

from gameroom.errors import FieldError, ValidationFailed
from gameroom.protocol.patch import escape

LONGEST_WORD = 64
"""Characters of an id, a command or a name that an error repeats at most."""

MISSING = "this field is missing"

_LOST = "..."
"""Where msgspec's path has a key of an object that it has not kept."""

_NAMES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "None": "null",  # as the reader of MessagePack calls it
}
"""Types as msgspec's messages call them, and as we do."""


def wrong_field(kind: object, fault: ValidationError, pointer: str = "#") -> ValidationFailed:
    """The refusal of a value that stands at `pointer` and was read as a `kind`, because of what msgspec found."""
    error = field_error(kind, fault, pointer)
    return ValidationFailed.at(error.pointer, error.detail)


def field_error(kind: object, fault: ValidationError, pointer: str = "#") -> FieldError:
    """The same, as one of several errors: ``Expected `int` >= 0 - at `$.resume.epoch` `` is its first form."""
    what, path = _parted(str(fault))
    steps = _steps(path)
    kinds = _kinds(kind, steps)
    known_steps = steps[: steps.index(_LOST)] if _LOST in steps else steps
    place = pointer + "".join(step_to(step) for step in known_steps)
    named = re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", what, re.DOTALL)
    if named is None:
        return FieldError(place, _expectation(kinds, what))
    detail = MISSING if named[1] == "missing required" else no_such_field(named[2], _fields(kinds))
    if _LOST in steps:
        return FieldError(place, f"{named[2][:LONGEST_WORD]}: {detail}")
    return FieldError(place + step_to(named[2]), detail)


def step_to(name: str) -> str:
    """The step to a field, as pointers in errors have it: a name without end is not repeated whole."""
    return f"/{escape(name[:LONGEST_WORD])}"


def no_such_field(name: str, known: Iterable[str]) -> str:
    """The sentence about a field that is not among the known ones."""
    names = sorted(known)
    guess = nearest(name, names)
    if guess:
        return f"there is no such field; did you mean {guess}?"
    return f"there is no such field; known are {', '.join(names)}" if names else "there are no fields here"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The most similar of the known words, if any is similar; one that is the same but for its case is."""
    plain = {each.lower(): each for each in known}
    guesses = get_close_matches(word[:LONGEST_WORD].lower(), plain, n=1)
    return plain[guesses[0]] if guesses else None


# --- reading msgspec's message --------------------------------------------------------------------------------


def _parted(message: str) -> tuple[str, str]:
    """What is wrong, and the path of where."""
    found = re.fullmatch(r"(.*) - at (?:`key` in )?`\$(.*?)`", message, re.DOTALL)
    return (found[1], found[2]) if found else (message, "")


def _steps(path: str) -> list[str]:
    """`.moves[3][...].to` → `["moves", "3", "...", "to"]`."""
    return [name or index for name, index in re.findall(r"\.([^.\[\]`]+)|\[([^\[\]`]+)\]", path)]


def _expectation(kinds: list[inspect.Type], what: str) -> str:
    """`what` in words; for a wrong choice, the right ones. What a game's author wrote is left as it is."""
    choices = [choice for kind in kinds for choice in _choices(kind)]
    if what.startswith("Invalid enum value") and choices:
        return f"must be one of {', '.join(choices)}"
    if not what.startswith(("Expected ", "Invalid ")):
        return what
    said = re.sub(r"`([A-Za-z |]+)`", lambda names: _in_words(names[1]), what)
    said = re.sub(r" matching regex '\^(\[.*?\]).*'$", r" made of \1 only", said)
    return said[0].lower() + said[1:]


def _in_words(names: str) -> str:
    return " or ".join(_NAMES.get(name, name) for name in names.split(" | "))


# --- what the type allows there -------------------------------------------------------------------------------


def _kinds(kind: object, steps: list[str]) -> list[inspect.Type]:
    """The types that the value at `steps` may have."""
    kinds = list(_options(inspect.type_info(kind)))
    for step in steps:
        kinds = [option for kind in kinds for inner in _inside(kind, step) for option in _options(inner)]
    return kinds


def _options(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The members of a union; any other type is the only option."""
    if isinstance(kind, inspect.Metadata):
        yield from _options(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from _options(member)
    else:
        yield kind


def _inside(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == step)
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type
    elif isinstance(kind, inspect.CollectionType):
        yield kind.item_type


def _fields(kinds: list[inspect.Type]) -> Iterator[str]:
    for kind in kinds:
        if isinstance(kind, inspect.StructType):
            yield from (field.encode_name for field in kind.fields)
            if kind.tag_field is not None:
                yield kind.tag_field


def _choices(kind: inspect.Type) -> Iterator[str]:
    """The values that a literal or an enum has."""
    if isinstance(kind, inspect.LiteralType):
        yield from (str(value) for value in kind.values)
    elif isinstance(kind, inspect.EnumType):
        yield from (str(member.value) for member in kind.cls)
