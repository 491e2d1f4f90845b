"""Every field of every JSON body, out of range by one and of every wrong kind: the status, the code and the pointer."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.integration.front_door import House, open_house
from tests.kit.api import Account, bearer

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("bodies")) as house:
        yield house


@dataclass(frozen=True)
class Text:
    """A string field: a string within its bounds is accepted, one character beyond them is not."""

    shortest: int = 0
    longest: int | None = None
    start: str = ""
    """What a right value begins with; it goes on with `x`, as long as it must."""

    nullable: bool = False

    def of(self, length: int) -> str:
        return self.start[:length] + "x" * (length - len(self.start))


@dataclass(frozen=True)
class Call:
    """A call with a body. `right` is a body that is accepted; `NAME` in it is replaced by a fresh name."""

    method: str
    path: str
    right: dict[str, Any]
    texts: dict[str, Text]
    required: tuple[str, ...]
    caller: str = "nobody"
    unchecked: frozenset[str] = field(default_factory=frozenset)
    """Fields whose value is judged by more than its form."""


NAME_FIELD = Text(3, 32)
PASSWORD_FIELD = Text(8, 256)
DISPLAY_NAME = Text(1, 50, nullable=True)

CALLS: dict[str, Call] = {
    "register": Call(
        "POST",
        "/auth/register",
        {"username": "NAME", "password": PASSWORD, "display_name": "Ada"},
        {"username": NAME_FIELD, "password": PASSWORD_FIELD, "display_name": DISPLAY_NAME},
        ("username", "password"),
    ),
    "guest": Call(
        "POST",
        "/auth/guest",
        {"device_id": "NAME", "display_name": "Gus"},
        {"device_id": Text(16, 128, nullable=True), "display_name": DISPLAY_NAME},
        (),
    ),
    "refresh": Call(
        "POST",
        "/auth/refresh",
        {"refresh_token": "REFRESH"},
        {"refresh_token": Text()},
        ("refresh_token",),
        unchecked=frozenset({"refresh_token"}),
    ),
    "logout": Call(
        "POST",
        "/auth/logout",
        {"refresh_token": "any"},
        {"refresh_token": Text()},
        ("refresh_token",),
    ),
    "profile": Call(
        "PATCH",
        "/users/me",
        {"display_name": "Ada", "avatar_url": "https://example.org/a.png", "metadata": {"a": 1}},
        {
            "display_name": Text(1, 50),
            "avatar_url": Text(9, 512, start="https://", nullable=True),
        },
        (),
        caller="guest",
    ),
    "password": Call(
        "POST",
        "/users/me/password",
        {"current_password": PASSWORD, "new_password": "another horse"},
        {"current_password": Text(), "new_password": PASSWORD_FIELD},
        ("current_password", "new_password"),
        caller="full",
        unchecked=frozenset({"current_password"}),
    ),
    "upgrade": Call(
        "POST",
        "/users/me/upgrade",
        {"username": "NAME", "password": PASSWORD},
        {"username": NAME_FIELD, "password": PASSWORD_FIELD},
        ("username", "password"),
        caller="guest",
    ),
}

each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def texts() -> Iterator[Any]:
    """(call, field, its bounds)"""
    for name, call in CALLS.items():
        for field_name, text in call.texts.items():
            yield pytest.param(call, field_name, text, id=f"{name}-{field_name}")


each_text = pytest.mark.parametrize(("call", "name", "text"), list(texts()))


async def caller(house: House, call: Call) -> Account:
    if call.caller == "full":
        return await house.api.register(f"user-{uuid4().hex[:12]}", PASSWORD)
    return await house.api.guest("Gus")


async def sent(house: House, call: Call, content: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """The status, and the body of the answer."""
    account = await caller(house, call)
    content = content.replace(b"NAME", uuid4().hex[:32].encode())
    content = content.replace(b"REFRESH", account.refresh_token.encode())
    credential = {} if call.caller == "nobody" else bearer(account.access_token)
    answer = await house.api.request(
        call.method, f"/api/v1{call.path}", content=content, headers={**credential, **headers}
    )
    return answer.status_code, answer.json() if answer.content else {}


async def assert_refused(house: House, call: Call, content: bytes, pointer: str) -> str:
    """The sentence."""
    status, body = await sent(house, call, content)
    assert (status, body["code"]) == (422, "validation_failed"), content[:100]
    [error] = body["errors"]
    assert error["pointer"] == pointer
    assert body["detail"] == f"{pointer}: {error['detail']}"
    return str(error["detail"])


async def assert_accepted(house: House, call: Call, content: bytes, **headers: str) -> None:
    status, body = await sent(house, call, content, **headers)
    assert status in (200, 201, 204), body


def with_field(call: Call, name: str, value: object) -> bytes:
    return json.dumps({**call.right, name: value}).encode()


def with_raw(call: Call, name: str, value: bytes) -> bytes:
    """The right body with this JSON in the place of a field."""
    return with_field(call, name, "HERE").replace(b'"HERE"', value)


# --- bounds ---------------------------------------------------------------------------------------------------


@each_call
async def test_the_right_body_is_accepted_whatever_it_is_called(house: House, call: Call) -> None:
    for kind in ("application/json", "text/plain"):
        await assert_accepted(house, call, json.dumps(call.right).encode(), **{"Content-Type": kind})


@each_text
async def test_a_text_is_accepted_up_to_its_bounds(house: House, call: Call, name: str, text: Text) -> None:
    if text.longest is None:
        return
    for length in {text.shortest, text.shortest + 1, text.longest - 1, text.longest}:
        # Names and devices are unique: what is not short begins with what nobody else has.
        value = text.of(length)
        unique = uuid4().hex[:length] + value[32:] if name in ("username", "device_id") else value
        await assert_accepted(house, call, with_field(call, name, unique[:length]))
    for length in (text.shortest - 1, text.longest + 1):
        await assert_refused(house, call, with_field(call, name, text.of(length)), f"#/{name}")


async def test_a_text_is_measured_in_characters(house: House) -> None:
    for name, text in (("display_name", "ä" * 50), ("display_name", "👋" * 50)):
        await assert_accepted(house, CALLS["profile"], with_field(CALLS["profile"], name, text))
    await assert_accepted(house, CALLS["register"], with_field(CALLS["register"], "password", "ü" * 8))
    over = with_field(CALLS["profile"], "display_name", "👋" * 51)
    await assert_refused(house, CALLS["profile"], over, "#/display_name")


# --- kinds ----------------------------------------------------------------------------------------------------

WRONG_KINDS = [b"1", b"1.5", b"true", b"[]", b"{}", b'["a"]', b"1" * 40, b"1" * 5000, b"-0.0", b"[" * 3000]
BAD_TEXTS = [rb'"aaaaaaaaaaaaaaaaaa\u0000"', rb'"aaaaaaaaaaaaaaaaaa\ud800"']
NO_JSON = [b"NaN", b"Infinity", b"'x'", b"x", b'"' + b"a" * 20 + b'\xff"', b'"' + b"a" * 20 + b'\x00"']


@each_text
async def test_a_text_is_nothing_else(house: House, call: Call, name: str, text: Text) -> None:
    for value in (*WRONG_KINDS, *BAD_TEXTS):
        await assert_refused(house, call, with_raw(call, name, value), f"#/{name}")
    for value in NO_JSON:
        await assert_refused(house, call, with_raw(call, name, value), "#")


@each_text
async def test_null_is_nothing_or_refused(house: House, call: Call, name: str, text: Text) -> None:
    if text.nullable:
        await assert_accepted(house, call, with_field(call, name, None))
    else:
        await assert_refused(house, call, with_field(call, name, None), f"#/{name}")


@each_call
async def test_what_is_required_is_missed_and_the_rest_is_not(house: House, call: Call) -> None:
    for name in call.right:
        body = json.dumps({key: value for key, value in call.right.items() if key != name}).encode()
        if name in call.required:
            assert await assert_refused(house, call, body, f"#/{name}") == "this field is missing"
        else:
            await assert_accepted(house, call, body)


@each_call
async def test_an_unknown_field_is_refused_with_the_nearest_name(house: House, call: Call) -> None:
    for name in call.right:
        nearly = name.replace("_", "") if "_" in name else name + "s"
        told = await assert_refused(house, call, with_field(call, nearly, "x"), f"#/{nearly}")
        assert told == f"there is no such field; did you mean {name}?"
    told = await assert_refused(house, call, with_field(call, "zzz", 1), "#/zzz")
    assert told.startswith("there is no such field; known are ")


@each_call
@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"[]", b'[{"username": "a"}]', b"null", b"1", b'"x"', b"{", b"\xff", b"[" * 60_000],
    ids=lambda content: ascii(content)[:12],
)
async def test_a_body_is_one_json_object(house: House, call: Call, content: bytes) -> None:
    await assert_refused(house, call, content, "#")


@each_call
async def test_a_body_is_bounded(house: House, call: Call) -> None:
    status, body = await sent(house, call, b" " * 65_537)
    assert (status, body["code"], body["params"]) == (413, "message_too_big", {"limit": 65_536})


# --- what shows nothing, and what is no picture ---------------------------------------------------------------


@pytest.mark.parametrize("call", [CALLS["register"], CALLS["guest"], CALLS["profile"]], ids=lambda c: c.path)
@pytest.mark.parametrize("name", [" ", "\u200b", "\u3164\u2800", "\u0301"], ids=ascii)
async def test_a_display_name_shows_something(house: House, call: Call, name: str) -> None:
    told = await assert_refused(house, call, with_field(call, "display_name", name), "#/display_name")
    assert told == "a name needs at least one character that can be seen"


@pytest.mark.parametrize("call", [CALLS["register"], CALLS["guest"], CALLS["profile"]], ids=lambda c: c.path)
async def test_a_display_name_has_no_control_characters(house: House, call: Call) -> None:
    told = await assert_refused(house, call, with_field(call, "display_name", "Ada\x1b[2J"), "#/display_name")
    assert told == "a name has no control characters, such as tabs and line breaks"


@pytest.mark.parametrize(
    "url", ["ada.png", 'https://e.org/"', "javascript:alert(1)", "https://a:b@example.org/", "https://ä.de/"]
)
async def test_a_picture_has_a_web_url(house: House, url: str) -> None:
    call = CALLS["profile"]
    assert "https://" in await assert_refused(
        house, call, with_field(call, "avatar_url", url), "#/avatar_url"
    )


# --- metadata -------------------------------------------------------------------------------------------------

LONGEST = 2048 - len('{"a":""}')


@pytest.mark.parametrize(
    "metadata",
    [
        b"{}",
        b'{"a": "' + b"x" * LONGEST + b'"}',
        b'{"": null, "b": [1.5, -9223372036854775808, 9223372036854775807, true, {"c": "\xc3\xa4"}]}',
        b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"a": "' + b"\\u0041" * LONGEST + b'"}',
    ],
    ids=["empty", "longest", "all-kinds", "deepest", "escapes-count-once"],
)
async def test_metadata_is_free(house: House, metadata: bytes) -> None:
    call = CALLS["profile"]
    status, body = await sent(house, call, with_raw(call, "metadata", metadata))
    assert (status, body["metadata"]) == (200, json.loads(metadata))


@pytest.mark.parametrize(
    ("metadata", "pointer"),
    [
        (b'{"a": "' + b"x" * (LONGEST + 1) + b'"}', "#/metadata"),
        (b'{"a": "' + b"\xc3\xa4" * (LONGEST // 2 + 1) + b'"}', "#/metadata"),
        (b"[]", "#/metadata"),
        (b'"x"', "#/metadata"),
        (b"null", "#/metadata"),
        (b'{"a": 9223372036854775808}', "#/metadata/a"),
        (b'{"a": {"b": [1, -9223372036854775809]}}', "#/metadata/a/b/1"),
        (b'{"a": ["\\u0000"]}', "#/metadata/a/0"),
        (b'{"a": ["\\udc00"]}', "#/metadata/a/0"),
        (b'{"a\\u0000": 1}', "#/metadata"),
        (b'{"a/b": {"c~d": "\\u0000"}}', "#/metadata/a~1b/c~0d"),
        (b'{"a": NaN}', "#"),
        (b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}", "#/metadata/a" + "/0" * 64),
        (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", "#/metadata/a" + "/0" * 64),
        (b'{"a": ' + b"[" * 30_000, "#"),
    ],
    ids=lambda value: ascii(value)[:30],
)
async def test_metadata_is_held_to_what_every_client_can_hold(
    house: House, metadata: bytes, pointer: str
) -> None:
    call = CALLS["profile"]
    await assert_refused(house, call, with_raw(call, "metadata", metadata), pointer)


async def test_a_number_beyond_every_float_is_refused(house: House) -> None:
    call = CALLS["profile"]
    status, body = await sent(house, call, with_raw(call, "metadata", b'{"a": 1e400}'))
    assert (status, body["code"]) == (422, "validation_failed")
    assert body["errors"][0]["pointer"].startswith("#/metadata")
