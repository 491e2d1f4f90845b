"""What was answered about an account holds after `kill -9`: who is deleted stays so, a new password is the password."""

import asyncio
from uuid import uuid4

import pytest

from tests.conftest import Servers
from tests.kit.api import Account
from tests.kit.people import People, gathering
from tests.kit.wire import Refused

PASSWORD, OTHER = "correct horse battery", "another horse battery"


async def by_password(people: People, account: Account, password: str) -> None:
    await people.api.token(grant_type="password", username=str(account.user["username"]), password=password)


async def test_what_was_answered_about_accounts_holds_after_a_death(servers: Servers) -> None:
    server = servers.start()
    device = f"device-{uuid4().hex}"
    async with gathering(server) as people:
        gone = await people.api.upgrade(await people.api.guest("Gus", device_id=device), "gus", PASSWORD)
        ada = await people.api.register("ada", PASSWORD)
        changed = await people.api.update_me(ada, display_name="Ada L.")
        await people.api.change_password(ada, PASSWORD, OTHER)
        await people.api.delete_me(gone)
        server.kill9()
        await asyncio.to_thread(server.start)

        assert await people.api.me(ada.access_token) == changed
        await by_password(people, ada, OTHER)
        for refused in (
            by_password(people, ada, PASSWORD),
            by_password(people, gone, PASSWORD),
            people.api.me(gone.access_token),
            people.api.refresh(gone.refresh_token),
            people.connect(gone),
        ):
            with pytest.raises(Refused) as told:
                await refused
            assert told.value.status == 401
        assert (await people.api.guest("Gus", device_id=device)).user_id != gone.user_id
        assert (await people.api.register("GUS", PASSWORD)).user_id != gone.user_id
