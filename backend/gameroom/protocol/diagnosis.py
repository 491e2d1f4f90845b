"""Why a frame is no command, told so that somebody who types it by hand can mend it.

The fast decoder stops at its first error and loses the keys of objects. So a frame that it refused is read once
more, leniently: that finds what is wrong where, and the `id` to answer to.
"""

import json
import re
from typing import TypeGuard

from msgspec import DecodeError, Struct, ValidationError, msgpack

from gameroom.errors import GameroomError, MalformedFrame, UnknownCommand, ValidationFailed
from gameroom.protocol.commands import COMMANDS, FreeJson
from gameroom.protocol.free_json import NestedTooDeep, NotFreeJson, check_free_json, check_text
from gameroom.protocol.limits import MAX_DEPTH, MAX_FRAME_DEPTH, MAX_INT
from gameroom.protocol.sentences import LONGEST_WORD, nearest, wrong_field

_INT64_DIGITS = 20


class Notation(Struct, frozen=True):
    """An encoding, as sentences about a frame call it."""

    name: str
    an_object: str


JSON = Notation("JSON", "a JSON object")
MESSAGE_PACK = Notation("MessagePack", "a MessagePack map")


def read_leniently(frame: str | bytes) -> FreeJson:
    """The frame's JSON, lone surrogates and integers of any size included; None if it is no JSON at all."""
    try:
        # Decoded here: json.loads would take bytes for UTF-16 too.
        text = frame if isinstance(frame, str) else frame.decode()
        return json.loads(text, parse_int=_read_integer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def read_packed_leniently(frame: bytes) -> FreeJson:
    """The frame's MessagePack, binary data, extensions and keys of any type included; None if it is none at all."""
    try:
        return msgpack.decode(frame)
    except (DecodeError, UnicodeError, RecursionError):
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


def explain(document: FreeJson, fault: Exception, notation: Notation) -> GameroomError:
    """The error for a frame that the decoder refused with `fault`.

    `document` is what can be read of it all the same; None: nothing.
    """
    if not isinstance(document, dict):
        return _not_an_object(document, fault, notation)
    try:
        check_free_json(document, MAX_FRAME_DEPTH)
    except NestedTooDeep as deep:
        return MalformedFrame(f"{deep.pointer} is {deep.detail}")
    except NotFreeJson as bad:
        if isinstance(document.get("type"), str):
            return ValidationFailed.at(bad.pointer, bad.detail)
    return _wrong_command(document, fault, notation)


def _read_integer(digits: str) -> int:
    # Python refuses to convert thousands of digits; all that counts is that the number is out of range.
    return int(digits) if len(digits) <= _INT64_DIGITS else MAX_INT + 1


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _not_an_object(document: FreeJson, fault: Exception, notation: Notation) -> MalformedFrame:
    if isinstance(fault, RecursionError):
        return MalformedFrame(f"The frame is nested deeper than {MAX_DEPTH} levels")
    if isinstance(fault, UnicodeError):
        return MalformedFrame("The frame is not UTF-8")
    if document is not None or re.match("Expected `object`, got `[A-Za-z]+`$", str(fault)):
        return MalformedFrame(f"A frame must be {notation.an_object}")
    if isinstance(fault, ValidationError):
        return MalformedFrame(f"The frame is not {notation.name}, or nested deeper than {MAX_DEPTH} levels")
    return _unreadable(fault, notation)


def _unreadable(fault: Exception, notation: Notation) -> MalformedFrame:
    said = str(fault).removeprefix(f"{notation.name} is malformed: ")
    said = said.replace("Input data was truncated", "it ends too early").replace("hashable", "strings")
    return MalformedFrame(f"The frame is not {notation.name}: {said}")


def _wrong_command(document: dict[str, FreeJson], fault: Exception, notation: Notation) -> GameroomError:
    word = document.get("type")
    if not isinstance(word, str):
        return MalformedFrame("A command needs a `type` that is a string")
    if word not in COMMANDS:
        return UnknownCommand(word[:LONGEST_WORD], nearest_command(word))
    if not isinstance(fault, ValidationError):
        return _unreadable(fault, notation)
    return wrong_field(COMMANDS[word], fault)


def nearest_command(word: str) -> str | None:
    """The command that a tester may have meant: a beginning of its name, or the most similar one."""
    guess = word[:LONGEST_WORD].upper()
    begun = [name for name in COMMANDS if guess and name.startswith(guess)]
    return begun[0] if begun else nearest(guess, COMMANDS)
