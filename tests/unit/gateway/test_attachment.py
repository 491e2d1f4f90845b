"""One connection's line to one room: order, splices, gaps and ends."""

import json

import pytest

from gameroom.bus.bus import Share
from gameroom.errors import InternalError, RoomClosed, RoomNotFound, Unavailable
from gameroom.gateway import attachment, splice
from gameroom.protocol.commands import CreateRoom, GameAction, JoinRoom, LeaveRoom, SendChat
from tests.unit.gateway.fakes import Bench, event

JOIN, GET, LEAVE = "JOIN_GAME_ROOM_GROUP", "GET_GAME_ROOM_GROUP", "LEAVE_GAME_ROOM_GROUP"
CREATE, ACT, CHAT = "CREATE_GAME_ROOM_GROUP", "GAME_ACTION", "SEND_CHAT"


# --- joining --------------------------------------------------------------------------------------------------


async def test_join_drops_what_its_view_holds_and_then_sends_what_follows(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r", id="j1")
    pending = await bench.rooms.next()
    for seq in (4, 5, 6):
        bench.publish(seq)
    assert ann.socket.story() == []
    pending.answer(5, {"room": {"name": "x"}, "resumed": False})
    bench.publish(7)
    reply, *events = ann.socket.take()
    assert reply == {
        "type": "REPLY",
        "id": "j1",
        "command": JOIN,
        "room_id": "r",
        "epoch": 0,
        "seq": 5,
        "data": {"room": {"name": "x"}, "resumed": False},
    }
    assert [frame["seq"] for frame in events] == [6, 7]


async def test_the_missed_events_of_a_resume_come_between_the_reply_and_what_was_held(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r", resume={"epoch": 0, "seq": 3})
    pending = await bench.rooms.next()
    bench.publish(6)
    missed = tuple(json.dumps({"type": "MISSED", "seq": seq}).encode() for seq in (4, 5))
    pending.answer(5, {"resumed": True, "missed": 2}, missed=missed)
    assert ann.socket.story() == ["REPLY 5", "MISSED 4", "MISSED 5", "EVENT 6"]


async def test_a_refused_join_hears_nothing_and_takes_the_subscription_along(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r", id="j1")
    pending = await bench.rooms.next()
    bench.publish(2)
    pending.refuse(RoomNotFound())
    bench.publish(3)
    assert [(frame["code"], frame["id"], frame["room_id"]) for frame in ann.socket.take()] == [
        ("room_not_found", "j1", "r")
    ]
    assert bench.bus._subscriptions == {}


async def test_commands_sent_right_after_a_join_wait_for_it(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r")
    ann.send(ACT, action={"type": "a"})
    ann.send(CHAT, text="hi")
    join = await bench.rooms.next()
    assert isinstance(join.request.command, JoinRoom) and bench.rooms.asked_nothing
    join.answer(1)
    first, second = await bench.rooms.next(), await bench.rooms.next()
    assert isinstance(first.request.command, GameAction) and isinstance(second.request.command, SendChat)
    assert first.request.command.room_id == "r"


async def test_a_join_waits_for_what_was_sent_before_it(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(LEAVE, room_id="r")
    ann.send(JOIN, room_id="r")
    leave = await bench.rooms.next()
    assert isinstance(leave.request.command, LeaveRoom) and bench.rooms.asked_nothing
    bench.publish(2, ends={"ann": "left"}, cause=ann.id)
    leave.answer(2)
    (await bench.rooms.next()).answer(3)
    assert ann.socket.story() == ["EVENT 2", "REPLY 2", "DETACHED left", "REPLY 3"]
    bench.publish(4)
    assert ann.socket.story() == ["EVENT 4"]


async def test_too_many_commands_behind_a_join_are_unavailable(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r")
    pending = await bench.rooms.next()
    for _ in range(attachment.MAX_WAITING + 1):
        bench.clock.ms += 1000
        ann.send(CHAT, room_id="r", text="hi")
    assert ann.socket.story() == ["ERROR unavailable"]
    bench.rooms.at_once = lambda _: Unavailable("full")
    pending.answer(1)
    assert len(ann.socket.take()) == 1 + attachment.MAX_WAITING


async def test_a_command_without_ack_is_answered_only_by_errors(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(CHAT, text="hi", ack=False)
    (await bench.rooms.next()).answer(2)
    assert ann.socket.story() == []
    ann.send(CHAT, text="hi", ack=False, id="c2")
    (await bench.rooms.next()).refuse(RoomClosed())
    assert [(frame["code"], frame["id"]) for frame in ann.socket.take()] == [("room_closed", "c2")]


async def test_a_room_that_is_not_joined_decides_itself_and_is_then_forgotten(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(CHAT, room_id="r", id="c1", text="hi")
    pending = await bench.rooms.next()
    assert pending.request.sender.connection_id == ann.id
    pending.answer(9, {"message_id": "m"}, repeated=True)
    (reply,) = ann.socket.take()
    assert reply["repeated"] is True and reply["seq"] == 9
    assert ann.connection._dispatcher._attachments == {}


# --- events and views -----------------------------------------------------------------------------------------


async def test_events_come_before_the_reply_to_the_command_that_caused_them(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(CHAT, text="hi")
    pending = await bench.rooms.next()
    bench.publish(2)
    pending.answer(2)
    assert ann.socket.story() == ["EVENT 2", "REPLY 2"]


async def test_get_stands_exactly_at_its_position(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(GET)
    pending = await bench.rooms.next()
    bench.publish(2)
    bench.publish(3)
    assert ann.socket.story() == []
    pending.answer(2, {"room": {}})
    assert ann.socket.story() == ["EVENT 2", "REPLY 2", "EVENT 3"]


async def test_get_brings_a_connection_up_to_date_whatever_it_has_heard(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join(1)
    ann.send(GET)
    (await bench.rooms.next()).answer(3, {"room": {}})
    bench.publish(4)
    assert ann.socket.story() == ["REPLY 3", "EVENT 4"]


async def test_a_command_after_get_is_not_answered_before_its_events(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(CHAT, text="one")
    ann.send(GET)
    ann.send(CHAT, text="two")
    one = await bench.rooms.next()
    assert bench.rooms.asked_nothing
    bench.publish(2)
    one.answer(2)
    get = await bench.rooms.next()
    assert bench.rooms.asked_nothing
    get.answer(2)
    two = await bench.rooms.next()
    bench.publish(3)
    two.answer(3)
    assert ann.socket.story() == ["EVENT 2", "REPLY 2", "REPLY 2", "EVENT 3", "REPLY 3"]


async def test_a_refused_get_lets_the_held_events_go(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(GET)
    pending = await bench.rooms.next()
    bench.publish(2)
    pending.refuse(Unavailable("later"))
    assert ann.socket.story() == ["EVENT 2", "ERROR unavailable"]


async def test_each_user_gets_its_own_share(bench: Bench) -> None:
    ann, bob, eve = bench.connect("ann"), bench.connect("bob"), bench.connect("eve")
    for client in (ann, bob, eve):
        await client.join()
    whisper = Share(frozenset({"ann", "bob"}), b'{"type": "WHISPER", "seq": 2}')
    hidden = Share(None, b'{"type": "HIDDEN", "seq": 2}')
    bench.bus.publish(event(2, shares=(whisper, hidden)))
    bench.publish(3)
    assert ann.socket.story() == bob.socket.story() == ["WHISPER 2", "EVENT 3"]
    assert eve.socket.story() == ["HIDDEN 2", "EVENT 3"]


async def test_the_same_bytes_object_goes_to_all_who_share_a_view(bench: Bench) -> None:
    ann, bob = bench.connect("ann"), bench.connect("bob")
    await ann.join()
    await bob.join()
    bench.publish(2)
    assert ann.socket.sent[0] is bob.socket.sent[0]


async def test_an_event_without_a_share_moves_the_position_silently(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    bench.publish(2, None)
    bench.publish(3)
    assert ann.socket.story() == ["EVENT 3"]


async def test_a_late_copy_is_dropped(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    for seq in (2, 3, 2, 3, 4):
        bench.publish(seq)
    assert ann.socket.story() == ["EVENT 2", "EVENT 3", "EVENT 4"]


async def test_a_gap_ends_the_connection_before_the_client_sees_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ann, bob = bench.connect("ann"), bench.connect("bob")
    await ann.join(1)
    await bob.join(2)
    bench.publish(3)
    assert ann.socket.closed == (1011, "internal") and ann.socket.story() == []
    assert bob.socket.closed is None and bob.socket.story() == ["EVENT 3"]
    assert bench.rooms.detached == [("r", "ann", ann.id)]
    assert "events of a room were lost" in caplog.text


async def test_a_new_epoch_may_begin_anywhere(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join(7)
    bench.publish(3, "EPOCH_STARTED", epoch=1, begins=True)
    bench.publish(8, epoch=0)
    bench.publish(4, epoch=1)
    assert ann.socket.story() == ["EPOCH_STARTED 3", "EVENT 4"]


@pytest.mark.parametrize("seq", [4, 8, 9])
async def test_an_epoch_whose_beginning_is_missing_ends_the_connection(bench: Bench, seq: int) -> None:
    """As when `gameroom journal new-epoch` has begun it beside a server whose sockets stay open."""
    ann = bench.connect()
    await ann.join(7)
    bench.publish(seq, epoch=1)
    assert ann.socket.closed == (1011, "internal") and ann.socket.story() == []


async def test_more_held_events_than_may_be_end_the_connection(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r")
    await bench.rooms.next()
    for seq in range(splice.MAX_HELD + 1):
        assert ann.socket.closed is None
        bench.publish(seq)
    assert ann.socket.closed == (1011, "internal")
    assert "too many events" in caplog.text and "lost" not in caplog.text


# --- creating -------------------------------------------------------------------------------------------------


async def test_create_subscribes_first_and_answers_with_the_view(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(CREATE, id="c1", game="relay")
    pending = await bench.rooms.next()
    room_id = pending.request.room_id
    bench.publish(1, room_id=room_id)
    pending.answer(1, {"room": {"room_id": room_id}})
    bench.publish(2, room_id=room_id)
    reply, following = ann.socket.take()
    assert reply["room_id"] == room_id and reply["data"] == {"room": {"room_id": room_id}}
    assert reply["command"] == CREATE and "repeated" not in reply
    assert following["seq"] == 2


async def test_a_repeated_create_is_answered_with_the_present_view_of_the_room_it_made(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(CREATE, id="c1", game="relay")
    create = await bench.rooms.next()
    create.answer(1, room_id="old", repeated=True)
    rejoin = await bench.rooms.next()
    assert rejoin.request.room_id == "old" and rejoin.request.rejoin
    assert rejoin.request.command == JoinRoom(room_id="old")
    bench.publish(8, room_id="old")
    rejoin.answer(7, {"room": {"name": "x"}, "resumed": False})
    reply, following = ann.socket.take()
    assert (reply["id"], reply["command"], reply["repeated"]) == ("c1", CREATE, True)
    assert reply["room_id"] == "old" and reply["seq"] == 7 and reply["data"] == {"room": {"name": "x"}}
    assert following["seq"] == 8
    assert list(ann.connection._dispatcher._attachments) == ["old"]


async def test_a_refused_create_names_no_room(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(CREATE, id="c1", game="relay")
    pending = await bench.rooms.next()
    assert isinstance(pending.request.command, CreateRoom)
    pending.refuse(Unavailable("later"))
    (error,) = ann.socket.take()
    assert error["id"] == "c1" and "room_id" not in error


# --- the end --------------------------------------------------------------------------------------------------


async def test_who_leaves_gets_the_event_then_the_reply_then_detached(bench: Bench) -> None:
    ann, bob = bench.connect("ann"), bench.connect("bob")
    await ann.join()
    await bob.join()
    ann.send(CHAT, text="bye")
    ann.send(LEAVE)
    chat, leave = await bench.rooms.next(), await bench.rooms.next()
    bench.publish(2, cause=ann.id)
    bench.publish(3, "MEMBER_LEFT", ends={"ann": "left"}, cause=ann.id)
    bench.publish(4, "HOST_CHANGED", cause=ann.id)
    chat.answer(2)
    leave.answer(4)
    assert ann.socket.story() == ["EVENT 2", "MEMBER_LEFT 3", "REPLY 2", "REPLY 4", "DETACHED left"]
    assert bob.socket.story() == ["EVENT 2", "MEMBER_LEFT 3", "HOST_CHANGED 4"]
    ann.connection.closed(1000)
    assert bench.rooms.detached == []


async def test_detached_follows_at_once_where_another_has_caused_it(bench: Bench) -> None:
    ann, bob = bench.connect("ann"), bench.connect("bob")
    await ann.join()
    await bob.join()
    bench.publish(2, "MEMBER_KICKED", ends={"bob": "kicked"}, cause=ann.id)
    bench.publish(3)
    assert bob.socket.story() == ["MEMBER_KICKED 2", "DETACHED kicked"]
    assert ann.socket.story() == ["MEMBER_KICKED 2", "EVENT 3"]


async def test_a_closed_room_ends_for_everybody_and_its_closer_is_answered_first(bench: Bench) -> None:
    ann, bob = bench.connect("ann"), bench.connect("bob")
    await ann.join()
    await bob.join()
    ann.send("CLOSE_GAME_ROOM_GROUP")
    pending = await bench.rooms.next()
    bench.publish(2, "CLOSED", ends={None: "closed"}, cause=ann.id)
    assert bob.socket.story() == ["CLOSED 2", "DETACHED closed"]
    pending.answer(2)
    assert ann.socket.story() == ["CLOSED 2", "REPLY 2", "DETACHED closed"]
    assert bench.bus._subscriptions == {}


async def test_without_ack_detached_still_follows(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(LEAVE, ack=False)
    pending = await bench.rooms.next()
    bench.publish(2, "MEMBER_LEFT", ends={"ann": "left"}, cause=ann.id)
    pending.answer(2)
    assert ann.socket.story() == ["MEMBER_LEFT 2", "DETACHED left"]


async def test_an_end_that_was_held_during_get_is_not_lost(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(GET)
    pending = await bench.rooms.next()
    bench.publish(2, "MEMBER_KICKED", ends={"ann": "kicked"})
    pending.answer(1, {"room": {}})
    assert ann.socket.story() == ["REPLY 1", "MEMBER_KICKED 2", "DETACHED kicked"]


async def test_a_room_bound_socket_ends_with_its_room(bench: Bench) -> None:
    for reason, code, word in (
        ("left", 1000, "left"),
        ("kicked", 4506, "kicked"),
        ("closed", 4505, "room_closed"),
        ("damaged", 4505, "room_closed"),
    ):
        ann = bench.connect(room_id="r")
        await ann.join()
        bench.publish(2, "LAST", ends={"ann": reason})
        assert ann.socket.closed == (code, word)
        explained = ["ERROR " + word] if code >= 4000 else []
        assert ann.socket.story() == ["LAST 2", f"DETACHED {reason}", *explained]


async def test_a_newer_connection_replaces_the_older_one_in_the_room(bench: Bench) -> None:
    old, bound, new = bench.connect(), bench.connect(room_id="r"), bench.connect()
    await old.join()
    await bound.join()
    assert old.socket.story() == ["DETACHED replaced"]
    await new.join()
    assert bound.socket.story() == ["DETACHED replaced", "ERROR replaced"]
    assert bound.socket.closed == (4507, "replaced") and old.socket.closed is None
    bench.publish(2)
    assert old.socket.story() == [] and new.socket.story() == ["EVENT 2"]
    assert bench.rooms.detached == []


async def test_the_newer_join_wins_even_if_it_is_answered_first(bench: Bench) -> None:
    """An answer may be late because the missed events are still being read."""
    old, new = bench.connect(), bench.connect()
    old.send(JOIN, room_id="r")
    slow = await bench.rooms.next()
    await new.join()
    slow.answer(1)
    assert old.socket.story() == ["REPLY 1", "DETACHED replaced"]
    bench.publish(2)
    assert old.socket.story() == [] and new.socket.story() == ["EVENT 2"]


async def test_who_joins_again_last_is_the_newest(bench: Bench) -> None:
    first, second = bench.connect(), bench.connect()
    await first.join()
    second.send(JOIN, room_id="r")
    first.send(JOIN, room_id="r")
    older, newer = await bench.rooms.next(), await bench.rooms.next()
    older.answer(1)
    newer.answer(1)
    assert first.socket.story() == ["REPLY 1"]
    assert second.socket.story() == ["REPLY 1", "DETACHED replaced"]
    bench.publish(2)
    assert first.socket.story() == ["EVENT 2"] and second.socket.story() == []


async def test_joining_again_on_the_same_connection_replaces_nobody(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join(1)
    await ann.join(1)
    bench.publish(2)
    assert ann.socket.story() == ["EVENT 2"]


async def test_a_closed_connection_is_detached_once_from_each_room_it_has_joined(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(CHAT, room_id="other", text="not joined there")
    ann.connection.closed(1006)
    ann.connection.closed(1006)
    assert bench.rooms.detached == [("r", "ann", ann.id)]
    assert bench.bus._subscriptions == {}


@pytest.mark.parametrize("outcome", ["an answer", "a refusal", "nothing"])
async def test_a_join_that_is_under_way_at_the_close_is_detached(bench: Bench, outcome: str) -> None:
    """At once: the room may attach the connection, and then refuse after all, or never tell. A stale one is ignored."""
    ann = bench.connect()
    ann.send(JOIN, room_id="r")
    pending = await bench.rooms.next()
    ann.connection.closed(1006)
    assert bench.rooms.detached == [("r", "ann", ann.id)]
    if outcome == "an answer":
        pending.answer(1)
    elif outcome == "a refusal":
        pending.refuse(InternalError("its record cannot be read"))
    assert set(bench.rooms.detached) == {("r", "ann", ann.id)}
    assert ann.socket.story() == [] and bench.bus._subscriptions == {}


async def test_a_create_that_is_answered_after_the_close_is_detached_from_the_room_it_made(
    bench: Bench,
) -> None:
    """When the connection was closed, that room was not there yet."""
    ann = bench.connect()
    ann.send(CREATE, game="relay")
    pending = await bench.rooms.next()
    ann.connection.closed(1006)
    bench.rooms.detached.clear()
    pending.answer(1)
    assert bench.rooms.detached == [(pending.request.room_id, "ann", ann.id)]


async def test_a_refused_join_is_detached_unless_it_was_certainly_not_applied(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r")
    (await bench.rooms.next()).refuse(InternalError("its record cannot be read"))
    assert bench.rooms.detached == [("r", "ann", ann.id)]
    ann.send(JOIN, room_id="other")
    (await bench.rooms.next()).refuse(Unavailable("later"))
    assert len(bench.rooms.detached) == 1


async def test_who_is_in_the_room_stays_when_another_join_is_refused(bench: Bench) -> None:
    ann = bench.connect()
    await ann.join()
    ann.send(JOIN, room_id="r")
    pending = await bench.rooms.next()
    bench.publish(2)
    pending.refuse(InternalError("its record cannot be read"))
    bench.publish(3)
    assert ann.socket.story() == ["EVENT 2", "ERROR internal", "EVENT 3"]
    assert bench.rooms.detached == []


async def test_what_waits_behind_a_join_that_is_refused_at_once_is_answered_too(bench: Bench) -> None:
    bench.rooms.at_once = lambda _: Unavailable("full")
    ann = bench.connect()
    ann.send(JOIN, room_id="r", id="1")
    ann.send(JOIN, room_id="r", id="2")
    ann.send(GET, room_id="r", id="3")
    await bench.tasks.idle()
    assert [(frame["id"], frame["code"]) for frame in ann.socket.take()] == [
        ("1", "unavailable"),
        ("2", "unavailable"),
        ("3", "unavailable"),
    ]
    assert bench.bus._subscriptions == {} and ann.connection._dispatcher._attachments == {}


async def test_a_connection_closed_before_its_subscription_stands_asks_nothing(bench: Bench) -> None:
    ann = bench.connect()
    ann.send(JOIN, room_id="r")
    ann.connection.closed(1006)
    await bench.connect("bob").join()
    assert bench.rooms.asked_nothing and bench.rooms.detached == []
