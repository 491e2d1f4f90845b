"""Tickets in SQL."""

import msgspec
from sqlalchemy import Connection, delete, insert, select

from gameroom.clock import Millis
from gameroom.identity.tickets import Taken, Ticket
from gameroom.storage.engine import Database
from gameroom.storage.insistence import settled
from gameroom.storage.sign_ins import holder_of
from gameroom.storage.tables import tickets


class SqlTickets:
    """Implements `TicketStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, ticket: Ticket, now: Millis) -> None:
        def work(connection: Connection) -> None:
            connection.execute(delete(tickets).where(tickets.c.expires_at <= now))
            if not is_kept(connection, ticket.ticket_hash):
                connection.execute(insert(tickets).values(msgspec.structs.asdict(ticket)))

        await settled(self._database, work)

    async def take(self, ticket_hash: bytes) -> Taken | None:
        if not await self._database.read(lambda c: is_kept(c, ticket_hash)):
            return None
        # After a COMMIT in doubt the second attempt may find it gone, by whoever: then it opens nothing.
        return await settled(self._database, lambda c: take_ticket(c, ticket_hash))


def is_kept(connection: Connection, ticket_hash: bytes) -> bool:
    query = select(tickets.c.expires_at).where(tickets.c.ticket_hash == ticket_hash)
    return connection.execute(query).first() is not None


def take_ticket(connection: Connection, ticket_hash: bytes) -> Taken | None:
    take = delete(tickets).where(tickets.c.ticket_hash == ticket_hash).returning(tickets)
    row = connection.execute(take).mappings().one_or_none()
    return Taken(Ticket(**row), holder_of(connection, row["sign_in_id"])) if row else None
