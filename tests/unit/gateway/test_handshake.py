"""What a handshake asks for."""

import pytest
from starlette.requests import HTTPConnection

from gameroom.errors import Forbidden, RoomNotFound, UnsupportedProtocol, ValidationFailed
from gameroom.gateway.handshake import (
    BearerCredential,
    TicketCredential,
    check_origin,
    check_query,
    check_subprotocols,
    choose_subprotocol,
    find_credential,
    join_of,
    wants_errors_as_frames,
)
from gameroom.protocol.commands import JoinRoom, ResumeFrom


def handshake(query: str = "", offered: tuple[str, ...] = (), **headers: str) -> HTTPConnection:
    return HTTPConnection(
        {
            "type": "websocket",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "subprotocols": list(offered),
        }
    )


# --- subprotocols ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("bearer.x",), None),
        (("gameroom.v1.json",), "gameroom.v1.json"),
        (("gameroom.v1.msgpack", "bearer.x", "gameroom.v1.json"), "gameroom.v1.msgpack"),
        (("chat", "gameroom.v9.json", "bearer.x", "gameroom.v1.json"), "gameroom.v1.json"),
    ],
)
def test_the_first_known_subprotocol_is_chosen(offered: tuple[str, ...], chosen: str | None) -> None:
    assert choose_subprotocol(handshake(offered=offered)) == chosen
    check_subprotocols(handshake(offered=offered))


@pytest.mark.parametrize("offered", [("chat",), ("gameroom.v2.json", "bearer.x")])
def test_only_unknown_subprotocols_are_refused(offered: tuple[str, ...]) -> None:
    assert choose_subprotocol(handshake(offered=offered)) is None
    with pytest.raises(UnsupportedProtocol):
        check_subprotocols(handshake(offered=offered))


# --- credentials ----------------------------------------------------------------------------------------------


def test_header_comes_before_subprotocol_before_ticket() -> None:
    offered = ("gameroom.v1.json", "bearer.two")
    assert find_credential(handshake("ticket=three", offered, authorization="Bearer one")) == (
        BearerCredential("one")
    )
    assert find_credential(handshake("ticket=three", offered)) == BearerCredential("two")
    assert find_credential(handshake("ticket=three")) == TicketCredential("three")
    assert find_credential(handshake()) is None


def test_an_empty_credential_is_a_credential() -> None:
    assert find_credential(handshake("ticket=")) == TicketCredential("")
    assert find_credential(handshake(offered=("bearer.",))) == BearerCredential("")
    assert find_credential(handshake("ticket=x", authorization="bearer")) == BearerCredential("")


def test_another_scheme_of_authorization_is_none_of_ours() -> None:
    assert find_credential(handshake("ticket=x", authorization="Basic eDp5")) == TicketCredential("x")


# --- origins --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    ["https://play.example", "https://Play.Example", "http://play.example", "https://friend.example"],
)
def test_own_pages_and_allowed_origins_are_let_in(origin: str) -> None:
    request = handshake(host="play.example", origin=origin)
    check_origin(request, frozenset({"https://friend.example"}))


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://play.example:8443", "null", "", "http://[", "play.example"]
)
def test_other_origins_are_not(origin: str) -> None:
    with pytest.raises(Forbidden):
        check_origin(handshake(host="play.example", origin=origin), frozenset())


def test_an_origin_without_a_host_to_compare_with_is_refused() -> None:
    with pytest.raises(Forbidden):
        check_origin(handshake(origin="null"), frozenset())


def test_a_star_allows_every_origin_and_no_origin_is_no_browser() -> None:
    check_origin(handshake(host="play.example", origin="null"), frozenset("*"))
    check_origin(handshake(host="play.example"), frozenset())


# --- the query ------------------------------------------------------------------------------------------------


def test_the_query_says_how_to_join() -> None:
    query = handshake("role=spectator&updates=view&epoch=0&seq=12&ticket=x").query_params
    assert join_of("r", query) == JoinRoom(
        room_id="r", role="spectator", updates="view", resume=ResumeFrom(epoch=0, seq=12)
    )
    assert join_of("r", handshake().query_params) == JoinRoom(room_id="r")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("role=king", "#/role"),
        ("updates=", "#/updates"),
        ("role=null", "#/role"),
        ("epoch=1", "#/seq"),
        ("seq=1", "#/epoch"),
        ("epoch=1&seq=x", "#/seq"),
        ("epoch=1&seq=-1", "#/seq"),
        ("epoch=9223372036854775808&seq=1", "#/epoch"),
        ("ROLE=spectator", "#/ROLE"),
        ("room_id=r", "#/room_id"),
        ("role=player&role=spectator", "#/role"),
        ("errors=http", "#/errors"),
        (f"{'x' * 9_000}=1", f"#/{'x' * 64}"),
    ],
)
def test_a_wrong_query_is_told_where(query: str, pointer: str) -> None:
    with pytest.raises(ValidationFailed) as failed:
        join_of("r", handshake(query).query_params)
    assert failed.value.errors[0].pointer == pointer


@pytest.mark.parametrize(
    ("query", "pointer", "says"),
    [
        ("token=x", "#/token", "known are errors, ticket"),
        ("Ticket=x", "#/Ticket", "did you mean ticket?"),
        ("role=spectator", "#/role", "no such field"),
        ("ticket=a&ticket=b", "#/ticket", "once"),
        ("errors=frames", "#/errors", "must be one of frame"),
    ],
)
def test_a_socket_for_any_room_takes_a_ticket_and_how_errors_are_told(
    query: str, pointer: str, says: str
) -> None:
    """Regression: what was misspelt was ignored, so `?ROLE=spectator` came in as a player."""
    check_query(handshake("ticket=x&errors=frame").query_params)
    with pytest.raises(ValidationFailed) as failed:
        check_query(handshake(query).query_params)
    (error,) = failed.value.errors
    assert error.pointer == pointer and says in error.detail


@pytest.mark.parametrize("room_id", ["", "\x00", "a b", "x" * 65, "é"])
def test_what_can_be_no_room_id_is_no_room(room_id: str) -> None:
    with pytest.raises(RoomNotFound):
        join_of(room_id, handshake().query_params)


def test_errors_as_frames_must_be_asked_for() -> None:
    assert wants_errors_as_frames(handshake("errors=frame"))
    assert not wants_errors_as_frames(handshake("errors=http"))
    assert not wants_errors_as_frames(handshake())
