"""Coming back with a position: what was missed arrives, once, filtered for this seat, and play goes on."""

import pytest

from tests.kit.api import Account
from tests.kit.people import People
from tests.kit.player import Player
from tests.kit.room_copy import RoomCopy
from tests.kit.ways import every_way
from tests.kit.wire import Position, Refused

pytestmark = every_way


async def a_pair(people: People, game: str = "tic-tac-toe") -> tuple[Player, Account, RoomCopy]:
    """Alice, who stays; and Bob, who was in the room and vanished, with his copy. Alice has nothing unread."""
    alice, account = await people.newcomer("Alice"), await people.guest("Bob")
    bob = await people.connect(account)
    room_id = await alice.create(game)
    await bob.join(room_id)
    copy = bob.room
    await bob.drop()
    await alice.until("MEMBER_DISCONNECTED", user_id=account.user_id)
    return alice, account, copy


async def hear_types(player: Player, count: int) -> list[str]:
    return [(await player.next())["type"] for _ in range(count)]


async def test_the_missed_events_follow_the_reply(people: People) -> None:
    alice, account, copy = await a_pair(people)
    await alice.ask("SET_READY", ready=True)
    await alice.ask("SEND_CHAT", text="are you there?")
    bob = await people.connect(account)
    reply = await bob.resume(copy)
    assert (reply.data["resumed"], reply.data["missed"]) == (True, 4)
    assert reply.position == Position(copy.position.epoch, copy.position.seq + 4)
    kinds = await hear_types(bob, 4)
    assert kinds == ["MEMBER_DISCONNECTED", "MEMBER_UPDATED", "CHAT_MESSAGE", "MEMBER_RECONNECTED"]
    assert bob.room.members[alice.user_id]["ready"] is True
    await alice.ask("SEND_CHAT", text="welcome back")
    await bob.expect("CHAT_MESSAGE", text="welcome back")


async def test_a_resume_by_the_query_of_the_room_bound_endpoint(people: People) -> None:
    alice, account, copy = await a_pair(people)
    await alice.ask("SEND_CHAT", text="hi")
    bob = await people.resume_bound(account, copy)
    reply = await bob.expect("REPLY")
    assert (reply["id"], reply["data"]["resumed"], reply["data"]["missed"]) == (None, True, 3)
    assert await hear_types(bob, 3) == ["MEMBER_DISCONNECTED", "CHAT_MESSAGE", "MEMBER_RECONNECTED"]


async def test_missed_events_as_views(people: People) -> None:
    alice, account, copy = await a_pair(people)
    await alice.ask("SEND_CHAT", text="hi")
    bob = await people.connect(account)
    await bob.resume(copy, updates="view")
    frames = [await bob.next() for _ in range(3)]
    assert ["view" in frame for frame in frames] == [False, False, True]
    await alice.ask("SET_READY", ready=True)
    assert "view" in await bob.expect("MEMBER_UPDATED")


async def test_missed_whispers_to_others_stay_hidden(people: People) -> None:
    alice, account, copy = await a_pair(people, "relay")
    carol = await people.newcomer("Carol")
    await carol.join(copy.room_id)
    for text in ("one", "two"):
        await alice.ask("SEND_CHAT", text=text, to=carol.user_id)
    await alice.ask("SEND_CHAT", text="for all")
    bob = await people.connect(account)
    reply = await bob.resume(copy)
    assert reply.data["resumed"] is True
    await bob.verify()
    frames = bob.heard()
    assert [frame["data"]["text"] for frame in frames if frame["type"] == "CHAT_MESSAGE"] == ["for all"]
    assert sum(frame.get("count", 1) for frame in frames if frame["type"] == "HIDDEN") == 2


async def test_missed_whispers_to_oneself_arrive(people: People) -> None:
    alice, account, copy = await a_pair(people)
    await alice.ask("SEND_CHAT", text="for you", to=account.user_id)
    bob = await people.return_to(account, copy)
    await bob.until("CHAT_MESSAGE", text="for you", to=account.user_id)


async def test_missed_messages_of_relay_keep_their_announcements_by_seat(people: People) -> None:
    alice, account, copy = await a_pair(people, "relay")
    await alice.act("send", data="all")
    await alice.act("send", data="bob", to=[1])
    await alice.act("send", data="alice", to=[0])
    bob = await people.connect(account)
    reply = await bob.resume(copy)
    if not reply.data["resumed"]:
        return  # the server may always answer with the full view, and play of relay is not journaled
    heard = [frame for frame in [await bob.next() for _ in range(5)] if frame["type"] == "GAME_UPDATED"]
    assert [[said["data"] for said in frame.get("announcements", [])] for frame in heard] == [
        ["all"],
        ["bob"],
        [],
    ]


