"""Refusals at the doors: handshakes, by HTTP status and by frame, and calls of REST."""

from dataclasses import dataclass, field
from typing import Any

from tests.kit.api import bearer
from tests.kit.encoding import Encoding
from tests.kit.people import room_path
from tests.kit.player import Player
from tests.kit.wire import CODES, RETRYABLE, Json, Refused
from tests.refusals.row import Expected, check_refusal, no, short, wrong
from tests.refusals.scenes import (
    ROOMS_PER_USER,
    Scene,
    Stage,
    accounts,
    banned,
    closed,
    closed_privately,
    faulty,
    in_many_rooms,
    locked,
    nowhere,
    overseen,
    private,
    waiting,
    with_history,
    with_password,
)

# --- handshakes -----------------------------------------------------------------------------------------------

CLOSE_OF = {401: 4500, 404: 4504, 410: 4505, 429: 4005, 503: 4004}
"""What `errors=frame` closes with, by the HTTP status; all others 4509."""


@dataclass(frozen=True)
class Handshake:
    """In this scene, this part (None: a bad token) asks for a socket, as a rule for the room of the scene."""

    scene: Scene
    who: str | None
    expected: Expected
    query: str = ""
    room: str = "$room"
    headers: dict[str, str] = field(default_factory=dict)
    subprotocols: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.query or self.room} by {self.who}, {self.scene.__name__}: {self.expected.code}"

    @property
    def status(self) -> int:
        status = CODES[self.expected.code]
        assert status is not None
        return status


def handshake(scene: Scene, who: str | None, expected: Expected, **more: Any) -> Handshake:
    return Handshake(scene, who, expected, **more)


async def try_handshake(stage: Stage, row: Handshake) -> None:
    """It is refused in both forms, and all is as it was."""
    before = await stage.look(row.who or "")
    await stage.heard()
    await _by_status(stage, row)
    await _by_frame(stage, row)
    assert await stage.look(row.who or "") == before
    assert await stage.heard() == {}


async def _by_status(stage: Stage, row: Handshake) -> None:
    try:
        await _knock(stage, row, row.query)
    except Refused as refused:
        assert refused.status == row.status
        check_refusal(stage, row.expected, refused.body)
        return
    raise AssertionError("the handshake was accepted")


async def _by_frame(stage: Stage, row: Handshake) -> None:
    player = await _knock(stage, row, f"{row.query}&errors=frame")
    error = await player.next()
    assert (error["type"], error["id"]) == ("ERROR", None)
    assert error["retryable"] == (row.expected.code in RETRYABLE)
    check_refusal(stage, row.expected, error)
    closed = await player.closed()
    assert (closed.code, closed.reason) == (CLOSE_OF.get(row.status, 4509), row.expected.code)


async def _knock(stage: Stage, row: Handshake, query: str) -> Player:
    people = stage.people
    token = stage.accounts[row.who].access_token if row.who else "not.a.token"
    offered = [] if people.way.encoding is Encoding.JSON else [people.way.encoding.value]
    path = room_path(stage.filled(row.room))
    return await people.knock(
        f"{path}?{query}",
        headers={**bearer(token), **row.headers},
        subprotocols=list(row.subprotocols) or offered or None,
    )


