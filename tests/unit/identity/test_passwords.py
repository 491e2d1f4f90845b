"""Passwords: what is stored, what is told, and who waits."""

import asyncio
import threading
from dataclasses import replace

import pytest

from gameroom.errors import Unavailable
from gameroom.identity.passwords import HashingPolicy, Passwords, Verdict
from tests.unit.identity.parts import CHEAP


async def test_the_default_is_what_owasp_asks_for() -> None:
    stored = await Passwords(HashingPolicy()).hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_right_and_wrong() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("correct horse")
    assert stored != await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", stored) == Verdict(True)
    assert await passwords.verify("correct horsf", stored) == Verdict(False)


async def test_a_hash_of_an_older_policy_is_replaced() -> None:
    old = await Passwords(CHEAP).hash("correct horse")
    passwords = Passwords(replace(CHEAP, passes=2))
    verdict = await passwords.verify("correct horse", old)
    assert verdict.right
    assert verdict.rehashed is not None
    assert await passwords.verify("correct horse", verdict.rehashed) == Verdict(True)
    assert (await passwords.verify("wrong", old)).rehashed is None


@pytest.mark.parametrize(("password", "known"), [("correct horse", False), ("x" * 257, True)])
async def test_who_cannot_be_right_costs_a_hash_like_who_can(
    password: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash(password) if known else None
    costs: list[str] = []
    context = "passlib.context.CryptContext"
    monkeypatch.setattr(f"{context}.dummy_verify", lambda _: costs.append("a dummy"))
    monkeypatch.setattr(f"{context}.verify_and_update", lambda *_: costs.append("the real one"))
    assert await passwords.verify(password, stored) == Verdict(False)
    assert costs == ["a dummy"]


class Gate:
    """Hashes that begin, and end when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running = 0
        self.most = 0
        self._open = threading.Event()
        self._count = threading.Lock()
        monkeypatch.setattr("passlib.context.CryptContext.hash", lambda _, secret: self._hash(secret))

    def _hash(self, secret: str) -> str:
        with self._count:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self._open.wait(10)
        with self._count:
            self.running -= 1
        return f"hash of {secret}"

    def open(self) -> None:
        self._open.set()


async def test_no_more_run_at_once_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, gate = Passwords(replace(CHEAP, concurrency=2)), Gate(monkeypatch)
    many = [asyncio.create_task(passwords.hash(str(number))) for number in range(8)]
    gate.open()
    assert await asyncio.gather(*many) == [f"hash of {number}" for number in range(8)]
    assert gate.most <= 2


async def test_who_finds_too_many_waiting_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, gate = Passwords(replace(CHEAP, concurrency=1, max_waiting=1)), Gate(monkeypatch)
    first = asyncio.create_task(passwords.hash("first"))
    second = asyncio.create_task(passwords.hash("second"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.hash("third")
    gate.open()
    assert list(await asyncio.gather(first, second)) == ["hash of first", "hash of second"]


async def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, gate = Passwords(replace(CHEAP, concurrency=1, patience_s=0.01)), Gate(monkeypatch)
    first = asyncio.create_task(passwords.hash("first"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as told:
        await passwords.hash("second")
    assert told.value.retry_after_ms
    gate.open()
    assert await first == "hash of first"
