"""The refusals that one command has and others have not, command by command."""

from tests.kit.wire import Json
from tests.refusals.row import Expected, Row, no, wrong
from tests.refusals.scenes import (
    ROOMS_PER_USER,
    SPENT_ID,
    Scene,
    alone,
    banned,
    bound,
    closed,
    closed_privately,
    crowded,
    faulty,
    in_many_rooms,
    locked,
    nowhere,
    overseen,
    playing,
    private,
    relaying,
    waiting,
    with_history,
    with_password,
)

Line = tuple[Scene, str, Json, Expected]


def rows_of(command: str, *lines: Line) -> list[Row]:
    return [Row(scene, who, command, fields, expected) for scene, who, fields, expected in lines]


def status(status: str, expected: str) -> Expected:
    return no("wrong_status", {"status": status, "expected": expected})


def words(least: int, most: int) -> list[str]:
    """Texts that are just too short, where there are such, and just too long."""
    return [*([""] if least else []), "x" * (most + 1)]


OTHER_CONTENT = no("id_reused", {"reason": "other_content"})
NOT_FREE_JSON: list[tuple[Json, str]] = [
    ({"n": 2**63}, "/n"),
    ({"deep": {"text": "nul \0"}}, "/deep/text"),
    ({"nul\0": 1}, ""),
]
"""Objects that do not survive both encodings, and the place in them that is at fault."""


# --- the connection -------------------------------------------------------------------------------------------

CONNECTION_ROWS = [
    *rows_of(
        "AUTHENTICATE",
        (nowhere, "somebody", {"access_token": "not.a.token"}, no("unauthenticated")),
        (nowhere, "somebody", {"access_token": ""}, no("unauthenticated")),
        (nowhere, "somebody", {"access_token": "$their token"}, no("forbidden", {"reason": "other_user"})),
    ),
    *rows_of(
        "SUBSCRIBE_LOBBY",
        (
            nowhere,
            "somebody",
            {"game": "chess"},
            no("unknown_game", {"games": ["relay", "tic-tac-toe", "traps"]}),
        ),
        (nowhere, "somebody", {"game": "x" * 65}, wrong("#/game")),
    ),
    Row(nowhere, "somebody", "PLAY", {}, no("unknown_command", {"did_you_mean": None})),
    Row(nowhere, "somebody", "JOIN", {}, no("unknown_command", {"did_you_mean": "JOIN_GAME_ROOM_GROUP"})),
    Row(waiting, "guest", "SEND_CHATS", {"text": "x"}, no("unknown_command", {"did_you_mean": "SEND_CHAT"})),
    Row(bound, "guest", "REPLY", {"data": {}}, no("unknown_command")),
]

# --- coming and going -----------------------------------------------------------------------------------------

CREATE_ROWS = rows_of(
    "CREATE_GAME_ROOM_GROUP",
    (
        nowhere,
        "somebody",
        {"game": "chess"},
        no("unknown_game", {"games": ["relay", "tic-tac-toe", "traps"]}),
    ),
    (nowhere, "somebody", {"game": ""}, no("unknown_game")),
    *[(nowhere, "somebody", {"game": "relay", "name": bad}, wrong("#/name")) for bad in words(1, 80)],
    *[
        (nowhere, "somebody", {"game": "relay", "password": bad}, wrong("#/password"))
        for bad in words(1, 128)
    ],
    (nowhere, "somebody", {"game": "relay", "visibility": "secret"}, wrong("#/visibility", says="unlisted")),
    (nowhere, "somebody", {"game": "relay", "max_players": 0}, wrong("#/max_players")),
    (nowhere, "somebody", {"game": "relay", "max_players": 1001}, wrong("#/max_players")),
    (nowhere, "somebody", {"game": "tic-tac-toe", "max_players": 1}, wrong("#/max_players", says="2")),
    (nowhere, "somebody", {"game": "tic-tac-toe", "max_players": 3}, wrong("#/max_players", says="2")),
    (nowhere, "somebody", {"game": "relay", "settings": []}, wrong("#/settings")),
    (nowhere, "somebody", {"game": "relay", "settings": {"speed": 1}}, wrong("#/settings/speed")),
    (nowhere, "somebody", {"game": "relay", "metadata": "x"}, wrong("#/metadata")),
    (nowhere, "somebody", {"game": "relay", "metadata": {"x": "y" * 4096}}, wrong("#/metadata", says="4096")),
    *[
        (nowhere, "somebody", {"game": "relay", "metadata": value}, wrong(f"#/metadata{place}"))
        for value, place in NOT_FREE_JSON
    ],
    (nowhere, "somebody", {"game": "relay", "name": "nul \0"}, wrong("#/name")),
    (nowhere, "somebody", {"game": "relay", "name": "two\nlines"}, wrong("#/name", says="control")),
    (nowhere, "somebody", {"game": "relay", "name": "  "}, wrong("#/name", says="seen")),
    (bound, "guest", {"game": "relay"}, no("forbidden", {"reason": "room_bound"})),
    (with_history, "host", {"game": "tic-tac-toe", "id": "$creation"}, OTHER_CONTENT),
    (in_many_rooms, "busy", {"game": "relay"}, no("too_many_rooms", {"limit": ROOMS_PER_USER})),
)