HANDSHAKES = [
    handshake(waiting, None, no("unauthenticated")),
    handshake(waiting, "stranger", no("room_not_found"), room="$nowhere"),
    handshake(waiting, "stranger", no("room_not_found"), room="no id"),
    handshake(waiting, "stranger", no("room_full")),
    handshake(
        waiting,
        "stranger",
        no("forbidden", {"reason": "origin"}),
        headers={"Origin": "http://elsewhere.test"},
    ),
    handshake(waiting, "stranger", no("unsupported_protocol"), subprotocols=("gameroom.v9.cbor",)),
    handshake(waiting, "guest", wrong("#/role", says="spectator"), query="role=king"),
    handshake(waiting, "guest", wrong("#/updates", says="view"), query="updates=often"),
    handshake(waiting, "guest", wrong("#/seq"), query="epoch=1"),
    handshake(waiting, "guest", wrong("#/epoch"), query="seq=1"),
    handshake(waiting, "guest", wrong("#/epoch"), query="epoch=one&seq=1"),
    handshake(waiting, "guest", wrong("#/seq"), query="epoch=1&seq=-1"),
    handshake(waiting, "guest", wrong("#/ROLE", says="mean role?"), query="ROLE=spectator"),
    handshake(waiting, "guest", wrong("#/token", says="no such field"), query="token=x"),
    handshake(waiting, "guest", wrong("#/role", says="once"), query="role=player&role=spectator"),
    handshake(faulty, "stranger", no("wrong_status", {"status": "playing", "expected": "waiting"})),
    handshake(private, "stranger", no("room_not_found")),
    handshake(overseen, "admin", no("room_not_found")),
    handshake(with_password, "stranger", no("wrong_room_password")),
    handshake(closed, "stranger", no("room_closed")),
    handshake(closed, "host", no("room_closed")),
    handshake(closed_privately, "stranger", no("room_not_found")),
    handshake(locked, "stranger", no("room_locked")),
    handshake(locked, "stranger", no("room_locked"), query="role=spectator"),
    handshake(banned, "villain", no("banned_from_room")),
    handshake(in_many_rooms, "busy", no("too_many_rooms", {"limit": ROOMS_PER_USER})),
]

# --- REST -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """In this scene, this part (None: nobody) makes this call with this body or form, and is refused."""

    scene: Scene
    who: str | None
    call: str
    expected: Expected
    body: Json | None = None
    form: dict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        sent = self.form or self.body
        return f"{self.call} {short(sent) if sent else ''} by {self.who}, {self.scene.__name__}: {self.expected.code}"


async def try_call(stage: Stage, row: Call) -> None:
    """The problem is the refusal, and all is as it was; the kit checks its status and headers."""
    before = await stage.look(row.who or "")
    await stage.heard()
    method, path = row.call.split()
    identity = bearer(stage.accounts[row.who].access_token) if row.who else {}
    response = await stage.people.api.request(
        method,
        f"/api/v1{''.join(stage.filled(part) for part in _parts(path))}",
        headers={**identity, **stage.filled(row.headers)},
        json=stage.filled(row.body),
        data=stage.filled(row.form),
    )
    assert response.status_code == CODES[row.expected.code], response.text
    check_refusal(stage, row.expected, response.json())
    assert await stage.look(row.who or "") == before
    assert await stage.heard() == {}


def _parts(path: str) -> list[str]:
    """`/rooms/$room` → `["/rooms/", "$room"]`."""
    before, dollar, name = path.partition("$")
    return [before, dollar + name]


ROOMS, ROOM = "/game-room-groups", "/game-room-groups/$room"
GAMES = {"games": ["relay", "tic-tac-toe", "traps"]}

