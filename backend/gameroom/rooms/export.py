"""A record as an operator may hand it on: readable JSON, made of what is named here and of nothing else.

Three kinds of things stand in a record. What a spectator could have seen, and the bookkeeping, is shown. What players
hide from each other (the game's hidden fields, actions, answers, private announcements, whispers) is shown if the
operator wants it `revealed`. What opens a room or foretells its chance (hashes of passwords, invite codes, the key of
the random generator) never is: no field of it is read here. A field that a later version adds stays out until it is
named.
"""

from typing import Any

import msgspec
from msgspec import Raw

from gameroom.clock import rfc3339
from gameroom.errors import GameFailed
from gameroom.games.registry import Games
from gameroom.games.visible import visible
from gameroom.rooms.parts import GAME, LEFT, MEMBER, PLAY, ROOM, Member, PlayPart, RoomPart
from gameroom.rooms.records import NULL, Record, StoredAnnouncement

INPUT_FIELDS = {
    *("type", "game", "name", "visibility", "settings", "max_players", "metadata", "locked"),
    *("rotate_invite_code", "role", "updates", "resume", "ready", "user_id", "ban", "reason", "to"),
    *("due_at", "part"),
}
"""What is shown of the command, or of whatever else caused a record."""

REVEALED_INPUT_FIELDS = INPUT_FIELDS | {"action", "text"}

ROOM_FIELDS = (
    *("name", "visibility", "locked", "host_id", "max_players", "settings", "metadata"),
    *("grace_ms", "created_at", "bans", "closes_at"),
)
MEMBER_FIELDS = ("role", "seat", "joined", "since", "ready", "connected", "reserved_until")
PLAY_FIELDS = ("status", "round", "players", "timers", "result", "closed_at")

Json = dict[str, Any]


class Exporter:
    """Makes records readable. Of a game that is not loaded, or another version, the state stays out unless revealed."""

    def __init__(self, games: Games, *, reveal: bool) -> None:
        self._games = games
        self._reveal = reveal

    def readable(self, record: Record) -> Json:
        """The record as plain JSON, without what is None or empty."""
        hushed = record.audience is not None and not self._reveal
        parts, withheld = self._parts(record)
        told = {
            "v": record.v,
            "epoch": record.epoch,
            "seq": record.seq,
            "term": record.term,
            "at": rfc3339(record.at),
            "kind": record.kind,
            "game": record.game,
            "game_version": record.game_version,
            "user_id": record.user_id,
            "command_id": record.command_id,
            "input": self._input(record.input),
            "data": None if hushed else _plain(record.data),
            "announcements": [self._announcement(each) for each in record.announcements],
            "audience": record.audience,
            "parts": parts,
            "withheld": withheld,
            "answer": self._answer(record),
        }
        return {name: value for name, value in told.items() if value not in (None, [], {})}

    def _input(self, data: Raw) -> Json | None:
        """An action is named, but what it says may be a secret, such as a throw that nobody sees yet."""
        content = _plain(data)
        if content is None:
            return None
        names = REVEALED_INPUT_FIELDS if self._reveal else INPUT_FIELDS
        shown = {name: value for name, value in content.items() if name in names}
        if "action" in content and not self._reveal:
            shown["action"] = {"type": content["action"].get("type")}
        return shown

    def _announcement(self, announcement: StoredAnnouncement) -> Json:
        if announcement.to is None or self._reveal:
            return {"to": announcement.to, "data": _plain(announcement.data)}
        return {"to": announcement.to}

    def _answer(self, record: Record) -> Json | None:
        if record.answer is None:
            return None
        shown = {"data": _plain(record.answer.data)} if self._reveal else {}
        return {"seq": record.answer.seq, **shown}

    # --- parts --------------------------------------------------------------------------------------------------

    def _parts(self, record: Record) -> tuple[Json, list[str]]:
        """Those that may be shown (None: the part is gone), and the names of the others."""
        shown: Json = {}
        withheld = []
        for key, data in record.parts.items():
            try:
                shown[key] = None if data == NULL else self._part(key, data, record)
            except (_Withheld, GameFailed, msgspec.MsgspecError):
                withheld.append(key)
        return shown, withheld

    def _part(self, key: str, data: Raw, record: Record) -> Any:
        """Raises `_Withheld`, or `GameFailed`: the game cannot read its part."""
        if key == ROOM:
            return _room(data)
        if key == PLAY:
            return _fields(_PLAY.decode(data), PLAY_FIELDS)
        if key == GAME:
            return _plain(data) if self._reveal else self._game(data, record)
        if key.startswith(MEMBER):
            return _fields(_MEMBER.decode(data), MEMBER_FIELDS)
        if key.startswith(LEFT):
            return _plain(data)
        raise _Withheld

    def _game(self, data: Raw, record: Record) -> Any:
        """Without its hidden fields, which only the game's own type tells."""
        if record.game not in self._games.names():
            raise _Withheld
        game_type = self._games.get(record.game)
        if record.game_version != game_type.version:
            raise _Withheld
        return visible(game_type.decode(bytes(data)))


class _Withheld(Exception):
    """The part is none that may be shown."""


def _room(data: Raw) -> Json:
    room = _ROOM.decode(data)
    return {**_fields(room, ROOM_FIELDS), "has_password": room.password_mac is not None}


def _fields(part: RoomPart | PlayPart | Member, names: tuple[str, ...]) -> Json:
    return {name: msgspec.to_builtins(getattr(part, name), str_keys=True) for name in names}


def _plain(data: Raw) -> Any:
    return msgspec.json.decode(data)


_ROOM = msgspec.json.Decoder(RoomPart)
_PLAY = msgspec.json.Decoder(PlayPart)
_MEMBER = msgspec.json.Decoder(Member)
