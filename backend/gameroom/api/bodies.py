"""Bodies of requests as Structs: bounded before they are read, and what is wrong told with a pointer."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.requests import Request

from gameroom.errors import FieldError, MessageTooBig, ValidationFailed
from gameroom.protocol.diagnosis import read_leniently
from gameroom.protocol.free_json import NotFreeJson, check_free_json
from gameroom.protocol.limits import MAX_FRAME_DEPTH
from gameroom.protocol.sentences import wrong_field

T = TypeVar("T", bound=Struct)

MAX_BYTES = 64 * 1024
DEADLINE_S = 30.0
"""How long a body may take to arrive."""

MAX_FORM_FIELDS = 50


class BodyTooSlow(ValidationFailed):
    """The rest of the body may still come, and would be read as another request: the connection must close."""

    def __init__(self) -> None:
        detail = f"the body did not come within {DEADLINE_S:g} s"
        super().__init__(f"#: {detail}", errors=(FieldError("#", detail),))


def json_body(shape: type[T]) -> Callable[[Request], Awaitable[T]]:
    """A dependency that reads the body as `shape`, of calls for which nobody needs to be signed in.

    Raises `MessageTooBig`, and `ValidationFailed` for everything that is not as `shape` says.
    """
    decode = json_decoder(shape)

    async def read(request: Request) -> T:
        return decode(await read_bounded(request))

    return read


def json_decoder(shape: type[T]) -> Callable[[bytes], T]:
    """Makes the bytes of a body a `shape`. Raises `ValidationFailed`."""
    return partial(decode, msgspec.json.Decoder(shape))


async def form_body(request: Request, shape: type[T]) -> T:
    """The body as an urlencoded form. Fields that `shape` does not have are ignored. Raises as `json_body`."""
    fields = decode_form(await read_bounded(request))
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as fault:
        raise wrong_field(shape, fault) from None


async def read_bounded(request: Request) -> bytes:
    """The whole body. Raises `MessageTooBig` as soon as it is known to be, `BodyTooSlow` when it does not come."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > MAX_BYTES:
        raise MessageTooBig(MAX_BYTES)
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await read_up_to(MAX_BYTES, request)
    except TimeoutError:
        raise BodyTooSlow from None


async def read_up_to(limit: int, request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise MessageTooBig(limit)
    return bytes(body)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        value = decoder.decode(body)
        check_free_json(msgspec.to_builtins(value), MAX_FRAME_DEPTH)  # what the types let pass
    except NotFreeJson as fault:
        raise ValidationFailed.at(fault.pointer, fault.detail) from None
    except msgspec.ValidationError as fault:
        raise wrong_field(decoder.type, fault) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise unreadable(body, fault) from None
    return value


def decode_form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:
        raise ValidationFailed.at("#", "the body is no urlencoded UTF-8 form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValidationFailed.at("#", "a field may be given once only")
    try:
        check_free_json(fields)
    except NotFreeJson as fault:
        raise ValidationFailed.at(fault.pointer, fault.detail) from None
    return fields


# --- what is wrong --------------------------------------------------------------------------------------------


def unreadable(body: bytes, fault: Exception) -> ValidationFailed:
    """A body that the decoder gave up on: no JSON, or JSON with strings that cannot be carried."""
    if isinstance(fault, RecursionError):
        return ValidationFailed.at("#", "the body is nested too deep")
    try:
        check_free_json(read_leniently(body.decode()))
    except NotFreeJson as bad:
        return ValidationFailed.at(bad.pointer, bad.detail)
    except UnicodeDecodeError:
        return ValidationFailed.at("#", "the body is not UTF-8")
    return ValidationFailed.at("#", f"the body is not JSON: {fault}")
