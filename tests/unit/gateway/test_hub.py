"""Subscriptions: one a room, confirmed before anybody joins, gone with the last listener."""

from collections.abc import AsyncIterator

import pytest

from gameroom.bus.bus import Delivery
from gameroom.bus.local import LocalBus
from gameroom.errors import Unavailable
from gameroom.gateway.hub import Hub
from gameroom.gateway.traffic import Traffic
from gameroom.protocol.answers import DetachReason
from gameroom.protocol.frames import Frame
from gameroom.tasks import Tasks
from tests.unit.gateway.fakes import SlowBus, event


class Ear:
    """Implements `Listener`: keeps what it hears."""

    def __init__(self, user_id: str = "ann") -> None:
        self.user_id = user_id
        self.joined = True
        self.heard: list[object] = []

    def subscribed(self) -> None:
        self.heard.append("subscribed")

    def not_subscribed(self, error: Unavailable) -> None:
        self.heard.append(error.code)

    def event(self, delivery: Delivery, frame: Frame | None) -> None:
        self.heard.append(delivery.seq)

    def over(self, reason: DetachReason) -> None:
        self.heard.append(reason)


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.stop()


async def test_one_subscription_serves_all_listeners_and_goes_with_the_last(tasks: Tasks) -> None:
    bus = SlowBus()
    hub = Hub(bus, tasks, Traffic(), 1.0)
    ann, bob, late = Ear("ann"), Ear("bob"), Ear("eve")
    hub.listen("r", ann)
    hub.listen("r", bob)
    assert ann.heard == []
    bus.confirm.set()
    await tasks.idle()
    hub.listen("r", late)
    bus.publish(event(1))
    assert ann.heard == bob.heard == late.heard == ["subscribed", 1]
    assert bus.subscriptions == 1
    hub.leave("r", ann)
    hub.leave("r", bob)
    assert bus.rooms == ["r"]
    hub.leave("r", late)
    assert bus.rooms == []
    hub.leave("r", late)


async def test_who_leaves_before_the_confirmation_leaves_nothing_behind(tasks: Tasks) -> None:
    bus = SlowBus()
    hub = Hub(bus, tasks, Traffic(), 1.0)
    ann, bob = Ear("ann"), Ear("bob")
    hub.listen("r", ann)
    hub.leave("r", ann)
    bus.confirm.set()
    await tasks.idle()
    assert ann.heard == [] and bus.rooms == []
    hub.listen("r", bob)
    await tasks.idle()
    assert bob.heard == ["subscribed"]


@pytest.mark.parametrize("error", [Unavailable("the bus is down"), RuntimeError("a bug"), None])
async def test_a_subscription_that_fails_is_told_and_may_be_tried_again(
    tasks: Tasks, error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    """`None`: it is not confirmed in time. What nobody expects is logged, and told all the same."""
    bus = SlowBus()
    hub = Hub(bus, tasks, Traffic(), 0.01)
    ann = Ear()
    if error:
        bus.error = error
        bus.confirm.set()
    hub.listen("r", ann)
    await tasks.idle()
    assert ann.heard == ["unavailable"] and bus.rooms == []
    assert ("a room cannot be subscribed to" in caplog.text) is isinstance(error, RuntimeError)
    bus.error = None
    bus.confirm.set()
    hub.listen("r", ann)
    await tasks.idle()
    assert ann.heard == ["unavailable", "subscribed"]


async def test_who_leaves_at_its_confirmation_and_comes_again_is_confirmed_again(tasks: Tasks) -> None:
    """So does a JOIN that is refused at once, with another one waiting behind it."""

    class Hasty(Ear):
        def subscribed(self) -> None:
            super().subscribed()
            if len(self.heard) == 1:
                hub.leave("r", self)
                hub.listen("r", self)

    bus = SlowBus()
    bus.confirm.set()
    hub = Hub(bus, tasks, Traffic(), 1.0)
    ann = Hasty()
    hub.listen("r", ann)
    await tasks.idle()
    assert ann.heard == ["subscribed"] * 2 and bus.rooms == ["r"]
    bus.publish(event(1))
    assert ann.heard[2:] == [1]
    hub.leave("r", ann)
    assert bus.rooms == []


async def test_a_listener_that_fails_harms_no_other(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(Ear):
        def event(self, delivery: Delivery, frame: Frame | None) -> None:
            raise RuntimeError("a bug")

    bus = LocalBus()
    hub = Hub(bus, tasks, Traffic(), 1.0)
    deaf, ann = Deaf("deaf"), Ear("ann")
    hub.listen("r", deaf)
    hub.listen("r", ann)
    await tasks.idle()
    bus.publish(event(1))
    assert ann.heard == ["subscribed", 1]
    assert "not delivered" in caplog.text


async def test_listeners_may_leave_while_an_event_is_delivered(tasks: Tasks) -> None:
    class Leaver(Ear):
        def event(self, delivery: Delivery, frame: Frame | None) -> None:
            super().event(delivery, frame)
            hub.leave("r", self)

    bus = LocalBus()
    hub = Hub(bus, tasks, Traffic(), 1.0)
    leavers = [Leaver(user_id) for user_id in ("ann", "ann", "bob")]
    for leaver in leavers:
        hub.listen("r", leaver)
    await tasks.idle()
    bus.publish(event(1))
    bus.publish(event(2))
    assert [leaver.heard for leaver in leavers] == [["subscribed", 1]] * 3
