"""The gateway, put together from its parts."""

from starlette.routing import BaseRoute, WebSocketRoute

from gameroom.bus.bus import Bus
from gameroom.clock import Clock
from gameroom.gateway.connections import Connections
from gameroom.gateway.endpoint import Nowhere, SocketEndpoint
from gameroom.gateway.environment import Access, Environment
from gameroom.gateway.hub import Hub
from gameroom.gateway.lobby import Lobby
from gameroom.gateway.policy import GatewayPolicy
from gameroom.gateway.recent import Recent
from gameroom.gateway.traffic import Traffic
from gameroom.rooms.reception import Reception
from gameroom.tasks import Tasks
from gameroom.telemetry.metrics import Collector, Level


class Gateway:
    """All sockets of one node. Made, and stopped, by the composition root; needs no start.

    `connections` hears of revocations and of news, and is drained.
    """

    def __init__(
        self,
        policy: GatewayPolicy,
        clock: Clock,
        access: Access,
        reception: Reception,
        bus: Bus,
    ) -> None:
        self._tasks = Tasks()
        traffic = Traffic()
        environment = Environment(
            policy=policy,
            clock=clock,
            access=access,
            rooms=reception.rooms,
            hub=Hub(bus, self._tasks, traffic, policy.step_timeout_s),
            lobby=Lobby(reception.directory, reception.games, self._tasks, policy.step_timeout_s),
            tasks=self._tasks,
            passwords=reception.passwords,
            revocations=Recent(clock),
            news=Recent(clock),
            traffic=traffic,
        )
        self.connections = Connections(environment)
        self._endpoint = SocketEndpoint(environment, self.connections)
        self.collectors: tuple[Collector, ...] = (
            Level("gameroom_connections", "Open connections.", lambda: self.connections.open_now),
            *traffic.collectors,
        )

    def routes(self) -> list[BaseRoute]:
        """Both endpoints, for the application's root, and at last an answer for every other path."""
        return [
            WebSocketRoute("/ws", self._endpoint, name="ws"),
            WebSocketRoute("/ws/game-room-groups/{room_id}", self._endpoint, name="room_ws"),
            WebSocketRoute("/{path:path}", Nowhere(), name="no_ws"),
        ]

    async def stop(self) -> None:
        """Cancel and await what still runs. The sockets themselves are the server's to close."""
        await self._tasks.stop()
