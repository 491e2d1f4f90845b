"""What every connection of a gateway works with."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from gameroom.clock import Clock, Millis
from gameroom.errors import Unavailable
from gameroom.gateway.closing import refusal_of
from gameroom.gateway.handshake import BearerCredential, Credential
from gameroom.gateway.hub import Hub
from gameroom.gateway.limits import FrameLimit
from gameroom.gateway.lobby import Lobby
from gameroom.gateway.policy import GatewayPolicy
from gameroom.gateway.recent import Recent
from gameroom.gateway.traffic import Traffic
from gameroom.identity.access import Principal
from gameroom.identity.account import account_gone
from gameroom.identity.revocations import Revocation
from gameroom.protocol.views import User
from gameroom.rooms.room_passwords import RoomPasswords
from gameroom.rooms.rooms import Rooms
from gameroom.tasks import Tasks


class Access(Protocol):
    """The door, as `identity.access.Access` keeps it."""

    async def authenticate(self, access_token: str) -> Principal:
        """Raises `Unauthenticated`, `TokenExpired`, `AccountSuspended`."""

    async def redeem(self, ticket: str) -> Principal:
        """The same for a single-use ticket, which is spent whatever it is refused for, but for `Unavailable`."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Made once per gateway."""

    policy: GatewayPolicy
    clock: Clock
    access: Access
    rooms: Rooms
    hub: Hub
    lobby: Lobby
    tasks: Tasks
    passwords: RoomPasswords
    revocations: Recent[Revocation]
    """By sign-in."""

    news: Recent[User | None]
    """Users as they are now; None: deleted."""

    traffic: Traffic

    async def identify(self, credential: Credential) -> Principal:
        """Whose credential it is, as of now. Raises as `Access` does, and `Unavailable` when that takes too long.

        Whoever uses the answer before anything else can happen misses no revocation, and no news of the user. Its
        roles are as they were read: news may be late, and a role that was taken away must not come back by it.
        """
        told_before = self.news.told
        principal = await self._holder(credential)
        if revocation := self.revocations.last(principal.sign_in_id, None):
            raise refusal_of(revocation)
        user = self.news.last(principal.user.user_id, principal.user, since=told_before)
        if user is None:
            raise account_gone()
        return replace(principal, user=replace(user, roles=principal.user.roles))

    async def _holder(self, credential: Credential) -> Principal:
        try:
            async with asyncio.timeout(self.policy.step_timeout_s):
                if isinstance(credential, BearerCredential):
                    return await self.access.authenticate(credential.secret)
                return await self.access.redeem(credential.secret)
        except TimeoutError:
            raise Unavailable("Signing in takes too long right now") from None

    def new_frame_limit(self) -> FrameLimit:
        """What one socket may send."""
        return FrameLimit(self.clock, self.policy.frames_per_second, self.policy.frame_burst)

    def seconds_left(self, principal: Principal) -> int:
        """Whole seconds until the principal's token ends; 0 if it has."""
        left: Millis = principal.expires_at - self.clock.now()
        return max(0, left // 1000)
