"""What is handed on of a journal: what opens a room never, what players hide from each other only if it is wanted."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gameroom.games.registry import Games
from gameroom.protocol.commands import (
    CreateRoom,
    GameAction,
    JoinRoom,
    LeaveRoom,
    SendChat,
    SetReady,
    StartGame,
    UpdateRoom,
)
from gameroom.rooms import export
from gameroom.rooms.export import Exporter
from gameroom.rooms.parts import Member, PlayPart, RoomPart
from gameroom.rooms.records import NULL, Record, unseal
from tests.unit.rooms.games import Secrets
from tests.unit.rooms.scene import Scene

CODE = "ABCDEFGH"
MAC = "the-mac-of-a-password"


def played() -> Scene:
    scene = Scene(Secrets, password=MAC)
    scene.do("bob", JoinRoom(invite_code=CODE))
    scene.do("eve", JoinRoom(role="spectator", password=MAC))
    scene.do("ann", UpdateRoom(password=f"{MAC}-2", name="Table"))
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame(seed="the-seed"))
    scene.do("ann", GameAction(action={"type": "draw"}, id="draw"))
    scene.do("bob", GameAction(action={"type": "draw"}, id="draws-too"))
    scene.do("ann", GameAction(action={"type": "show", "to": [1]}, id="show"))
    scene.do("ann", SendChat(text="psst", to="bob", id="whisper"))
    scene.do("ann", SendChat(text="hello", id="chat"))
    scene.do("eve", LeaveRoom())
    return scene


def exported(scene: Scene, *, reveal: bool = False, loaded: bool = True) -> list[dict[str, Any]]:
    exporter = Exporter(Games([scene.game_type] if loaded else []), reveal=reveal)
    return [exporter.readable(unseal(record)) for record in scene.records]


def by_command(lines: list[dict[str, Any]], command_id: str) -> dict[str, Any]:
    return next(line for line in lines if line.get("command_id") == command_id)


@pytest.mark.parametrize("reveal", [False, True])
def test_what_opens_a_room_or_foretells_its_chance_is_never_there(reveal: bool) -> None:
    scene = played()
    stored = b"".join(record.body for record in scene.records).decode()
    text = str(exported(scene, reveal=reveal))
    key = msgspec.to_builtins(scene.room.state.play)["random_key"]
    for secret in (MAC, CODE, key, "the-seed"):
        assert secret in stored, secret
        assert secret not in text, secret


def test_what_a_spectator_could_see_is_there() -> None:
    scene = played()
    lines = exported(scene)
    assert [line["seq"] for line in lines] == list(range(1, len(scene.records) + 1))
    assert by_command(lines, "chat")["data"]["text"] == "hello"
    assert by_command(lines, "draw")["parts"]["game"] == {"pot": [], "late": 0, "left": []}
    assert {"to": None, "data": {"shown_by": 0}} in by_command(lines, "show")["announcements"]
    assert lines[0]["parts"]["room"]["has_password"] is True
    assert lines[0]["parts"]["member:ann"]["seat"] == 0
    assert lines[-1]["parts"]["member:eve"] is None


def test_what_players_hide_is_there_only_if_it_is_wanted() -> None:
    scene = played()
    hidden, revealed = exported(scene), exported(scene, reveal=True)
    assert "data" not in by_command(hidden, "whisper")
    assert "text" not in by_command(hidden, "whisper")["input"]
    assert by_command(revealed, "whisper")["data"]["text"] == "psst"
    assert by_command(hidden, "show")["input"]["action"] == {"type": "show"}
    assert by_command(revealed, "show")["input"]["action"] == {"type": "show", "to": [1]}
    assert "hands" not in by_command(hidden, "draw")["parts"]["game"]
    assert by_command(revealed, "draw")["parts"]["game"]["hands"]
    assert "data" not in by_command(hidden, "draw")["answer"]
    assert "data" in by_command(revealed, "draw")["answer"]
    assert {"to": (1,)} in by_command(hidden, "show")["announcements"]
    assert by_command(revealed, "show")["announcements"][0]["data"]["shows"]


def test_of_a_game_that_is_not_loaded_the_state_stays_out() -> None:
    scene = played()
    line = by_command(exported(scene, loaded=False), "draw")
    assert ("game" in line["parts"], line["withheld"]) == (False, ["game"])
    assert by_command(exported(scene, loaded=False, reveal=True), "draw")["parts"]["game"]["hands"]


def test_of_another_version_the_state_stays_out() -> None:
    scene = played()
    record = replace(unseal(scene.records[-6]), game_version="0", parts={"game": msgspec.Raw(b"{}")})
    line = Exporter(Games([scene.game_type]), reveal=False).readable(record)
    assert ("parts" in line, line["withheld"]) == (False, ["game"])


def test_fields_that_are_not_named_stay_out() -> None:
    """Whatever a later version adds to the stored parts, commands and records."""
    new = msgspec.Raw(b'{"type":"NEW","secret":1}')
    record = replace(unseal(played().records[0]), input=new, parts={"vault": new, "room": NULL})
    line = Exporter(Games([]), reveal=True).readable(record)
    assert line["input"] == {"type": "NEW"}
    assert (line["parts"], line["withheld"]) == ({"room": None}, ["vault"])


def test_parts_that_cannot_be_read_are_named() -> None:
    record = replace(
        unseal(played().records[0]), parts={"play": msgspec.Raw(b"7"), "game": msgspec.Raw(b"7")}
    )
    assert Exporter(Games([]), reveal=False).readable(record)["withheld"] == ["play", "game"]


def test_every_field_that_is_stored_has_been_thought_of() -> None:
    """Whoever adds one decides whether it may be handed on."""
    assert set(RoomPart.__struct_fields__) - set(export.ROOM_FIELDS) == {"password_mac", "invite_code"}
    assert set(PlayPart.__struct_fields__) - set(export.PLAY_FIELDS) == {"random_key", "random_counter"}
    assert set(Member.__struct_fields__) - set(export.MEMBER_FIELDS) == {"shown"}
    untold = set(CreateRoom.__struct_fields__) - export.REVEALED_INPUT_FIELDS
    assert untold == {"password", "id", "ack"}
    assert set(Record.__struct_fields__) == {
        *("v", "room_id", "epoch", "seq", "term", "at", "kind", "game", "game_version", "data", "user_id"),
        *("command_id", "input_hash", "input", "announcements", "audience", "parts", "answer"),
    }
