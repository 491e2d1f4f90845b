"""What each database has of its own, behind one contract: `storage.sqlite` and `storage.postgres` keep it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gameroom.rooms.journal import Snapshot, Unit


class Pool(Struct, frozen=True):
    """An engine of at most `size` connections.

    `autocommit`: every statement is a transaction of its own.
    """

    engine: Engine
    size: int
    autocommit: bool = False


class Pools(Struct, frozen=True):
    """The connections of a server. `appender` may be the `writer`: then all writes take turns."""

    writer: Pool
    appender: Pool
    reader: Pool


class Backend(Protocol):
    @property
    def name(self) -> str:
        """Which database it is, for the operator: without user and password."""

    def held(self) -> AbstractContextManager[None]:
        """Held as long as the database is open, against others who must not use it. Raises `DatabaseUnusable`."""

    def pools(self) -> Pools:
        """Raises `DatabaseUnusable`."""

    def migrator(self) -> Engine:
        """An engine for changes of the schema, however long they take. Raises `DatabaseUnusable`."""

    def looker(self) -> Engine:
        """An engine that only reads, for a look beside a server. Raises `DatabaseUnusable` where there is nothing."""

    def beside(self) -> "Backend":
        """The same for a moment's work beside a server. Raises `DatabaseUnusable` where there is nothing."""

    def check(self, connection: Connection) -> None:
        """Raises `DatabaseUnusable` where the database is damaged, as far as can be seen at once."""

    def lock_schema(self, connection: Connection) -> None:
        """Returns when nobody else changes the schema, until the transaction ends."""

    # --- errors -----------------------------------------------------------------------------------------------

    def sentence_of(self, error: DBAPIError) -> str | None:
        """What ails the database, for the operator; None if the statement was at fault."""

    def certainly_undone(self, error: DBAPIError) -> bool:
        """Whether a COMMIT, or a statement that commits by itself, has left nothing if it failed so."""

    def gave_way(self, error: DBAPIError) -> bool:
        """Whether this was rolled back in favour of another transaction, so that it may be done again at once."""

    # --- the journal's work -----------------------------------------------------------------------------------

    def store_batch(self, connection: Connection, units: Sequence[Unit]) -> list[bool]:
        """Store the units of those rooms whose term they bear; tells for each whether it was stored or fenced.

        Raises whatever the database raises: then one of the units is at fault, and none is stored.
        """

    def settle(self, connection: Connection, unit: Unit) -> None:
        """Store one unit that may be stored already, or that may be at fault.

        Raises `Fenced`, `Refused`, or what the database raises: nothing of it is stored then.
        """

    def keep_snapshots(self, connection: Connection, kept: Sequence[Snapshot]) -> list[bool]:
        """Keep the snapshots, of rooms that are all different, whose term is the room's; tells for each whether it is.

        A newer one that is stored already stays. To do it again changes nothing. Raises as `store_batch` does.
        """