ROOM_CALLS = [
    Call(nowhere, None, f"POST {ROOMS}", no("unauthenticated"), {"game": "relay"}),
    Call(nowhere, "somebody", f"POST {ROOMS}", wrong("#/game", says="missing"), {}),
    Call(nowhere, "somebody", f"POST {ROOMS}", wrong("#/gam", says="game"), {"gam": "relay"}),
    Call(nowhere, "somebody", f"POST {ROOMS}", wrong("#/name"), {"game": "relay", "name": ""}),
    Call(nowhere, "somebody", f"POST {ROOMS}", no("unknown_game", GAMES), {"game": "chess"}),
    Call(
        with_history,
        "host",
        f"POST {ROOMS}",
        no("id_reused", {"reason": "other_content"}),
        {"game": "tic-tac-toe"},
        headers={"Idempotency-Key": "$creation"},
    ),
    Call(
        in_many_rooms,
        "busy",
        f"POST {ROOMS}",
        no("too_many_rooms", {"limit": ROOMS_PER_USER}),
        {"game": "relay"},
    ),
    Call(nowhere, None, f"GET {ROOMS}", no("unauthenticated")),
    Call(nowhere, "somebody", f"GET {ROOMS}?limit=0", wrong("#/limit")),
    Call(nowhere, "somebody", f"GET {ROOMS}?limit=201", wrong("#/limit")),
    Call(nowhere, "somebody", f"GET {ROOMS}?status=over", wrong("#/status")),
    Call(nowhere, "somebody", f"GET {ROOMS}?has_space=perhaps", wrong("#/has_space")),
    Call(nowhere, "somebody", f"GET {ROOMS}?cursor=made-up", wrong("#/cursor")),
    Call(waiting, None, f"GET {ROOM}", no("unauthenticated")),
    Call(waiting, "stranger", "GET /game-room-groups/$nowhere", no("room_not_found")),
    Call(private, "stranger", f"GET {ROOM}", no("room_not_found")),
    Call(banned, "villain", f"GET {ROOM}", no("room_not_found")),
    Call(waiting, None, f"DELETE {ROOM}", no("unauthenticated")),
    Call(waiting, "guest", f"DELETE {ROOM}", no("not_host")),
    Call(waiting, "watcher", f"DELETE {ROOM}", no("not_host")),
    Call(waiting, "stranger", f"DELETE {ROOM}", no("not_member")),
    Call(private, "stranger", f"DELETE {ROOM}", no("room_not_found")),
    Call(waiting, "stranger", "DELETE /game-room-groups/$nowhere", no("room_not_found")),
    Call(overseen, "admin", "DELETE /game-room-groups/$nowhere", no("room_not_found")),
]

BIG = {"display_name": "x" * 70_000}
CREDENTIALS = {"username": "$name", "password": "wrong horse"}

ACCOUNT_CALLS = [
    Call(accounts, None, "GET /nothing", no("not_found")),
    Call(accounts, None, "POST /auth/guest", no("message_too_big", {"limit": 65_536}), BIG),
    Call(accounts, None, "POST /auth/guest", wrong("#/display_name"), {"display_name": "x" * 51}),
    Call(accounts, None, "POST /auth/guest", wrong("#/device_id"), {"device_id": "short"}),
    Call(
        accounts,
        None,
        "POST /auth/guest",
        no("id_reused", {"reason": "other_content"}),
        {"display_name": "Another"},
        headers={"Idempotency-Key": "$key"},
    ),
    Call(accounts, None, "POST /auth/register", no("username_taken"), CREDENTIALS),
    Call(
        accounts, None, "POST /auth/register", wrong("#/password"), {"username": "fresh", "password": "short"}
    ),
    Call(
        accounts,
        None,
        "POST /auth/token",
        no("invalid_credentials"),
        form={"grant_type": "password", **CREDENTIALS},
    ),
    Call(accounts, None, "POST /auth/token", wrong("#/grant_type"), form={"grant_type": "magic"}),
    Call(accounts, None, "POST /auth/refresh", no("unauthenticated"), {"refresh_token": "made.up"}),
    Call(accounts, None, "POST /auth/refresh", no("token_reused"), {"refresh_token": "$spent"}),
    Call(accounts, None, "POST /auth/ws-ticket", no("unauthenticated")),
    Call(accounts, None, "GET /users/me", no("unauthenticated")),
    Call(accounts, "full", "PATCH /users/me", wrong("#/display_name"), {"display_name": ""}),
    Call(accounts, "full", "PATCH /users/me", wrong("#/name"), {"name": "Full"}),
    Call(
        accounts,
        "full",
        "POST /users/me/password",
        no("invalid_credentials"),
        {"current_password": "wrong horse", "new_password": "right horse"},
    ),
    Call(
        accounts,
        "full",
        "POST /users/me/upgrade",
        no("conflict"),
        {"username": "another-name", "password": "right horse"},
    ),
    Call(accounts, "visitor", "POST /users/me/upgrade", no("username_taken"), CREDENTIALS),
]

CALLS = [*ROOM_CALLS, *ACCOUNT_CALLS]
