"""Who is connected from where. No part of the state: a thousand rejoins after a crash cause no thousand events."""

from typing import NamedTuple

from gameroom.protocol.commands import Updates


class Link(NamedTuple):
    """The connection on which a member last joined, and how it wants to hear of changes."""

    connection_id: str
    updates: Updates


class Presence:
    """Changes with each decision. What was decided, but could not be stored, is undone by `rollback`."""

    def __init__(self) -> None:
        self._attached: dict[str, Link] = {}
        self._before: dict[str, Link | None] = {}
        self.without_patches: set[str] = set()
        """Members that want the whole view with each change."""

    def attach(self, user_id: str, connection_id: str, updates: Updates) -> None:
        self._change(user_id, Link(connection_id, updates))

    def detach(self, user_id: str) -> None:
        """The room has decided that the user is not in it any more."""
        self._change(user_id, None)

    def gone(self, user_id: str) -> None:
        """The connection itself is gone, whatever the room decides, and whether that can be stored or not."""
        self._put(user_id, None)
        self._before.pop(user_id, None)

    def clear(self) -> None:
        for user_id in tuple(self._attached):
            self.detach(user_id)

    def settle(self) -> None:
        """What was decided is stored."""
        self._before.clear()

    def rollback(self) -> None:
        """What was decided since the last `settle` is certainly not stored."""
        for user_id, link in self._before.items():
            self._put(user_id, link)
        self._before.clear()

    def is_attached(self, user_id: str, connection_id: str) -> bool:
        """Whether the user joined last on this very connection."""
        link = self._attached.get(user_id)
        return link is not None and link.connection_id == connection_id

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._attached

    def __bool__(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._attached)

    def _change(self, user_id: str, link: Link | None) -> None:
        self._before.setdefault(user_id, self._attached.get(user_id))
        self._put(user_id, link)

    def _put(self, user_id: str, link: Link | None) -> None:
        if link is None:
            self._attached.pop(user_id, None)
        else:
            self._attached[user_id] = link
        if link is not None and link.updates == "view":
            self.without_patches.add(user_id)
        else:
            self.without_patches.discard(user_id)
