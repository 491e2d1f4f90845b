"""A client's copy of the list of public rooms, kept by LOBBY_CHANGED, which watches the rules as it goes."""

from tests.kit.wire import Json, require

LONGEST = 200


class LobbyCopy:
    def __init__(self, rooms: list[Json]) -> None:
        self._rooms = {room["room_id"]: room for room in rooms}
        require(len(self._rooms) == len(rooms), f"a room stands twice in the lobby: {rooms!r}")
        require(rooms == self.rooms, f"the newest room is not the first: {rooms!r}")
        self._check_length()

    @property
    def rooms(self) -> list[Json]:
        """The newest first."""
        return sorted(
            self._rooms.values(), key=lambda room: (room["created_at"], room["room_id"]), reverse=True
        )

    def change(self, frame: Json) -> None:
        """Apply a LOBBY_CHANGED, which must say something, and nothing that is known already."""
        require(bool(frame["upserted"] or frame["removed"]), f"nothing has changed: {frame!r}")
        for room_id in frame["removed"]:
            require(room_id in self._rooms, f"a room is gone that was not there: {frame!r}")
            del self._rooms[room_id]
        for room in frame["upserted"]:
            require(self._rooms.get(room["room_id"]) != room, f"told twice: {room!r}")
            self._rooms[room["room_id"]] = room
        self._check_length()

    def _check_length(self) -> None:
        require(len(self._rooms) <= LONGEST, f"the lobby shows {len(self._rooms)} rooms")
