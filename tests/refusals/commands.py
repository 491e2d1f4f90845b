"""The refusals that every command has, derived from one frame of each that is right."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.kit.wire import Json
from tests.refusals.row import Row, no, wrong
from tests.refusals.scenes import (
    Scene,
    bound,
    closed,
    closed_privately,
    in_two_rooms,
    nowhere,
    overseen,
    private,
    privately_banned,
    waiting,
)


class Form(NamedTuple):
    """A command's fields: those it needs, and those it may have, each with a value that is right.

    `nullable`: optional fields for which null is a value, or as good as nothing.
    """

    needed: Json
    optional: Json = {}
    nullable: tuple[str, ...] = ()


CONNECTION: dict[str, Form] = {
    "AUTHENTICATE": Form({"access_token": "a.b.c"}),
    "PING": Form({}),
    "CREATE_GAME_ROOM_GROUP": Form(
        {"game": "relay"},
        {
            "name": "Ours",
            "visibility": "public",
            "password": "sesame",
            "settings": {},
            "max_players": 5,
            "metadata": {},
        },
        nullable=("name", "password", "max_players"),
    ),
    "SUBSCRIBE_LOBBY": Form({}, {"game": "relay"}, nullable=("game",)),
    "UNSUBSCRIBE_LOBBY": Form({}),
}
"""Commands that are about no room that is joined."""

JOIN: dict[str, Form] = {
    "JOIN_GAME_ROOM_GROUP": Form(
        {"room_id": "$room"},
        {
            "invite_code": "ABCD2345",
            "password": "sesame",
            "role": "player",
            "resume": {"epoch": 1, "seq": 1},
            "updates": "patch",
        },
        nullable=("room_id", "invite_code", "password", "role", "resume"),
    ),
}

MEMBERS: dict[str, Form] = {
    "LEAVE_GAME_ROOM_GROUP": Form({}),
    "GET_GAME_ROOM_GROUP": Form({}),
    "SET_ROLE": Form({"role": "spectator"}),
    "SET_READY": Form({"ready": True}),
    "GAME_ACTION": Form({"action": {"type": "send", "data": 1}}),
    "SEND_CHAT": Form({"text": "hello"}, {"to": "$host"}, nullable=("to",)),
}
"""Commands of whoever has joined a room."""

HOSTS: dict[str, Form] = {
    "UPDATE_GAME_ROOM_GROUP": Form(
        {},
        {
            "name": "Ours",
            "visibility": "public",
            "password": "sesame",
            "settings": {},
            "locked": True,
            "max_players": 2,
            "metadata": {},
            "rotate_invite_code": True,
        },
        nullable=("password",),
    ),
    "KICK_MEMBER": Form({"user_id": "$guest"}, {"ban": True, "reason": "noise"}, nullable=("reason",)),
    "TRANSFER_HOST": Form({"user_id": "$guest"}),
    "START_GAME": Form({}, {"seed": "a seed"}),
    "CLOSE_GAME_ROOM_GROUP": Form({}, {"reason": "bedtime"}, nullable=("reason",)),
}
"""Commands of the host."""

IN_A_ROOM = {**MEMBERS, **HOSTS}
COMMANDS = {**CONNECTION, **JOIN, **IN_A_ROOM}


def general_rows() -> Iterator[Row]:
    for command, form in COMMANDS.items():
        yield from wrong_heads(command, form)
        yield from wrong_fields(command, form)
    for command, form in {**JOIN, **IN_A_ROOM}.items():
        yield from wrong_room_ids(command, form)
    for command, form in IN_A_ROOM.items():
        yield from not_in_the_room(command, form)
    for command, form in HOSTS.items():
        yield Row(waiting, "guest", command, form.needed, no("not_host"))
        yield Row(waiting, "watcher", command, form.needed, no("not_host"))
    for command, form in MEMBERS.items():
        yield Row(overseen, "admin", command, {"room_id": "$room", **form.needed}, no("not_member"))


def _home_of(command: str) -> tuple[Scene, str]:
    """Where nothing but the frame can be wrong, as frames are read before rooms are asked."""
    return (nowhere, "somebody") if command in CONNECTION else (waiting, "host")


def wrong_heads(command: str, form: Form) -> Iterator[Row]:
    """What all commands have in common: `id`, `ack`, and that nothing unknown is taken."""
    scene, who = _home_of(command)
    for bad in ("", "i" * 65, 7, ["x"]):
        yield Row(scene, who, command, {**form.needed, "id": bad}, wrong("#/id"))
    for bad in ("no", 0, None):
        yield Row(scene, who, command, {**form.needed, "ack": bad}, wrong("#/ack"))
    yield Row(scene, who, command, {**form.needed, "colour": "red"}, wrong("#/colour"))
    yield Row(scene, who, command, {**form.needed, "akc": True}, wrong("#/akc", says="ack"))


def wrong_fields(command: str, form: Form) -> Iterator[Row]:
    """A field that is missing, null, misspelt, or a number that no field takes."""
    scene, who = _home_of(command)
    fields = {**form.needed, **form.optional}
    for name in sorted(form.needed.keys() - set(form.nullable)):
        yield Row(scene, who, command, _without(form.needed, name), wrong(f"#/{name}", says="missing"))
    for name in sorted(fields.keys() - set(form.nullable)):
        yield Row(scene, who, command, {**form.needed, name: None}, wrong(f"#/{name}"))
    for name, value in fields.items():
        yield Row(scene, who, command, {**form.needed, name: 0.5}, wrong(f"#/{name}"))
        misspelt = {**_without(form.needed, name), f"{name}s": value}
        yield Row(scene, who, command, misspelt, wrong(f"#/{name}s", says=name))


def _without(fields: Json, name: str) -> Json:
    return {other: value for other, value in fields.items() if other != name}


def wrong_room_ids(command: str, form: Form) -> Iterator[Row]:
    for bad in (7, "", "no id", "r" * 65, "room\n"):
        yield Row(waiting, "host", command, {**form.needed, "room_id": bad}, wrong("#/room_id"))
    elsewhere = {**form.needed, "room_id": "$elsewhere"}
    yield Row(bound, "guest", command, elsewhere, no("forbidden", {"reason": "room_bound"}))
    yield Row(waiting, "stranger", command, {**form.needed, "room_id": "$nowhere"}, no("room_not_found"))


def not_in_the_room(command: str, form: Form) -> Iterator[Row]:
    """Whoever is not in the room on this connection, and rooms that are not meant by saying nothing."""
    named = {**form.needed, "room_id": "$room"}
    yield Row(waiting, "stranger", command, named, no("not_member"))
    yield Row(waiting, "twin", command, named, no("not_member"))
    yield Row(private, "stranger", command, named, no("room_not_found"))
    yield Row(privately_banned, "villain", command, named, no("room_not_found"))
    yield Row(closed, "host", command, named, no("room_closed"))
    yield Row(closed, "guest", command, named, no("room_closed"))
    yield Row(closed, "stranger", command, named, no("room_closed"))
    yield Row(closed_privately, "guest", command, named, no("room_closed"))
    yield Row(closed_privately, "stranger", command, named, no("room_not_found"))
    yield Row(waiting, "stranger", command, form.needed, wrong("#/room_id"))
    yield Row(in_two_rooms, "host", command, form.needed, wrong("#/room_id"))