JOIN_ROWS = rows_of(
    "JOIN_GAME_ROOM_GROUP",
    (nowhere, "somebody", {}, wrong("#/room_id")),
    (waiting, "host", {}, wrong("#/room_id")),
    (bound, "guest", {}, wrong("#/room_id")),
    (waiting, "stranger", {"room_id": "$room", "role": "king"}, wrong("#/role", says="spectator")),
    (waiting, "stranger", {"room_id": "$room", "updates": "often"}, wrong("#/updates", says="view")),
    (waiting, "stranger", {"room_id": "$room", "password": ""}, wrong("#/password")),
    (waiting, "stranger", {"room_id": "$room", "password": "x" * 129}, wrong("#/password")),
    (waiting, "stranger", {"room_id": "$room", "resume": {}}, wrong("#/resume/epoch")),
    (waiting, "stranger", {"room_id": "$room", "resume": {"epoch": 1}}, wrong("#/resume/seq")),
    (waiting, "stranger", {"room_id": "$room", "resume": {"epoch": 1, "seq": -1}}, wrong("#/resume/seq")),
    (waiting, "stranger", {"room_id": "$room", "resume": {"epoch": 1, "seq": "1"}}, wrong("#/resume/seq")),
    (waiting, "stranger", {"invite_code": ""}, wrong("#/invite_code")),
    (waiting, "stranger", {"invite_code": "ABC_2345"}, wrong("#/invite_code")),
    (waiting, "stranger", {"invite_code": "00000000"}, no("room_not_found")),
    (waiting, "stranger", {"room_id": "$room", "invite_code": "00000000"}, no("room_not_found")),
    (waiting, "stranger", {"room_id": "$room"}, no("room_full")),
    (waiting, "stranger", {"invite_code": "$code", "role": "player"}, no("room_full")),
    (faulty, "stranger", {"room_id": "$room"}, status("playing", "waiting")),
    (faulty, "stranger", {"room_id": "$room", "role": "player"}, status("playing", "waiting")),
    (private, "stranger", {"room_id": "$room"}, no("room_not_found")),
    (private, "stranger", {"room_id": "$room", "password": "sesame"}, no("room_not_found")),
    (overseen, "admin", {"room_id": "$room"}, no("room_not_found")),
    (with_password, "stranger", {"room_id": "$room"}, no("wrong_room_password")),
    (with_password, "stranger", {"room_id": "$room", "password": "Sesame"}, no("wrong_room_password")),
    (closed, "stranger", {"room_id": "$room"}, no("room_closed")),
    (closed, "host", {"room_id": "$room"}, no("room_closed")),
    (closed, "stranger", {"invite_code": "$code"}, no("room_not_found")),  # a code ends with its room
    (closed_privately, "stranger", {"room_id": "$room"}, no("room_not_found")),
    (closed_privately, "guest", {"room_id": "$room"}, no("room_closed")),
    (locked, "stranger", {"room_id": "$room"}, no("room_locked")),
    (locked, "stranger", {"room_id": "$room", "role": "spectator"}, no("room_locked")),
    (locked, "stranger", {"invite_code": "$code"}, no("room_locked")),
    (banned, "villain", {"room_id": "$room"}, no("banned_from_room")),
    (banned, "villain", {"invite_code": "$code"}, no("banned_from_room")),
    (banned, "villain", {"room_id": "$room", "role": "spectator"}, no("banned_from_room")),
    (with_history, "leaver", {"room_id": "$room", "id": "$join"}, no("not_member")),
    (with_history, "leaver", {"room_id": "$room", "id": "$join", "role": "spectator"}, OTHER_CONTENT),
    (in_many_rooms, "busy", {"room_id": "$room"}, no("too_many_rooms", {"limit": ROOMS_PER_USER})),
    (in_many_rooms, "busy", {"invite_code": "$code"}, no("too_many_rooms", {"limit": ROOMS_PER_USER})),
)

