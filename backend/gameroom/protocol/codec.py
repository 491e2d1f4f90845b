"""Frames as bytes: commands in, answers out. JSON here; another encoding has functions of the same shape.

`decode_command` reads what comes in; `encode`, `reply_frame` and `error_frame` make what goes out; `input_of`
gives a command's content for its hash and the journal.
"""

from collections.abc import Iterator

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, inspect, json, structs, to_builtins

from gameroom.errors import GameroomError
from gameroom.protocol.answers import Error, Reply
from gameroom.protocol.commands import COMMANDS, AnyCommand, Command, FreeJson, type_of
from gameroom.protocol.diagnosis import explain, is_word, read_leniently
from gameroom.protocol.free_json import NotFreeJson, check_free_json
from gameroom.protocol.limits import MAX_FIELD_DEPTH, MAX_FRAME_DEPTH

__all__ = [
    "CommandRefused",
    "NotFreeJson",
    "check_free_json",
    "decode_command",
    "encode",
    "error_frame",
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
        command = _decoder.decode(text)
        # What the types let pass. The decoder itself refuses NaN and lone surrogates.
        if "\\u0000" in text or type(command) in _UNBOUNDED:
            check_free_json(to_builtins(command), MAX_FRAME_DEPTH)
        for name in _FREE_FIELDS[type(command)]:
            value = getattr(command, name)
            if value is not UNSET:
                check_free_json(value, MAX_FIELD_DEPTH)
    # RecursionError is the decoder's answer to a frame that is nested a thousand levels deep.
    except (DecodeError, UnicodeError, RecursionError, NotFreeJson) as fault:
        raise _refusal(frame, fault) from None
    return command


def _refusal(frame: str | bytes, fault: Exception) -> CommandRefused:
    document = read_leniently(frame)
    fields = document if isinstance(document, dict) else {}
    head = {name: fields[name] for name in ("id", "type", "room_id") if is_word(fields.get(name))}
    return CommandRefused(explain(document, fault), head)


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


_decoder: json.Decoder[AnyCommand] = json.Decoder(AnyCommand)
_FREE_FIELDS = {command: _free_fields(command) for command in COMMANDS.values()}
_UNBOUNDED = frozenset(command for command in COMMANDS.values() if _is_unbounded(command))


# --- out ------------------------------------------------------------------------------------------------------

_encoder = json.Encoder()
_canonical = json.Encoder(order="sorted")


def encode(frame: Struct | FreeJson) -> bytes:
    """A frame for a client, or a part of one. Fields of type `Raw` are taken as they are."""
    return _encoder.encode(frame)


def reply_frame(
    command: Command,
    data: bytes,
    *,
    room_id: str | UnsetType = UNSET,
    position: tuple[int, int] | UnsetType = UNSET,
    repeated: bool = False,
) -> bytes:
    """The REPLY to a command that was done: `data` is encoded already, `position` is `(epoch, seq)`."""
    epoch, seq = (UNSET, UNSET) if position is UNSET else position
    return _encoder.encode(
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
) -> bytes:
    """The ERROR for a command, or, without `command`, for the connection."""
    return _encoder.encode(
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
