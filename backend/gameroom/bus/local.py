"""The bus of one process: a function call."""

from gameroom.bus.bus import Delivery, Receive


class LocalSubscription:
    def __init__(self, receivers: dict[str, list[Receive]], room_id: str, receive: Receive) -> None:
        self._receivers = receivers
        self._room_id = room_id
        self._receive = receive

    def close(self) -> None:
        room = self._receivers.get(self._room_id, [])
        if self._receive in room:
            room.remove(self._receive)
        if not room:
            self._receivers.pop(self._room_id, None)


class LocalBus:
    """Implements `Bus`; loses nothing, and delivers before `publish` returns."""

    def __init__(self) -> None:
        self._receivers: dict[str, list[Receive]] = {}

    def publish(self, delivery: Delivery) -> None:
        for receive in tuple(self._receivers.get(delivery.room_id, ())):
            receive(delivery)

    async def subscribe(self, room_id: str, receive: Receive) -> LocalSubscription:
        self._receivers.setdefault(room_id, []).append(receive)
        return LocalSubscription(self._receivers, room_id, receive)
