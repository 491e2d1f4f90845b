"""Bugs of accounts and sign-ins that got out, one named test for each."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gameroom.identity.tokens import Claims
from tests.integration.front_door import House, open_house
from tests.kit.api import bearer

PASSWORD = "correct horse"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users/me/upgrade", b'{"username": "Gus", "password": "correct horse"}'),
        ("PATCH", "/users/me", b'{"display_name": "Somebody else"}'),
        ("POST", "/users/me/password", b'{"current_password": "", "new_password": "another horse"}'),
    ],
    ids=["upgrade", "profile", "password"],
)
async def test_a_token_that_is_revoked_while_the_body_dribbles_acts_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: bytes
) -> None:
    """Who was signed out everywhere went on: the caller was identified, and then their body waited for."""
    gus = await house.api.guest("Gus")
    checked, revoked = asyncio.Event(), asyncio.Event()
    claims_of = house.identity.access.claims_of

    def noticed(access_token: str) -> Claims:
        checked.set()
        return claims_of(access_token)

    async def dribbling() -> AsyncIterator[bytes]:
        yield body[:10]
        await revoked.wait()
        yield body[10:]

    monkeypatch.setattr(house.identity.access, "claims_of", noticed)
    headers = bearer(gus.access_token)
    call = asyncio.create_task(
        house.api.request(method, f"/api/v1{path}", content=dribbling(), headers=headers)
    )
    await checked.wait()
    await house.identity.sign_ins.end_all(gus.user_id)
    revoked.set()
    answer = await call
    assert (answer.status_code, answer.json()["detail"]) == (401, "This sign-in has ended")


async def test_a_stranger_is_refused_before_the_body(house: House) -> None:
    """The other side of the same: nobody without a signature of ours may keep a call open with a body."""
    where = urlsplit(house.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(
        b"PATCH /api/v1/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer junk\r\nContent-Length: 9\r\n\r\n"
    )
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()
    await writer.wait_closed()


async def test_a_sign_in_that_ends_while_a_password_is_hashed_upgrades_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gus = await house.api.guest("Gus")
    passwords = house.identity.changes._passwords
    hash_ = passwords.hash

    async def slow(password: str) -> str:
        await house.identity.sign_ins.end_all(gus.user_id)
        return await hash_(password)

    monkeypatch.setattr(passwords, "hash", slow)
    body = {"username": "Gus", "password": PASSWORD}
    answer = await house.api.request(
        "POST", "/api/v1/users/me/upgrade", json=body, headers=bearer(gus.access_token)
    )
    assert (answer.status_code, answer.json()["detail"]) == (401, "This sign-in has ended")
    again = await house.api.request("POST", "/api/v1/auth/register", json=body)
    assert again.status_code == 201  # the name is free