MEMBER_ROWS = [
    *rows_of("LEAVE_GAME_ROOM_GROUP", (with_history, "host", {"id": SPENT_ID}, OTHER_CONTENT)),
    *rows_of(
        "SET_ROLE",
        (waiting, "watcher", {"role": "player"}, no("room_full")),
        (waiting, "guest", {"role": "host"}, wrong("#/role", says="spectator")),
        (playing, "guest", {"role": "spectator"}, status("playing", "waiting")),
        (playing, "watcher", {"role": "spectator"}, status("playing", "waiting")),
        (relaying, "guest", {"role": "spectator"}, status("playing", "waiting")),
    ),
]

# --- hosting --------------------------------------------------------------------------------------------------

HOST_ROWS = [
    *rows_of(
        "UPDATE_GAME_ROOM_GROUP",
        *[(waiting, "host", {"name": bad}, wrong("#/name")) for bad in words(1, 80)],
        *[(waiting, "host", {"password": bad}, wrong("#/password")) for bad in words(1, 128)],
        (waiting, "host", {"name": "two\nlines"}, wrong("#/name", says="control")),
        (waiting, "host", {"name": "  "}, wrong("#/name", says="seen")),
        (waiting, "host", {"visibility": "secret"}, wrong("#/visibility", says="unlisted")),
        (waiting, "host", {"locked": "yes"}, wrong("#/locked")),
        (waiting, "host", {"settings": {"speed": 1}}, wrong("#/settings/speed")),
        (waiting, "host", {"max_players": 0}, wrong("#/max_players")),
        (waiting, "host", {"max_players": 1}, wrong("#/max_players", says="2")),
        (waiting, "host", {"max_players": 3}, wrong("#/max_players", says="2")),
        (crowded, "host", {"max_players": 2}, no("conflict")),
        (crowded, "host", {"name": "Ours", "max_players": 1}, no("conflict")),
        (waiting, "host", {"metadata": {"x": "y" * 4096}}, wrong("#/metadata", says="4096")),
        *[
            (waiting, "host", {"metadata": value}, wrong(f"#/metadata{place}"))
            for value, place in NOT_FREE_JSON
        ],
        (playing, "host", {"settings": {}}, status("playing", "waiting")),
        (playing, "host", {"max_players": 2}, status("playing", "waiting")),
        (playing, "host", {"name": "Ours", "max_players": 2}, status("playing", "waiting")),
        (relaying, "host", {"settings": {}}, status("playing", "waiting")),
    ),
    *rows_of(
        "KICK_MEMBER",
        (waiting, "host", {"user_id": "$stranger"}, no("member_not_found")),
        (waiting, "host", {"user_id": "nobody"}, no("member_not_found")),
        (waiting, "host", {"user_id": "$host"}, no("forbidden", {"reason": "self"})),
        (waiting, "host", {"user_id": ""}, wrong("#/user_id")),
        (waiting, "host", {"user_id": "$guest", "ban": "yes"}, wrong("#/ban")),
        (waiting, "host", {"user_id": "$guest", "reason": "x" * 201}, wrong("#/reason")),
        (banned, "host", {"user_id": "$villain"}, no("member_not_found")),
    ),
    *rows_of(
        "TRANSFER_HOST",
        (waiting, "host", {"user_id": "$stranger"}, no("member_not_found")),
        (waiting, "host", {"user_id": "nobody"}, no("member_not_found")),
        (overseen, "admin", {"room_id": "$room", "user_id": "$admin"}, no("member_not_found")),
        (waiting, "host", {"user_id": "u" * 65}, wrong("#/user_id")),
    ),
    *rows_of(
        "CLOSE_GAME_ROOM_GROUP",
        (waiting, "host", {"reason": "x" * 201}, wrong("#/reason")),
        (relaying, "guest", {}, no("not_host")),
    ),
]

# --- playing --------------------------------------------------------------------------------------------------

