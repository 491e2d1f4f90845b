"""How often a user may try to guess the password of a room."""

import asyncio

import pytest

from gameroom.errors import RateLimited, WrongRoomPassword
from gameroom.protocol.commands import CreateRoom, JoinRoom, LeaveRoom
from gameroom.rooms import guessing
from gameroom.rooms.guessing import WINDOW_S, WRONG_A_MINUTE
from gameroom.rooms.rooms import Outcome
from tests.unit.rooms.node import ROOM, Node, node

LOCKED = CreateRoom(game="relay", password="sesame")
RIGHT, WRONG = JoinRoom(password="sesame"), JoinRoom(password="simsim")


async def guess_at_once(node: Node, guesses: int, user: str = "bob") -> list[Outcome]:
    return await asyncio.gather(*(node.ask(user, WRONG) for _ in range(guesses)))


async def test_who_tries_many_passwords_is_told_to_wait() -> None:
    """Found by a newcomer: 150 of them in a third of a second."""
    async with node() as first:
        await first.do("ann", LOCKED)
        outcomes = await guess_at_once(first, 150)
        assert {type(o) for o in outcomes[:WRONG_A_MINUTE]} == {WrongRoomPassword}
        assert {type(o) for o in outcomes[WRONG_A_MINUTE:]} == {RateLimited}
        refused = await first.outcome("bob", RIGHT)
        assert isinstance(refused, RateLimited)
        assert refused.retry_after_ms is not None
        assert refused.retry_after_ms <= WINDOW_S * 1000 + 1
        await first.do("cid", RIGHT)
        first.clock.moment += refused.retry_after_ms
        await first.do("bob", RIGHT)


async def test_right_passwords_are_not_counted() -> None:
    async with node() as first:
        await first.do("ann", LOCKED)
        await guess_at_once(first, WRONG_A_MINUTE - 1)
        for _ in range(3):
            await first.do("bob", RIGHT)
            await first.do("bob", LeaveRoom())
        assert isinstance(await first.outcome("bob", WRONG), WrongRoomPassword)
        assert isinstance(await first.outcome("bob", RIGHT), RateLimited)


async def test_who_brings_no_password_or_the_code_does_not_guess() -> None:
    async with node() as first:
        await first.do("ann", LOCKED)
        await guess_at_once(first, WRONG_A_MINUTE)
        assert isinstance(await first.outcome("bob", JoinRoom()), WrongRoomPassword)
        code = first.journal.rooms[ROOM].listing.invite_code
        await first.do("bob", JoinRoom(invite_code=code))
        await first.do("bob", WRONG)


async def test_each_room_counts_for_itself() -> None:
    async with node() as first:
        await first.do("ann", LOCKED)
        await first.do("ann", LOCKED, "another")
        await guess_at_once(first, WRONG_A_MINUTE)
        await first.do("bob", RIGHT, "another")


async def test_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "MOST_COUNTED", 1)
    async with node() as first:
        await first.do("ann", LOCKED)
        await guess_at_once(first, WRONG_A_MINUTE)
        await guess_at_once(first, 1, "cid")
        await first.do("bob", RIGHT)
