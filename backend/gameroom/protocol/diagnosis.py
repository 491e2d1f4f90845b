"""Why a frame is no command, told so that somebody who types JSON by hand can mend it.

The fast decoder stops at its first error and loses the keys of objects. So a frame that it refused is read once
more, leniently: that finds what is wrong where, and the `id` to answer to.
"""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeGuard

from msgspec import ValidationError, inspect

from gameroom.errors import GameroomError, MalformedFrame, UnknownCommand, ValidationFailed
from gameroom.protocol.commands import COMMANDS, Command, FreeJson
from gameroom.protocol.free_json import NestedTooDeep, NotFreeJson, check_free_json, check_text
from gameroom.protocol.limits import MAX_DEPTH, MAX_INT
from gameroom.protocol.patch import escape

LONGEST_WORD = 64
"""Characters of an id, a command or a name that an error repeats at most."""

_INT64_DIGITS = 20
_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
}
"""Names of types in the decoder's messages, and in ours."""


def read_leniently(frame: str | bytes) -> FreeJson:
    """The frame's JSON, lone surrogates and integers of any size included; None if it is no JSON at all."""
    try:
        # Decoded here: json.loads would take bytes for UTF-16 too.
        text = frame if isinstance(frame, str) else frame.decode()
        return json.loads(text, parse_int=_read_integer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def is_word(value: object) -> TypeGuard[str]:
    """Whether an answer may repeat `value` as an id or a name."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_WORD:
        return False
    try:
        check_text(value)
    except NotFreeJson:
        return False
    return True


def explain(document: FreeJson, fault: Exception) -> GameroomError:
    """The error for a frame that holds `document` (None: no JSON) and that the decoder refused with `fault`."""
    if not isinstance(document, dict):
        return _not_an_object(document, fault)
    try:
        # One level more than free JSON has: it stands in a field of the command.
        check_free_json(document, MAX_DEPTH + 1)
    except NestedTooDeep as deep:
        return MalformedFrame(f"{deep.pointer} is {deep.detail}")
    except NotFreeJson as bad:
        return ValidationFailed.at(bad.pointer, bad.detail)
    return _wrong_command(document, fault)


def _read_integer(digits: str) -> int:
    # Python refuses to convert thousands of digits; all that counts is that the number is out of range.
    return int(digits) if len(digits) <= _INT64_DIGITS else MAX_INT + 1


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _not_an_object(document: FreeJson, fault: Exception) -> MalformedFrame:
    if isinstance(fault, RecursionError):
        return MalformedFrame(f"The frame is nested deeper than {MAX_DEPTH} levels")
    if isinstance(fault, UnicodeError):
        return MalformedFrame("The frame is not UTF-8")
    if document is not None or re.match("Expected `object`, got `[a-z]+`$", str(fault)):
        return MalformedFrame("A frame must be a JSON object")
    if isinstance(fault, ValidationError):
        return MalformedFrame(f"The frame is not JSON, or nested deeper than {MAX_DEPTH} levels")
    return MalformedFrame(f"The frame is not JSON: {_syntax_error(str(fault))}")


def _syntax_error(message: str) -> str:
    said = message.removeprefix("JSON is malformed: ")
    return said.replace("Input data was truncated", "it ends too early")


def _wrong_command(document: dict[str, FreeJson], fault: Exception) -> GameroomError:
    word = document.get("type")
    if not isinstance(word, str):
        return MalformedFrame("A command needs a `type` that is a string")
    if word not in COMMANDS:
        return UnknownCommand(word[:LONGEST_WORD], nearest_command(word))
    if not isinstance(fault, ValidationError):
        return MalformedFrame(f"The frame is not JSON: {_syntax_error(str(fault))}")
    return _wrong_field(COMMANDS[word], str(fault))


def nearest_command(word: str) -> str | None:
    """The command that a tester may have meant: a beginning of its name, or the most similar one."""
    guess = word[:LONGEST_WORD].upper()
    begun = [name for name in COMMANDS if guess and name.startswith(guess)]
    return begun[0] if begun else nearest(guess, COMMANDS)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The most similar of the known words, if any is similar."""
    return next(iter(get_close_matches(word[:LONGEST_WORD], known, n=1)), None)


# --- fields ---------------------------------------------------------------------------------------------------


def _wrong_field(command: type[Command], message: str) -> ValidationFailed:
    """From the decoder's message, such as ``Expected `int` >= 0 - at `$.resume.epoch` ``."""
    what, _, path = message.rpartition(" - at `$")
    if not what:
        what, path = message, ""
    steps = _steps(path)
    if named := re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", what, re.DOTALL):
        return _wrong_member(command, steps, named[1], named[2])
    return ValidationFailed.at(_pointer(steps), _expectation(command, steps, what))


def _steps(path: str) -> list[str]:
    """``.resume.epoch` `` to `["resume", "epoch"]`; ends where the decoder has lost the key (`[...]`)."""
    return re.findall(r"[.\[]([^.\[\]`]+)", path.partition("[...]")[0])


def _pointer(steps: list[str]) -> str:
    return "#" + "".join(f"/{escape(step)}" for step in steps)


def _wrong_member(command: type[Command], steps: list[str], verdict: str, name: str) -> ValidationFailed:
    pointer = _pointer([*steps, name])
    if verdict == "missing required":
        return ValidationFailed.at(pointer, "this field is missing")
    known = _fields(command, steps)
    guess = nearest(name, known)
    hint = f"did you mean {guess}?" if guess else f"known are {', '.join(sorted(known))}"
    return ValidationFailed.at(pointer, f"there is no such field; {hint}")


def _expectation(command: type[Command], steps: list[str], what: str) -> str:
    """`what` in words; for a wrong literal, the right ones."""
    allowed = [value for kind in _kinds(command, steps) for value in _literals(kind)]
    if what.startswith("Invalid enum value") and allowed:
        return f"must be one of {', '.join(allowed)}"
    said = re.sub(r"`([a-z |]+)`", lambda names: _in_words(names[1]), what)
    return said[:1].lower() + said[1:]


def _in_words(names: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in names.split(" | "))


def _fields(command: type[Command], steps: list[str]) -> list[str]:
    known = [f.encode_name for kind in _kinds(command, steps) for f in _members(kind)]
    return known if steps else ["type", *known]


def _kinds(command: type[Command], steps: list[str]) -> list[inspect.Type]:
    """The types that the value at `steps` may have."""
    kinds: list[inspect.Type] = [inspect.type_info(command)]
    for step in steps:
        fields = [field.type for kind in kinds for field in _members(kind) if field.encode_name == step]
        kinds = [option for kind in fields for option in _options(kind)]
    return kinds


def _options(kind: inspect.Type) -> Iterable[inspect.Type]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _members(kind: inspect.Type) -> Iterable[inspect.Field]:
    return kind.fields if isinstance(kind, inspect.StructType) else ()


def _literals(kind: inspect.Type) -> list[str]:
    return [str(value) for value in kind.values] if isinstance(kind, inspect.LiteralType) else []
