"""Rooms over REST at a desk: what the rooms are asked, and what becomes of answers that do not come."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from gameroom.api.cursors import cursor_of, place_of
from gameroom.api.front_door import front_door
from gameroom.api.limits import RoomLimitPolicy, RoomLimits
from gameroom.api.rooms import RoomCalls, rooms_router
from gameroom.errors import RateLimited, RoomFull, Unauthenticated, ValidationFailed
from gameroom.identity.access import Principal
from gameroom.protocol.commands import CreateRoom
from gameroom.rooms.asking import Undecided, outcome_of
from gameroom.rooms.directory import Place
from gameroom.rooms.reception import Reception
from gameroom.rooms.rest_commands import InspectRoom
from gameroom.rooms.room_passwords import RoomPasswords
from gameroom.rooms.rooms import Answer, Card, Request, Sender
from tests.kit.documents import check_exchange
from tests.unit.gateway.fakes import (
    GAMES,
    FakeAccess,
    FakeClock,
    Pending,
    ScriptedDirectory,
    ScriptedRooms,
    principal,
)

PASSWORDS = RoomPasswords(b"key of the tests")


class Door(FakeAccess):
    """What a token says is the token itself."""

    def claims_of(self, access_token: str) -> str:
        if access_token not in self.tokens:
            raise Unauthenticated("The token is not valid")
        return access_token

    async def bearer_of(self, claims: str) -> Principal:
        return await self.authenticate(claims)


@dataclass
class Desk:
    """The calls over scripted rooms. `client` calls as Ann."""

    deadline_s: float = 5.0
    limits: RoomLimitPolicy = field(default_factory=RoomLimitPolicy)
    rooms: ScriptedRooms = field(default_factory=ScriptedRooms)
    access: Door = field(default_factory=Door)

    def __post_init__(self) -> None:
        self.access.tokens["token"] = principal(FakeClock())
        app = front_door("1.2.3")
        calls = RoomCalls(
            self.access,  # type: ignore[arg-type]
            Reception(self.rooms, ScriptedDirectory(), GAMES, PASSWORDS),
            RoomLimits(self.limits),
            self.deadline_s,
        )
        app.include_router(rooms_router(calls))
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app),
            base_url="http://desk/api/v1",
            headers={"Authorization": "Bearer token"},
        )

    async def call(self, method: str, path: str = "", **options: Any) -> httpx2.Response:
        answer = await self.client.request(method, f"/game-room-groups{path}", **options)
        check_exchange(answer)
        return answer


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.client.aclose()


async def asked(desk: Desk, method: str, path: str = "", **options: Any) -> Pending:
    """What the rooms are asked for a call, which is then refused."""
    call = asyncio.create_task(desk.call(method, path, **options))
    pending = await desk.rooms.next()
    pending.refuse(RoomFull("full"))
    assert (await call).status_code == 409
    return pending


async def test_a_new_room_is_asked_for_in_the_words_of_create_its_password_sealed(desk: Desk) -> None:
    body = {"game": "relay", "password": "sesame", "metadata": {"a": 1}}
    request = (await asked(desk, "POST", json=body, headers={"Idempotency-Key": "k" * 16})).request
    create = CreateRoom(id="k" * 16, game="relay", password="sesame", metadata={"a": 1})
    assert request.command == PASSWORDS.seal(create)
    assert isinstance(request.command, CreateRoom)
    assert "sesame" not in str(request.command.password)
    assert (request.sender.user_id, request.sender.connection_id) == ("ann", None)


async def test_who_is_no_user_learns_that_before_anything_else(desk: Desk) -> None:
    answer = await desk.call("POST", content=b"nonsense", headers={"Authorization": "Bearer other"})
    assert answer.status_code == 401
    assert desk.rooms.asked_nothing


async def test_who_is_signed_out_while_the_body_comes_makes_no_room(desk: Desk) -> None:
    async def dribbling() -> AsyncIterator[bytes]:
        yield b'{"game": '
        desk.access.tokens["token"] = Unauthenticated("This sign-in has ended")
        yield b'"relay"}'

    answer = await desk.call("POST", content=dribbling())
    assert (answer.status_code, answer.json()["detail"]) == (401, "This sign-in has ended")
    assert desk.rooms.asked_nothing


async def test_an_outcome_that_does_not_come_claims_nothing() -> None:
    desk = Desk(deadline_s=0.01)
    answer = await desk.call("GET", "/r")
    assert (answer.status_code, answer.content) == (504, b"")
    assert "x-request-id" in answer.headers
    (await desk.rooms.next()).answer(1)  # too late: of no concern to anybody
    await desk.client.aclose()


async def test_too_many_questions_are_limited() -> None:
    desk = Desk(limits=RoomLimitPolicy(asked=2))
    await asked(desk, "POST", json={"game": "relay"})
    assert (await desk.call("GET")).status_code == 200
    refused = await desk.call("DELETE", "/r")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1
    await desk.client.aclose()


def test_the_limits_of_one_user_are_not_anothers() -> None:
    limits = RoomLimits(RoomLimitPolicy(asked=1))
    limits.asking("ann")
    limits.asking("ben")
    with pytest.raises(RateLimited):
        limits.asking("ann")


# --- waiting for a room ---------------------------------------------------------------------------------------

REQUEST = Request(
    room_id="r",
    sender=Sender(user_id="ann", card=Card("Ann", None)),
    command=InspectRoom(room_id="r"),
)


async def test_a_refusal_that_the_room_keeps_holds_no_traceback_of_ours() -> None:
    rooms, kept = ScriptedRooms(), RoomFull("full")
    rooms.at_once = lambda _: kept
    with pytest.raises(RoomFull) as raised:
        await outcome_of(rooms, REQUEST, 1.0)
    assert raised.value is not kept
    assert kept.__traceback__ is None


async def test_an_answer_is_awaited() -> None:
    rooms = ScriptedRooms()
    waiting = asyncio.create_task(outcome_of(rooms, REQUEST, 5.0))
    (await rooms.next()).answer(7)
    assert await waiting == Answer(room_id="r", epoch=0, seq=7, data=b"{}")


async def test_an_outcome_in_doubt_is_not_guessed() -> None:
    with pytest.raises(Undecided):
        await outcome_of(ScriptedRooms(), REQUEST, 0.01)


# --- cursors --------------------------------------------------------------------------------------------------

PLACE = Place("2026-11-24T00:00:00.000Z", "01a20c94-c55d-744c-a60b-1d82b6d69a35")


def test_a_cursor_names_its_place() -> None:
    cursor = cursor_of(PLACE)
    assert place_of(cursor) == PLACE
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "A",
        "nonsense",
        "ü",
        cursor_of(PLACE)[:-4],
        cursor_of(replace(PLACE, room_id="a\0b")),
        cursor_of(replace(PLACE, created_at="yesterday")),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        place_of(cursor)
    assert [error.pointer for error in refused.value.errors] == ["#/cursor"]
