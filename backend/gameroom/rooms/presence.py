"""Who is connected from where. No part of the state: a thousand rejoins after a crash cause no thousand events."""

from gameroom.protocol.commands import Updates


class Presence:
    """The connection on which each member last joined, and how it wants to hear of changes."""

    def __init__(self) -> None:
        self._connections: dict[str, str] = {}
        self.without_patches: set[str] = set()
        """Members that want the whole view with each change."""

    def attach(self, user_id: str, connection_id: str, updates: Updates) -> None:
        self._connections[user_id] = connection_id
        if updates == "view":
            self.without_patches.add(user_id)
        else:
            self.without_patches.discard(user_id)

    def detach(self, user_id: str) -> None:
        self._connections.pop(user_id, None)
        self.without_patches.discard(user_id)

    def clear(self) -> None:
        self._connections.clear()
        self.without_patches.clear()

    def is_attached(self, user_id: str, connection_id: str) -> bool:
        """Whether the user joined last on this very connection."""
        return self._connections.get(user_id) == connection_id

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._connections

    def __bool__(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._connections)

    def users(self) -> list[str]:
        return list(self._connections)