PLAY_ROWS = [
    *rows_of(
        "SET_READY",
        (waiting, "watcher", {"ready": True}, no("not_player")),
        (waiting, "guest", {"ready": "yes"}, wrong("#/ready")),
        (playing, "guest", {"ready": False}, status("playing", "waiting")),
        (relaying, "guest", {"ready": True}, status("playing", "waiting")),
    ),
    *rows_of(
        "START_GAME",
        (alone, "host", {}, no("not_enough_players", {"need": 2, "have": 1})),
        (waiting, "host", {}, no("players_not_ready", {"user_ids": ["$host", "$guest"]})),
        (overseen, "admin", {"room_id": "$room"}, status("playing", "waiting")),
        (waiting, "host", {"seed": ""}, wrong("#/seed")),
        (waiting, "host", {"seed": "x" * 65}, wrong("#/seed")),
        (waiting, "host", {"seed": 2**63}, wrong("#/seed")),
        (playing, "host", {}, status("playing", "waiting")),
        (relaying, "host", {}, status("playing", "waiting")),
    ),
    *rows_of(
        "GAME_ACTION",
        (waiting, "host", {"action": {"type": "place", "cell": 0}}, status("waiting", "playing")),
        (playing, "watcher", {"action": {"type": "place", "cell": 1}}, no("not_player")),
        (relaying, "watcher", {"action": {"type": "send", "data": 1}}, no("not_player")),
        (playing, "host", {"action": {"type": "place", "cell": 1}}, no("not_your_turn", {"turn": 1})),
        (
            playing,
            "guest",
            {"action": {"type": "place", "cell": 0}},
            no("illegal_action", {"reason": "cell_taken", "cell": 0}),
        ),
        (playing, "guest", {"action": {"type": "plase"}}, no("unknown_action", {"did_you_mean": "place"})),
        (playing, "guest", {"action": {"type": "PLACE"}}, no("unknown_action", {"did_you_mean": "place"})),
        (playing, "guest", {"action": {"type": "resign"}}, no("unknown_action", {"did_you_mean": None})),
        (playing, "guest", {"action": {}}, wrong("#/action/type")),
        (playing, "guest", {"action": {"cell": 1}}, wrong("#/action/type")),
        (playing, "guest", {"action": {"type": 7}}, wrong("#/action/type")),
        (playing, "guest", {"action": []}, wrong("#/action")),
        (playing, "guest", {"action": {"type": "place"}}, wrong("#/action/cell", says="missing")),
        *[
            (playing, "guest", {"action": {"type": "place", "cell": bad}}, wrong("#/action/cell"))
            for bad in (-1, 9, 0.5, "1", True, None, [1], 2**63 - 1)
        ],
        (playing, "guest", {"action": {"type": "place", "cell": 1, "x": 1}}, wrong("#/action/x")),
        (
            playing,
            "guest",
            {"action": {"type": "place", "cel": 1}},
            wrong(("#/action/cel", "#/action/cell"), says="mean cell"),
        ),
        (relaying, "guest", {"action": {"type": "send"}}, wrong("#/action/data", says="missing")),
        (relaying, "guest", {"action": {"type": "send", "data": 1, "to": 0}}, wrong("#/action/to")),
        (relaying, "guest", {"action": {"type": "send", "data": 1, "to": ["0"]}}, wrong("#/action/to/0")),
        *[
            (relaying, "guest", {"action": {"type": "send", "data": value}}, wrong(f"#/action/data{place}"))
            for value, place in NOT_FREE_JSON
        ],
        (faulty, "host", {"action": {"type": "stumble"}}, no("game_error")),
        (faulty, "guest", {"action": {"type": "blind"}}, no("game_error")),
        (with_history, "host", {"id": SPENT_ID, "action": {"type": "send", "data": 1}}, OTHER_CONTENT),
    ),
    *rows_of(
        "SEND_CHAT",
        *[(waiting, "guest", {"text": bad}, wrong("#/text")) for bad in words(1, 500)],
        (waiting, "guest", {"text": "nul \0"}, wrong("#/text")),
        (waiting, "guest", {"text": "psst", "to": "$stranger"}, no("member_not_found")),
        (waiting, "watcher", {"text": "psst", "to": "nobody"}, no("member_not_found")),
        (waiting, "guest", {"text": "psst", "to": ""}, wrong("#/to")),
        (with_history, "host", {"id": SPENT_ID, "text": "two"}, OTHER_CONTENT),
        (with_history, "host", {"id": SPENT_ID, "text": "one", "to": "$host"}, OTHER_CONTENT),
    ),
]

SPECIAL_ROWS = [*CONNECTION_ROWS, *CREATE_ROWS, *JOIN_ROWS, *MEMBER_ROWS, *HOST_ROWS, *PLAY_ROWS]
