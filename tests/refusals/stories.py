"""Refusals that take more than one frame to come to, each as a story that ends with one."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import uuid4

from tests.kit.aged import aged
from tests.kit.operator import users
from tests.kit.people import People
from tests.kit.player import DEADLINE, Answer, Player
from tests.kit.server import Server
from tests.kit.tables import sit_down
from tests.kit.wire import Json, Refused

T = TypeVar("T")

ATTEMPTS_PER_ACCOUNT = 2
MAILBOX = 3
DEADLINE_MS = 700
"""Settings of the server at which the stories are told; it is in production."""

HOURS = 9_999
"""Seconds, of a token that has expired."""

REMEMBERED = 128
"""Commands of a member that a room remembers."""


class Story(NamedTuple):
    code: str
    params: Json | None
    tell: Callable[[People], Awaitable[Refused]]

    def __str__(self) -> str:
        return self.tell.__name__


async def refusal(answer: Awaitable[object]) -> Refused:
    """The refusal that this must end with."""
    try:
        done = await answer
    except Refused as refused:
        return refused
    raise AssertionError(f"not refused: {done!r}")


async def within(answer: Awaitable[T]) -> T:
    """What comes of it, while the deadline of a single answer lasts."""
    async with asyncio.timeout(DEADLINE):
        return await answer


# --- who is asking --------------------------------------------------------------------------------------------


def database_of(server: Server) -> Path:
    return server.data_dir / "gameroom.db"


def change(server: Server, statement: str, *values: object) -> None:
    """Write to the database from outside, as an operator might."""
    with sqlite3.connect(database_of(server)) as connection:
        changed = connection.execute(statement, values).rowcount
    connection.close()
    assert changed > 0, statement


async def a_token_that_has_expired(people: People) -> Refused:
    account = await people.guest()
    player = await people.connect(account)
    return await refusal(player.ask("AUTHENTICATE", access_token=aged(people.server, account, HOURS)))


async def a_token_that_has_expired_at_the_door(people: People) -> Refused:
    account = await people.guest()
    account.tokens["access_token"] = aged(people.server, account, HOURS)
    return await refusal(people.connect(account))


async def a_suspended_account(people: People) -> Refused:
    account = await people.guest()
    await users(people.server, "suspend", account.user_id)
    return await refusal(people.connect(account))


async def a_suspended_account_by_rest(people: People) -> Refused:
    account = await people.guest()
    await users(people.server, "suspend", account.user_id)
    return await refusal(people.api.me(account.access_token))


# --- too much -------------------------------------------------------------------------------------------------


async def more_frames_than_the_burst(people: People) -> Refused:
    player = await people.newcomer()
    answers = [await player.send("PING") for _ in range(300)]
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    refused = next(outcome for outcome in outcomes if isinstance(outcome, Refused))
    assert refused.body["retry_after_ms"] > 0
    return refused


async def more_sign_ins_than_allowed(people: People) -> Refused:
    """The limit counts attempts, whether or not there is such an account."""
    wrong = {"grant_type": "password", "username": f"name-{uuid4().hex[:20]}", "password": "wrong horse"}
    for _ in range(ATTEMPTS_PER_ACCOUNT):
        assert (await refusal(people.api.token(**wrong))).code == "invalid_credentials"
    return await refusal(people.api.token(**wrong))


async def a_frame_that_is_too_big(people: People) -> Refused:
    player = await people.newcomer()
    await player.send_frame({"type": "PING", "id": "x" * 65_536})
    error = await player.expect("ERROR", id=None)
    assert (await player.closed()).code == 1009
    return Refused(error)


# --- ids and seeds --------------------------------------------------------------------------------------------


async def an_id_that_was_forgotten(people: People) -> Refused:
    """A room's memory holds a member's last commands; what is older is refused, never done a second time."""
    player = await people.newcomer()
    await player.create("relay")
    for number in range(REMEMBERED + 1):
        await player.ask("SEND_CHAT", id=f"c-{number}", text=f"{number}")
    player.heard()
    assert (await player.ask("SEND_CHAT", id="c-1", text="1")).repeated
    refused = await refusal(player.ask("SEND_CHAT", id="c-0", text="0"))
    await player.ask("PING")
    assert not player.heard()
    return refused


async def a_seed_in_production(people: People) -> Refused:
    game = await sit_down(people)
    for player in game.seats:
        await player.ask("SET_READY", room_id=game.room_id, ready=True)
    before = game.seats[0].room.position
    refused = await refusal(game.seats[0].ask("START_GAME", seed=1))
    await people.verify()
    assert game.seats[0].room.position == before
    return refused


# --- a server in trouble --------------------------------------------------------------------------------------


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Hold the write lock of the server's database, as a backup or a shell of somebody's might."""
    connection = sqlite3.connect(database_of(server), isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


async def say(player: Player, text: str) -> Answer:
    """Begin to say something under an id that is the text."""
    return await player.send("SEND_CHAT", id=text, text=text)


async def begin_to_say(player: Player, text: str) -> Awaitable[object]:
    """The same; what is said next comes too late to be stored together with it."""
    answer = await say(player, text)
    await player.ask("PING")
    return answer


async def a_command_that_waited_too_long(people: People) -> Refused:
    """The one being stored is not answered before its outcome is known; the one behind it is withdrawn in time."""
    player = await people.newcomer()
    await player.create("relay")
    before = player.room.position.seq
    with locked(people.server):
        stored = await begin_to_say(player, "stored")
        waiting = await say(player, "waiting")
        refused = await within(refusal(waiting))
        assert not player.heard()
    await within(stored)
    assert player.room.position.seq == before + 1
    await (await say(player, "waiting"))
    assert player.room.position.seq == before + 2
    return refused


async def a_mailbox_that_is_full(people: People) -> Refused:
    player = await people.newcomer()
    await player.create("relay")
    before = player.room.position.seq
    with locked(people.server):
        stored = await begin_to_say(player, "stored")
        waiting = [await say(player, f"waiting {n}") for n in range(MAILBOX)]
        refused = await within(refusal(await say(player, "too many")))
        # At once: those that came before it have not waited too long yet.
        assert not player.heard() and not any(answer.done() for answer in waiting)
    await within(stored)
    outcomes = [await within(_settled(answer)) for answer in waiting]
    assert player.room.position.seq == before + 1 + sum(outcomes)
    return refused


async def _settled(answer: Awaitable[object]) -> bool:
    """Whether it was done; the deadline may have come first."""
    try:
        await answer
    except Refused as refused:
        assert refused.code == "unavailable"
        return False
    return True


async def a_room_whose_journal_is_damaged(people: People) -> Refused:
    """Nothing is known of it that could be shown, and it stays as it is; other rooms are not touched."""
    account, other = await people.guests("Alice", "Bob")
    room_id = await (await people.connect(account)).create("relay")
    healthy = await (await people.connect(other)).create("relay")
    people.server.kill9()
    change(people.server, "UPDATE records SET body = x'00' WHERE room_id = ?", room_id)
    people.server.start()
    await (await people.connect(other)).join(healthy)
    return await refusal((await people.connect(account)).join(room_id))


@contextmanager
def taking_nothing_of(server: Server, room_id: str) -> Iterator[None]:
    """Meanwhile the database refuses every record of the room."""
    refuse = f"BEFORE INSERT ON records WHEN NEW.room_id = '{room_id}' BEGIN SELECT RAISE(ABORT, 'no'); END"
    with sqlite3.connect(database_of(server)) as connection:
        connection.execute(f"CREATE TRIGGER taking_nothing {refuse}")
        yield
        connection.execute("DROP TRIGGER taking_nothing")
    connection.close()


async def a_command_that_the_database_does_not_take(people: People) -> Refused:
    """The room is opened again as it was, and goes on once it can; other rooms are not touched."""
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id, healthy = await alice.create("relay"), await bob.create("relay")
    with taking_nothing_of(people.server, room_id):
        refused = await refusal(alice.ask("SEND_CHAT", room_id=room_id, text="is not taken"))
        await bob.ask("SEND_CHAT", room_id=healthy, text="is taken")
    await alice.ask("SEND_CHAT", room_id=room_id, text="is taken")
    await alice.verify()
    return refused


STORIES = [
    Story("token_expired", None, a_token_that_has_expired),
    Story("token_expired", None, a_token_that_has_expired_at_the_door),
    Story("account_suspended", {"until": None}, a_suspended_account),
    Story("account_suspended", {"until": None}, a_suspended_account_by_rest),
    Story("rate_limited", None, more_frames_than_the_burst),
    Story("rate_limited", None, more_sign_ins_than_allowed),
    Story("message_too_big", {"limit": 65_536}, a_frame_that_is_too_big),
    Story("id_reused", {"reason": "expired"}, an_id_that_was_forgotten),
    Story("forbidden", {"reason": "development_only"}, a_seed_in_production),
    Story("unavailable", None, a_command_that_waited_too_long),
    Story("unavailable", None, a_mailbox_that_is_full),
    Story("room_closed", None, a_room_whose_journal_is_damaged),
    Story("internal", None, a_command_that_the_database_does_not_take),
]
