"""`Unavailable` means: certainly not done. Whichever call of a store it comes from, nothing has changed."""

from collections.abc import Awaitable, Callable

import pytest

from gameroom.errors import Unavailable
from gameroom.identity.accounts import Caller, Registration
from gameroom.identity.identity import Identity
from gameroom.identity.profile import ProfileChange
from tests.unit.identity.ailing_stores import AilingStores
from tests.unit.identity.hand_clock import HandClock
from tests.unit.identity.parts import memory_identity

ADA = Registration(username="Ada", password="correct horse")
BOB = Registration(username="Bob", password="correct horse")
KEY, NEW_KEY = "key-0123456789-abcdef", "new-0123456789-abcdef"
DEVICE = "device-0123456789"


class Scene:
    """Ada has registered with a key and has a ticket; a guest is known by its device."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.stores = AilingStores()
        self.identity = memory_identity(self.clock, self.stores)

    async def set(self) -> None:
        ada = await self.identity.accounts.register(ADA, KEY)
        self.user_id = ada.account.user_id
        self.refresh_token = ada.refresh_token.token
        sign_in_id = ada.refresh_token.sign_in_id
        self.access_token = self.identity.tokens.issue(self.user_id, sign_in_id, ()).token
        self.sign_in_id = sign_in_id
        self.ada = Caller(self.user_id, sign_in_id)
        expires_at = self.clock.now() + 900_000
        self.ticket = (await self.identity.tickets.issue(sign_in_id, expires_at)).ticket
        gus = await self.identity.accounts.guest(DEVICE, None, None)
        self.gus = Caller(gus.account.user_id, gus.refresh_token.sign_in_id)


Deed = Callable[[Identity, Scene], Awaitable[object]]


async def by_password(identity: Identity, _: Scene) -> object:
    account = await identity.accounts.authenticate("Ada", "correct horse")
    return await identity.sign_ins.open(account.user_id, account.password_hash)


DEEDS: dict[str, Deed] = {
    "register": lambda identity, _: identity.accounts.register(BOB, None),
    "register with a key": lambda identity, _: identity.accounts.register(BOB, NEW_KEY),
    "register again": lambda identity, _: identity.accounts.register(ADA, KEY),
    "a guest": lambda identity, _: identity.accounts.guest(None, None, None),
    "a guest with a key": lambda identity, _: identity.accounts.guest(None, None, NEW_KEY),
    "a guest with a device": lambda identity, _: identity.accounts.guest(DEVICE, None, None),
    "by password": by_password,
    "change the profile": lambda identity, scene: identity.changes.profile(
        scene.ada, ProfileChange(display_name="A")
    ),
    "change the password": lambda identity, scene: identity.changes.password(
        scene.ada, "correct horse", "another horse"
    ),
    "upgrade": lambda identity, scene: identity.changes.upgrade(scene.gus, "Gus", "correct horse"),
    "upgrade again": lambda identity, scene: identity.changes.upgrade(scene.ada, "Ada", "correct horse"),
    "delete": lambda identity, scene: identity.changes.delete(scene.ada),
    "refresh": lambda identity, scene: identity.sign_ins.refresh(scene.refresh_token),
    "sign out": lambda identity, scene: identity.sign_ins.end(scene.refresh_token),
    "sign out everywhere": lambda identity, scene: identity.sign_ins.end_all(scene.user_id),
    "buy a ticket": lambda identity, scene: identity.tickets.issue(scene.sign_in_id, scene.clock.now()),
    "redeem a ticket": lambda identity, scene: identity.access.redeem(scene.ticket),
    "show a token": lambda identity, scene: identity.access.authenticate(scene.access_token),
    "suspend": lambda identity, scene: identity.accounts.suspend(scene.user_id, None),
}

MOST_CALLS = 5


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
async def test_unavailable_means_that_nothing_was_changed(deed: Deed) -> None:
    refusals = 0
    for calls_before in range(MOST_CALLS):
        scene = Scene()
        await scene.set()
        before = scene.stores.contents()
        scene.stores.to_come = calls_before
        try:
            await deed(scene.identity, scene)
        except Unavailable:
            refusals += 1
            assert scene.stores.contents() == before
            await deed(scene.identity, scene)  # and it may be done again
        else:
            break
    assert 0 < refusals < MOST_CALLS
