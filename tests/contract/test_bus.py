"""What every bus promises; see `bus.bus.Bus`."""

import asyncio

import pytest

from gameroom.bus.bus import Bus, Delivery, Share, Subscription
from gameroom.bus.local import LocalBus

PATIENCE_S = 5.0


@pytest.fixture(params=[LocalBus])
def bus(request: pytest.FixtureRequest) -> Bus:
    made: Bus = request.param()
    return made


class Ear:
    """A subscriber, and what it has received."""

    def __init__(self) -> None:
        self.heard: list[Delivery] = []
        self._arrived = asyncio.Event()

    def receive(self, delivery: Delivery) -> None:
        self.heard.append(delivery)
        self._arrived.set()

    async def hears(self, count: int) -> list[Delivery]:
        """The first deliveries, once there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.heard


def delivery(seq: int, room_id: str = "r") -> Delivery:
    shares = (Share(frozenset(("ann",)), b"own"), Share(None, b"others"))
    return Delivery(
        room_id=room_id,
        term=2,
        epoch=1,
        seq=seq,
        prev_seq=seq - 1,
        shares=shares,
        ends={"bob": "kicked"},
        cause="connection-1",
    )


async def test_what_is_published_arrives_whole_and_in_order(bus: Bus) -> None:
    ear = Ear()
    await bus.subscribe("r", ear.receive)
    published = [delivery(seq) for seq in range(1, 50)]
    for each in published:
        bus.publish(each)
    assert await ear.hears(len(published)) == published


async def test_every_subscriber_of_a_room_hears_it(bus: Bus) -> None:
    ears = [Ear() for _ in range(5)]
    for ear in ears:
        await bus.subscribe("r", ear.receive)
    bus.publish(delivery(1))
    assert [await ear.hears(1) for ear in ears] == [[delivery(1)]] * 5


async def test_a_subscriber_hears_its_room_only(bus: Bus) -> None:
    ear, other = Ear(), Ear()
    await bus.subscribe("r", ear.receive)
    await bus.subscribe("s", other.receive)
    bus.publish(delivery(1, "s"))
    bus.publish(delivery(2, "r"))
    assert await ear.hears(1) == [delivery(2, "r")]
    assert await other.hears(1) == [delivery(1, "s")]


async def test_a_room_without_subscribers_may_publish(bus: Bus) -> None:
    ear = Ear()
    bus.publish(delivery(1))
    await bus.subscribe("r", ear.receive)
    bus.publish(delivery(2))
    assert await ear.hears(1) == [delivery(2)]


async def test_nothing_comes_after_close(bus: Bus) -> None:
    ear, other = Ear(), Ear()
    subscription = await bus.subscribe("r", ear.receive)
    await bus.subscribe("r", other.receive)
    subscription.close()
    subscription.close()
    bus.publish(delivery(1))
    await other.hears(1)
    assert ear.heard == []


async def test_one_receiver_that_subscribed_twice_hears_on_through_the_other_subscription(bus: Bus) -> None:
    ear = Ear()
    first = await bus.subscribe("r", ear.receive)
    await bus.subscribe("r", ear.receive)
    first.close()
    first.close()
    bus.publish(delivery(1))
    assert await ear.hears(1) == [delivery(1)]


@pytest.mark.parametrize("closer_first", [True, False])
async def test_a_subscription_closed_during_a_delivery_hears_nothing_of_it_any_more(
    bus: Bus, closer_first: bool
) -> None:
    closed: list[Subscription] = []
    after_close: list[int] = []
    ear = Ear()

    def close(_: Delivery) -> None:
        closed[0].close()
        closed.append(closed[0])

    def receive(each: Delivery) -> None:
        if len(closed) > 1:
            after_close.append(each.seq)

    async def subscribe_closer() -> None:
        await bus.subscribe("r", close)

    if closer_first:
        await subscribe_closer()
    closed.append(await bus.subscribe("r", receive))
    if not closer_first:
        await subscribe_closer()
    await bus.subscribe("r", ear.receive)
    for seq in (1, 2):
        bus.publish(delivery(seq))
    assert await ear.hears(2) == [delivery(1), delivery(2)]
    assert after_close == []


async def test_one_who_subscribes_during_a_delivery_harms_nobody(bus: Bus) -> None:
    ear, late = Ear(), Ear()
    tasks: list[asyncio.Task[Subscription]] = []

    def subscribe(_: Delivery) -> None:
        tasks.append(asyncio.ensure_future(_subscribed(bus, late)))

    await bus.subscribe("r", subscribe)
    await bus.subscribe("r", ear.receive)
    bus.publish(delivery(1))
    await ear.hears(1)
    await tasks[0]
    bus.publish(delivery(2))
    assert await late.hears(1) == [delivery(2)]


async def _subscribed(bus: Bus, ear: Ear) -> Subscription:
    return await bus.subscribe("r", ear.receive)


async def test_a_receiver_that_raises_harms_neither_the_others_nor_the_publisher(bus: Bus) -> None:
    def fail(_: Delivery) -> None:
        raise KeyError("the subscriber's bug")

    ear = Ear()
    await bus.subscribe("r", fail)
    await bus.subscribe("r", ear.receive)
    bus.publish(delivery(1))
    bus.publish(delivery(2))
    assert await ear.hears(2) == [delivery(1), delivery(2)]
