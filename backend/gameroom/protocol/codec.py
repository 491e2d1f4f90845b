"""Frames as bytes: commands in, answers out.

`decode_command` reads what comes in as JSON, `decode_packed` as MessagePack: the same commands, refused for the same
reasons. `frame_of`, `reply_frame` and `error_frame` make what goes out, `encode` parts of it; `input_of` gives a
command's content for its hash and the journal.
"""

from collections.abc import Iterator

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, inspect, json, msgpack, structs, to_builtins

from gameroom.errors import GameroomError
from gameroom.protocol.answers import Error, Reply
from gameroom.protocol.commands import COMMANDS, AnyCommand, Command, FreeJson, type_of
from gameroom.protocol.diagnosis import (
    JSON,
    MESSAGE_PACK,
    Notation,
    explain,
    is_word,
    read_leniently,
    read_packed_leniently,
)
from gameroom.protocol.frames import Frame
from gameroom.protocol.free_json import NotFreeJson, check_free_json
from gameroom.protocol.limits import MAX_FIELD_DEPTH, MAX_FRAME_DEPTH

__all__ = [
    "CommandRefused",
    "NotFreeJson",
    "check_free_json",
    "decode_command",
    "decode_packed",
    "encode",
    "error_frame",
    "frame_of",
    "input_of",
    "reply_frame",
]


class CommandRefused(Exception):
    """A frame is no command. `error` says why; `id`, `command` and `room_id` are as sent, where they can be read.

    `command` is the frame's `type`, known or not. Each has 1 to 64 characters, or is None: an answer may repeat it.
    """

    def __init__(self, error: GameroomError, head: dict[str, str]) -> None:
        super().__init__(error.message)
        self.error = error
        self.id = head.get("id")
        self.command = head.get("type")
        self.room_id = head.get("room_id")


# --- in -------------------------------------------------------------------------------------------------------


def decode_command(frame: str | bytes) -> AnyCommand:
    """The command in a frame, valid in all its parts.

    Raises `CommandRefused` with `MalformedFrame`, `UnknownCommand` or `ValidationFailed`, and nothing else,
    whatever the frame.
    """
    try:
        text = frame if isinstance(frame, str) else frame.decode()
        return _checked(_decoder.decode(text), suspicious="\\u0000" in text)
    except _FAULTS as fault:
        raise _refusal(read_leniently(frame), fault, JSON) from None


def decode_packed(frame: bytes) -> AnyCommand:
    """The same for a frame in MessagePack."""
    try:
        return _checked(_packed_decoder.decode(frame), suspicious=b"\0" in frame)
    except _FAULTS as fault:
        raise _refusal(read_packed_leniently(frame), fault, MESSAGE_PACK) from None


def _checked(command: AnyCommand, *, suspicious: bool) -> AnyCommand:
    """Looks for what the types let pass. `suspicious`: U+0000 may stand in one of the strings.

    Lone surrogates, and NaN in JSON, are refused by the decoders themselves.
    """
    for name in _FREE_FIELDS[type(command)]:
        value = getattr(command, name)
        if value is not UNSET:
            check_free_json(value, MAX_FIELD_DEPTH)
    # After that, for of what only MessagePack has `to_builtins` would make strings.
    if suspicious or type(command) in _UNBOUNDED:
        check_free_json(to_builtins(command), MAX_FRAME_DEPTH)
    return command


def _refusal(document: FreeJson, fault: Exception, notation: Notation) -> CommandRefused:
    fields = document if isinstance(document, dict) else {}
    head = {name: fields[name] for name in ("id", "type", "room_id") if is_word(fields.get(name))}
    return CommandRefused(explain(document, fault, notation), head)


def _parts(kind: inspect.Type) -> Iterator[inspect.Type]:
    """A type and all types inside it."""
    yield kind
    inner: tuple[inspect.Type, ...] = ()
    if isinstance(kind, inspect.UnionType):
        inner = kind.types
    elif isinstance(kind, inspect.StructType):
        inner = tuple(field.type for field in kind.fields)
    elif isinstance(kind, inspect.DictType):
        inner = (kind.key_type, kind.value_type)
    elif isinstance(kind, inspect.CollectionType):
        inner = (kind.item_type,)
    for part in inner:
        yield from _parts(part)


def _free_fields(command: type[Command]) -> tuple[str, ...]:
    """The fields that hold free JSON, each in an object of named values."""
    kinds = {field.name: _parts(inspect.type_info(field.type)) for field in structs.fields(command)}
    return tuple(name for name in kinds if any(isinstance(kind, inspect.AnyType) for kind in kinds[name]))


def _is_unbounded(command: type[Command]) -> bool:
    """Whether an integer of the command may be of any size, as far as its type says."""
    kinds = _parts(inspect.type_info(command))
    return any(isinstance(kind, inspect.IntType) and kind.le is None and kind.lt is None for kind in kinds)


_FAULTS = (DecodeError, UnicodeError, RecursionError, NotFreeJson)
"""How a decoder says no; by RecursionError to a frame that is nested a thousand levels deep."""

_decoder: json.Decoder[AnyCommand] = json.Decoder(AnyCommand)
_packed_decoder: msgpack.Decoder[AnyCommand] = msgpack.Decoder(AnyCommand)
_FREE_FIELDS = {command: _free_fields(command) for command in COMMANDS.values()}
_UNBOUNDED = frozenset(command for command in COMMANDS.values() if _is_unbounded(command))


# --- out ------------------------------------------------------------------------------------------------------

_encoder = json.Encoder()
_canonical = json.Encoder(order="sorted")


def encode(frame: Struct | FreeJson) -> bytes:
    """A frame as JSON, or a part of one. Fields of type `Raw` are taken as they are."""
    return _encoder.encode(frame)


def frame_of(message: Struct) -> Frame:
    """A frame for a client."""
    return Frame(_encoder.encode(message))


def reply_frame(
    command: Command,
    data: bytes,
    *,
    room_id: str | UnsetType = UNSET,
    position: tuple[int, int] | UnsetType = UNSET,
    repeated: bool = False,
) -> Frame:
    """The REPLY to a command that was done: `data` is encoded already, `position` is `(epoch, seq)`."""
    epoch, seq = (UNSET, UNSET) if position is UNSET else position
    return frame_of(
        Reply(
            id=command.id,
            command=type_of(command),
            room_id=room_id,
            epoch=epoch,
            seq=seq,
            repeated=repeated or UNSET,
            data=Raw(data),
        )
    )


def error_frame(
    error: GameroomError,
    *,
    id: str | None = None,
    command: str | None = None,
    room_id: str | None = None,
) -> Frame:
    """The ERROR for a command, or, without `command`, for the connection."""
    return frame_of(
        Error(
            id=id,
            command=command or UNSET,
            room_id=room_id or UNSET,
            code=error.code,
            message=error.message,
            params=UNSET if error.params is None else error.params,
            errors=error.errors or UNSET,
            retryable=error.retryable,
            retry_after_ms=UNSET if error.retry_after_ms is None else error.retry_after_ms,
        )
    )


def input_of(command: Command) -> bytes:
    """The canonical content of a command, without `id` and `ack`: equal content gives equal bytes.

    The order of keys and fields left out at their default make no difference.
    """
    content = to_builtins(command)
    del content["id"], content["ack"]
    return _canonical.encode(content)
