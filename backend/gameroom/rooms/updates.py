"""What a turn changed in what is seen, and how an event brings it to a viewer."""

from msgspec import UNSET, Raw, Struct, UnsetType

from gameroom.protocol.operation import Operation


class Base(Struct, frozen=True):
    """What a viewer has, and so which update it needs; those with the same base get the same bytes.

    `whole`: its view is to be replaced; `key`: whose view it is; `as_view`: it wants no patches.
    """

    whole: bool
    key: int | None
    as_view: bool


class Update(Struct, frozen=True):
    """How an event changes a view: by a patch, or by the view that takes its place; encoded."""

    patch: Raw | UnsetType = UNSET
    view: Raw | UnsetType = UNSET


NO_UPDATE = Update()


class Change(Struct, frozen=True):
    """What a turn changed in what is seen: `shared` for all alike, and whether the game's view may have changed too."""

    shared: list[Operation]
    game: bool
