"""What every connection of a gateway works with."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from gameroom.clock import Clock, Millis
from gameroom.errors import Unavailable
from gameroom.gateway.handshake import BearerCredential, Credential
from gameroom.gateway.hub import Hub
from gameroom.gateway.policy import GatewayPolicy
from gameroom.gateway.recent_revocations import RecentRevocations
from gameroom.gateway.room_passwords import RoomPasswords
from gameroom.identity.access import Principal
from gameroom.rooms.rooms import Rooms
from gameroom.tasks import Tasks


class Access(Protocol):
    """The door, as `identity.access.Access` keeps it."""

    async def authenticate(self, access_token: str) -> Principal:
        """Raises `Unauthenticated`, `TokenExpired`, `AccountSuspended`."""

    async def redeem(self, ticket: str) -> Principal:
        """The same for a single-use ticket, which is spent whatever comes of it."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Made once per gateway."""

    policy: GatewayPolicy
    clock: Clock
    access: Access
    rooms: Rooms
    hub: Hub
    tasks: Tasks
    passwords: RoomPasswords
    revocations: RecentRevocations

    async def identify(self, credential: Credential) -> Principal:
        """Whose credential it is. Raises as `Access` does, and `Unavailable` when that takes too long."""
        try:
            async with asyncio.timeout(self.policy.step_timeout_s):
                if isinstance(credential, BearerCredential):
                    return await self.access.authenticate(credential.secret)
                return await self.access.redeem(credential.secret)
        except TimeoutError:
            raise Unavailable("Signing in takes too long right now") from None

    def seconds_left(self, principal: Principal) -> int:
        """Whole seconds until the principal's token ends; 0 if it has."""
        left: Millis = principal.expires_at - self.clock.now()
        return max(0, left // 1000)