async def test_a_resume_with_nothing_missed(people: People) -> None:
    account = await people.guest("Alice")
    older = await people.connect(account)
    await older.create("tic-tac-toe")
    newer = await people.connect(account)
    reply = await newer.resume(older.room)
    assert (reply.data["resumed"], reply.data["missed"]) == (True, 0)
    await newer.ask("SET_READY", ready=True)
    await newer.expect("MEMBER_UPDATED")


async def test_a_whisper_to_others_as_the_only_thing_missed(people: People) -> None:
    """Reading: an event with a view is never hidden, so here either no view comes, or `resumed` is false."""
    account = await people.guest("Alice")
    older = await people.connect(account)
    room_id = await older.create("relay")
    bob, carol = await people.newcomers("Bob", "Carol")
    await bob.join(room_id)
    await carol.join(room_id)
    await older.verify()
    copy = older.room.clone()
    await bob.ask("SEND_CHAT", text="psst", to=carol.user_id)
    newer = await people.connect(account)
    reply = await newer.resume(copy)
    if reply.data["resumed"]:
        await newer.expect("HIDDEN")
    await bob.ask("SEND_CHAT", text="loud")
    await newer.expect("CHAT_MESSAGE", text="loud")


async def test_more_than_256_missed_is_a_full_view(people: People) -> None:
    account = await people.guest("Alice")
    older = await people.connect(account)
    room_id = await older.create("tic-tac-toe")
    copy = older.room.clone()
    [bob] = await people.newcomers("Bob")
    await bob.join(room_id)
    for answer in [await bob.send("SEND_CHAT", text=f"{number}") for number in range(150)]:
        await answer
    for answer in [await older.send("SEND_CHAT", text=f"{number}") for number in range(150)]:
        await answer
    newer = await people.connect(account)
    reply = await newer.resume(copy)
    assert reply.data["resumed"] is False
    assert reply.position.seq >= copy.position.seq + 301


async def test_256_missed_is_still_a_resume(people: People) -> None:
    account = await people.guest("Alice")
    older = await people.connect(account)
    room_id = await older.create("tic-tac-toe")
    copy = older.room.clone()
    bob = await people.newcomer("Bob")
    await bob.join(room_id)
    for player, number in [(bob, 150), (older, 105)]:
        for answer in [await player.send("SEND_CHAT", text=f"{n}") for n in range(number)]:
            await answer
    newer = await people.connect(account)
    reply = await newer.resume(copy)
    assert (reply.data["resumed"], reply.data["missed"]) == (True, 256)
    assert len([await newer.next() for _ in range(256)]) == 256


@pytest.mark.parametrize(
    ("epochs", "seqs"), [(0, 1_000), (1, 0), (7, -1)], ids=["ahead", "other-epoch", "both"]
)
async def test_a_position_that_never_was_is_a_full_view(people: People, epochs: int, seqs: int) -> None:
    _, account, copy = await a_pair(people)
    bob = await people.connect(account)
    resume = {"epoch": copy.position.epoch + epochs, "seq": copy.position.seq + seqs}
    reply = await bob.join(copy.room_id, resume=resume)
    assert reply.data["resumed"] is False
    assert reply.data["room"]["members"][account.user_id]["seat"] == 1


async def test_a_position_before_the_own_joining_is_a_full_view(people: People) -> None:
    """Missed events are filtered for this role and seat, so a time before one had them cannot be resumed."""
    _, account, copy = await a_pair(people)
    bob = await people.connect(account)
    reply = await bob.join(copy.room_id, resume={"epoch": copy.position.epoch, "seq": 1})
    assert reply.data["resumed"] is False


@pytest.mark.parametrize(
    "resume", [{}, {"epoch": 1}, {"epoch": "1", "seq": 1}, {"epoch": 1, "seq": -1}, 7], ids=str
)
async def test_a_wrong_resume_is_validation_failed(people: People, resume: object) -> None:
    alice = await people.newcomer()
    room_id = await alice.create("relay")
    with pytest.raises(Refused) as refused:
        await alice.join(room_id, resume=resume)
    assert refused.value.code == "validation_failed"
    assert refused.value.pointers[0].startswith("#/resume")


async def test_a_stranger_with_a_position_joins_like_anyone(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("tic-tac-toe")
    reply = await bob.join(room_id, resume={"epoch": 1, "seq": 1})
    assert reply.data["resumed"] is False
    await alice.expect("MEMBER_JOINED", user_id=bob.user_id)
