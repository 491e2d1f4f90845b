"""Who is connected from where. No part of the state: a thousand rejoins after a crash cause no thousand events."""

from msgspec import Struct

from gameroom.protocol.commands import Updates


class Attachment(Struct, frozen=True):
    """The connection on which a member last joined, and how it wants to hear of changes."""

    connection_id: str
    updates: Updates


class Presence:
    """Changes with each decision. What was decided, but could not be stored, is undone by `rollback`."""

    def __init__(self) -> None:
        self._attached: dict[str, Attachment] = {}
        self._before: dict[str, Attachment | None] = {}
        self.without_patches: set[str] = set()
        """Members that want the whole view with each change."""

    def attach(self, user_id: str, connection_id: str, updates: Updates) -> None:
        self._change(user_id, Attachment(connection_id, updates))

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
        for user_id, attachment in self._before.items():
            self._put(user_id, attachment)
        self._before.clear()

    def is_attached(self, user_id: str, connection_id: str) -> bool:
        """Whether the user joined last on this very connection."""
        attachment = self._attached.get(user_id)
        return attachment is not None and attachment.connection_id == connection_id

    def users(self) -> list[str]:
        return list(self._attached)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._attached

    def __bool__(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._attached)

    def _change(self, user_id: str, attachment: Attachment | None) -> None:
        self._before.setdefault(user_id, self._attached.get(user_id))
        self._put(user_id, attachment)

    def _put(self, user_id: str, attachment: Attachment | None) -> None:
        if attachment is None:
            self._attached.pop(user_id, None)
        else:
            self._attached[user_id] = attachment
        if attachment is not None and attachment.updates == "view":
            self.without_patches.add(user_id)
        else:
            self.without_patches.discard(user_id)
