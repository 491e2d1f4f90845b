"""`gameroom users show | grant | revoke | suspend | reinstate | sign-out`: what an operator does to accounts.

It may run beside a server, which hears within a second of whatever ends a sign-in, and reads roles and suspensions
whenever it asks who somebody is.
"""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

from msgspec import Struct

from gameroom.cli.commands import Commands, NotThere, Run, add_command, takes_places
from gameroom.cli.moments import LAST_MOMENT, duration, moment
from gameroom.clock import Millis, SystemClock, rfc3339
from gameroom.errors import Unavailable
from gameroom.identity.account import Account, Suspension
from gameroom.identity.accounts import AccountStore
from gameroom.identity.sign_ins import SignInStore
from gameroom.settings import Settings
from gameroom.storage.accounts import SqlAccounts
from gameroom.storage.engine import Database
from gameroom.storage.failures import DatabaseUnusable, OutcomeUnknown
from gameroom.storage.sign_ins import SqlSignIns

ROLES = ("admin",)

IN_ANEW = "an open socket has it once it connects or authenticates anew"
OUT = "open sockets close within a second"


class BadTime(Exception):
    """A suspension cannot end then; the message says why."""


class Desk(Struct, frozen=True):
    """Where an operator's wishes are done: the stores, at this moment."""

    accounts: AccountStore
    sign_ins: SignInStore
    now: Millis


Deed = Callable[[Desk, Account, Namespace], Awaitable[str]]
"""Does to the account what the command line says; what is printed then. Done twice it is done once."""


def add_to(commands: Commands) -> None:
    users = commands.add_parser(
        "users",
        help="look at accounts, make admins, suspend",
        description="Look at accounts, make admins, suspend. All of it may run beside a server.",
    )
    families = users.add_subparsers(required=True, metavar="COMMAND")
    _add(families, "show", _show, "show an account")
    _takes_role(_add(families, "grant", _grant, "give a role", "Admins host every room, and close any."))
    _takes_role(
        _add(families, "revoke", _revoke, "take a role away", "It also signs the user out everywhere.")
    )
    _takes_end(_add(families, "suspend", _suspend, "keep a user out", "For good, unless an end is given."))
    _add(families, "reinstate", _reinstate, "end a suspension")
    _add(families, "sign-out", _sign_out, "sign a user out everywhere", "They may sign in again at once.")


def _add(commands: Commands, name: str, deed: Deed, what: str, more: str = "") -> ArgumentParser:
    command = add_command(commands, name, _doing(deed), what, more)
    command.add_argument(
        "user",
        metavar="NAME_OR_ID",
        help="a username, or a user id (guests have only that); -- goes before -a-name",
    )
    takes_places(command)
    return command


def _takes_role(command: ArgumentParser) -> None:
    command.add_argument("role", choices=ROLES, metavar="ROLE", help=", ".join(ROLES))


def _takes_end(command: ArgumentParser) -> None:
    end = command.add_mutually_exclusive_group()
    end.add_argument(
        "--until", type=moment, metavar="TIME", help="such as 2026-12-24T18:00:00Z; UTC where it does not say"
    )
    end.add_argument(
        "--for", type=duration, dest="lasting", metavar="TIME", help="such as 90m, 12h, 3d or 2w"
    )


# --- at the desk ----------------------------------------------------------------------------------------------


def _doing(deed: Deed) -> Run:
    def run(settings: Settings, given: Namespace) -> int:
        try:
            print(asyncio.run(_do(settings.database_url, deed, given)))
        except Unavailable as error:
            raise DatabaseUnusable(f"{error.message}; nothing was changed") from error
        except OutcomeUnknown as error:
            raise DatabaseUnusable("Whether it was stored is not known; do it again") from error
        return 0

    return run


async def _do(url: str, deed: Deed, given: Namespace) -> str:
    async with _database(url) as database:
        desk = Desk(SqlAccounts(database), SqlSignIns(database), SystemClock().now())
        return await deed(desk, await _found(desk.accounts, given.user), given)


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[Database]:
    database = Database.beside(url)
    try:
        yield database
    finally:
        await database.close()


async def _found(accounts: AccountStore, name_or_id: str) -> Account:
    """No username is as long as an id, so none can pass for one."""
    account = None
    if name_or_id.isascii():
        account = await accounts.find(name_or_id) or await accounts.find_by_username(name_or_id)
    if account is None:
        raise NotThere(f"there is no user {shown(name_or_id)}; guests have no username, give their id")
    return account


# --- the commands ---------------------------------------------------------------------------------------------


async def _show(desk: Desk, account: Account, _: Namespace) -> str:
    live = await desk.sign_ins.live(account.user_id, desk.now)
    return "\n".join(f"{name:<13} {value}" for name, value in _lines(account, live, desk.now))


def _lines(account: Account, live: int, now: Millis) -> Iterator[tuple[str, str]]:
    yield "user id", account.user_id
    yield "username", account.username or "none: a guest"
    yield "display name", shown(account.display_name)
    yield "roles", ", ".join(account.roles) or "none"
    suspension = _present_suspension(account, now)
    yield "suspended", _until(suspension) if suspension else "no"
    yield "sign-ins", str(live)
    yield "made", rfc3339(account.created_at)


async def _grant(desk: Desk, account: Account, given: Namespace) -> str:
    if given.role in account.roles:
        return f"{_name(account)} has the role {given.role} already; nothing was changed"
    await desk.accounts.grant(account.user_id, given.role)
    return f"{_name(account)} has the role {given.role} now; {IN_ANEW}"


async def _revoke(desk: Desk, account: Account, given: Namespace) -> str:
    if given.role not in account.roles:
        return f"{_name(account)} has no role {given.role}; nothing was changed"
    await desk.accounts.revoke(account.user_id, given.role, desk.now)
    return f"{_name(account)} has the role {given.role} no more, and is signed out; {OUT}"


async def _suspend(desk: Desk, account: Account, given: Namespace) -> str:
    suspension = Suspension(_end(given, desk.now))
    await desk.accounts.suspend(account.user_id, suspension, desk.now)
    return f"{_name(account)} is suspended {_until(suspension)}; {OUT}"


def _end(given: Namespace, now: Millis) -> Millis | None:
    until: Millis | None = now + given.lasting if given.lasting else given.until
    if until is not None and until <= now:
        raise BadTime(f"--until is over already: now it is {rfc3339(now)}")
    if until is not None and until > LAST_MOMENT:
        raise BadTime("nothing ends after the year 9999; without --until and --for it is for good")
    return until


async def _reinstate(desk: Desk, account: Account, _: Namespace) -> str:
    if _present_suspension(account, desk.now) is None:
        return f"{_name(account)} is not suspended; nothing was changed"
    await desk.accounts.reinstate(account.user_id)
    return f"{_name(account)} is not suspended any more, and may sign in again"


async def _sign_out(desk: Desk, account: Account, _: Namespace) -> str:
    await desk.sign_ins.end_all(account.user_id, desk.now)
    return f"{_name(account)} is signed out everywhere; {OUT}"


# --- words ----------------------------------------------------------------------------------------------------


def _name(account: Account) -> str:
    return f"{account.username or shown(account.display_name)} ({account.user_id})"


def shown(text: str) -> str:
    """Text of a player's own, with nothing in it that a terminal would obey."""
    return '"' + "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text) + '"'


def _until(suspension: Suspension) -> str:
    return "for good" if suspension.until is None else f"until {rfc3339(suspension.until)}"


def _present_suspension(account: Account, now: Millis) -> Suspension | None:
    return account.suspension if account.suspension and account.suspension.holds(now) else None
