"""`kill -9` in the middle of play costs a pause: accounts, rooms, seats, boards and every acked command are there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from tests.conftest import HASTY_SIGN_INS, Servers
from tests.kit.api import Account
from tests.kit.people import People, gathering
from tests.kit.player import Answer, Player, Reply
from tests.kit.postgres import fresh_database
from tests.kit.room_copy import RoomCopy
from tests.kit.server import Server
from tests.kit.tables import Game
from tests.kit.ways import Way, pairwise
from tests.kit.wire import Json, Refused


@pytest.fixture(scope="module")
def mortal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that these tests kill and start again; each leaves it running."""
    limits = {"frames_per_second": 5_000, "frame_burst": 5_000}
    folder = tmp_path_factory.mktemp("mortal")
    with database_of(request) as database, Server(folder, **database, **limits, **HASTY_SIGN_INS) as server:
        yield server


@contextmanager
def database_of(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The setting of the database that the test asks for; by default there is none."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield {}
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield {"database_url": url}


on_both_databases = pytest.mark.parametrize("mortal", ["sqlite", "postgresql"], indirect=True)
"""For those that would notice first if one of the two kept less than it says."""


async def kill_and_restart(server: Server) -> None:
    server.kill9()
    await asyncio.to_thread(server.start)


async def two_accounts(people: People) -> tuple[Account, Account]:
    alice, bob = await people.guests("Alice", "Bob")
    return alice, bob


async def begin(people: People, accounts: tuple[Account, Account]) -> Game:
    """A round of tic-tac-toe between these two."""
    alice, bob = [await people.connect(account) for account in accounts]
    room_id = await alice.create("tic-tac-toe")
    await bob.join(room_id)
    game = Game(room_id, (alice, bob))
    await game.start()
    return game


async def come_back(people: People, accounts: tuple[Account, Account], game: Game) -> Game:
    """Both resume on fresh connections; what they missed is taken."""
    copies = [player.room for player in game.seats]
    alice, bob = [
        await people.return_to(account, copy) for account, copy in zip(accounts, copies, strict=True)
    ]
    back = Game(game.room_id, (alice, bob))
    for player in back.seats:
        await player.verify()
    return back


# --- the main job, with a death in the middle -----------------------------------------------------------------


@pairwise
async def test_both_are_back_on_their_seats_with_the_same_board(mortal: Server, way: Way) -> None:
    async with gathering(mortal, way) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        for seat, cell in [(0, 0), (1, 3), (0, 1)]:
            await game.place(seat, cell)
        before = game.seats[0].room.view
        await kill_and_restart(mortal)
        for player in game.seats:
            assert (await player.closed()).code == 1006

        back = await come_back(people, accounts, game)
        view = back.seats[0].room.view
        assert {key: view[key] for key in view if key != "members"} == {
            key: before[key] for key in before if key != "members"
        }
        seats = {user_id: member["seat"] for user_id, member in view["members"].items()}
        assert seats == {accounts[0].user_id: 0, accounts[1].user_id: 1}
        assert all(member["connected"] for member in view["members"].values())

        await back.place(1, 4)
        await back.place(0, 2)
        for player in back.seats:
            await player.until("GAME_ENDED", reason="finished")
        assert back.seats[1].room.view["result"] == {"winner": 0, "draw": False}
        await back.seats[0].ask("CLOSE_GAME_ROOM_GROUP")
        await back.seats[1].until("DETACHED", reason="closed")


async def test_a_death_after_every_single_move(mortal: Server) -> None:
    async with gathering(mortal) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        cells: list[int | None] = [None] * 9
        for seat, cell in [(0, 4), (1, 0), (0, 8)]:
            await game.place(seat, cell)
            cells[cell] = seat
            await kill_and_restart(mortal)
            game = await come_back(people, accounts, game)
            assert game.seats[0].room.state["cells"] == cells


async def test_a_view_without_resume_is_the_same_too(mortal: Server) -> None:
    async with gathering(mortal) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        await game.place(0, 4)
        await kill_and_restart(mortal)
        alice = await people.connect(accounts[0])
        reply = await alice.join(game.room_id)
        assert reply.data["room"]["state"] == game.seats[0].room.state
        assert reply.position.epoch == game.seats[0].room.position.epoch
        bob = await people.enter(accounts[1], game.room_id)
        assert bob.room.state == alice.room.state


async def test_a_finished_round_and_a_closed_room_stay_so(mortal: Server) -> None:
    async with gathering(mortal) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        closing = {"id": str(uuid4()), "room_id": game.room_id}
        await game.seats[0].ask("CLOSE_GAME_ROOM_GROUP", **closing)
        await kill_and_restart(mortal)
        alice = await people.connect(accounts[0])
        with pytest.raises(Refused) as refused:
            await alice.join(game.room_id)
        assert refused.value.code == "room_closed"
        await alice.send_text(
            f'{{"type": "CLOSE_GAME_ROOM_GROUP", "id": "{closing["id"]}", "room_id": "{game.room_id}"}}'
        )
        assert (await alice.expect("REPLY"))["repeated"] is True


async def test_whom_the_host_kept_out_stays_out(mortal: Server) -> None:
    async with gathering(mortal) as people:
        accounts = await two_accounts(people)
        alice, bob = [await people.connect(account) for account in accounts]
        room_id = await alice.create("relay", visibility="private")
        old_code = alice.room.view["invite_code"]
        await bob.ask("JOIN_GAME_ROOM_GROUP", invite_code=old_code)
        await alice.ask("KICK_MEMBER", user_id=bob.user_id, ban=True)
        await alice.ask("UPDATE_GAME_ROOM_GROUP", password="sesame", rotate_invite_code=True)
        await alice.until("GAME_ROOM_GROUP_UPDATED")
        code = alice.room.view["invite_code"]
        await kill_and_restart(mortal)

        host, banned, carol = [await people.connect(account) for account in (*accounts, await people.guest())]
        by_code = {"invite_code": code}
        assert await refusal_of_join(banned, **by_code) == "banned_from_room"
        assert await refusal_of_join(carol, invite_code=old_code) == "room_not_found"
        await host.join(room_id)
        await host.ask("UPDATE_GAME_ROOM_GROUP", visibility="public", locked=True)
        await kill_and_restart(mortal)

        host, carol = await people.connect(accounts[0]), await people.newcomer("Carol")
        await host.join(room_id)
        assert await refusal_of_join(carol, **by_code) == "room_locked"
        await host.ask("UPDATE_GAME_ROOM_GROUP", locked=False)
        assert await refusal_of_join(carol, room_id=room_id, password="open") == "wrong_room_password"
        await carol.join(room_id, password="sesame")


async def refusal_of_join(player: Player, **fields: str) -> str:
    with pytest.raises(Refused) as refused:
        await player.ask("JOIN_GAME_ROOM_GROUP", **fields)
    return refused.value.code


# --- commands in flight ---------------------------------------------------------------------------------------


class Sayings:
    """Chat commands of one member with their ids, and what became of each."""

    def __init__(self, count: int) -> None:
        self.commands: list[Json] = [
            {"id": str(uuid4()), "text": f"saying {number}"} for number in range(count)
        ]
        self.acked: dict[str, Reply] = {}

    async def send_all(self, player: Player, *, until: int) -> None:
        """Sends everything at once and returns when `until` of it are acknowledged."""
        answers = [await player.send("SEND_CHAT", **command) for command in self.commands]
        for command, answer in list(zip(self.commands, answers, strict=True))[:until]:
            self.acked[command["id"]] = await answer
        self._answers = answers

    def collect(self) -> None:
        """After the death: which of the rest were still acknowledged before it."""
        for command, answer in zip(self.commands, self._answers, strict=True):
            if _acked(answer):
                self.acked[command["id"]] = answer.result()


def _acked(answer: Answer) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None


async def every_chat(people: People, account: Account, start: RoomCopy) -> list[Json]:
    """All chat since `start`, as a member who missed everything hears it."""
    witness = await people.return_to(account, start)
    await witness.verify()
    return [frame["data"] for frame in witness.heard() if frame["type"] == "CHAT_MESSAGE"]


@on_both_databases
@pytest.mark.parametrize("acks", [0, 1, 20, 80])
async def test_every_acked_command_is_there_and_a_resent_one_is_applied_once(
    mortal: Server, acks: int
) -> None:
    async with gathering(mortal) as people:
        accounts = await two_accounts(people)
        alice, bob = [await people.connect(account) for account in accounts]
        await bob.join(await alice.create("tic-tac-toe"))
        await alice.expect("MEMBER_JOINED")
        start = bob.room.clone()
        sayings = Sayings(100)
        await sayings.send_all(alice, until=acks)
        await kill_and_restart(mortal)
        await alice.gone()
        await bob.gone()
        sayings.collect()
        heard_before = [frame["data"] for frame in bob.heard() if frame["type"] == "CHAT_MESSAGE"]

        back = await people.connect(accounts[0])
        assert (await back.resume(alice.room)).data["resumed"] is True
        for command in sayings.commands:
            reply = await back.ask("SEND_CHAT", **command)
            if command["id"] in sayings.acked:
                acked = sayings.acked[command["id"]]
                assert (reply.repeated, reply.data, reply.position) == (True, acked.data, acked.position)

        history = await every_chat(people, accounts[1], start)
        assert [chat["text"] for chat in history] == [command["text"] for command in sayings.commands]
        assert history[: len(heard_before)] == heard_before


async def test_a_move_in_flight_is_made_once(mortal: Server) -> None:
    async with gathering(mortal) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        command = {"id": str(uuid4()), "action": {"type": "place", "cell": 4}}
        answer = await game.seats[0].send("GAME_ACTION", **command)
        await kill_and_restart(mortal)
        await game.seats[0].gone()
        back = await come_back(people, accounts, game)
        reply = await back.seats[0].ask("GAME_ACTION", **command)
        assert reply.repeated or not _acked(answer)
        assert (await back.seats[0].ask("GAME_ACTION", **command)).repeated
        await back.seats[1].until("GAME_UPDATED", seat=0)
        assert back.seats[1].room.state["cells"] == [None, None, None, None, 0, None, None, None, None]
        await back.place(1, 0)


@on_both_databases
async def test_a_create_in_flight_makes_one_room(mortal: Server) -> None:
    async with gathering(mortal) as people:
        account = await people.guest()
        command = {"id": str(uuid4()), "game": "tic-tac-toe"}
        acked = await (await people.connect(account)).ask("CREATE_GAME_ROOM_GROUP", **command)
        await kill_and_restart(mortal)
        again = await (await people.connect(account)).ask("CREATE_GAME_ROOM_GROUP", **command)
        assert (again.repeated, again.room_id) == (True, acked.room_id)

        in_flight = {"id": str(uuid4()), "game": "tic-tac-toe"}
        await (await people.connect(account)).send("CREATE_GAME_ROOM_GROUP", **in_flight)
        await kill_and_restart(mortal)
        player = await people.connect(account)
        first = await player.ask("CREATE_GAME_ROOM_GROUP", **in_flight)
        second = await player.ask("CREATE_GAME_ROOM_GROUP", **in_flight)
        assert (second.repeated, second.room_id) == (True, first.room_id)


async def test_other_content_under_an_acked_id_is_still_refused(mortal: Server) -> None:
    async with gathering(mortal) as people:
        account = await people.guest()
        player = await people.connect(account)
        room_id = await player.create("tic-tac-toe")
        command_id = str(uuid4())
        await player.ask("SEND_CHAT", id=command_id, text="one")
        await kill_and_restart(mortal)
        back = await people.connect(account)
        await back.join(room_id)
        with pytest.raises(Refused) as refused:
            await back.ask("SEND_CHAT", id=command_id, text="two")
        assert refused.value.code == "id_reused"


# --- accounts -------------------------------------------------------------------------------------------------


async def test_accounts_tokens_and_logouts_survive(mortal: Server) -> None:
    async with gathering(mortal) as people:
        name, password, device = f"alice-{uuid4().hex[:8]}", "correct horse battery", f"device-{uuid4().hex}"
        account = await people.api.register(name, password, display_name="Alice")
        guest, gone = await people.api.guest("Gustav", device_id=device), await people.guest("Gone")
        await people.api.logout(gone.refresh_token)
        await kill_and_restart(mortal)
        assert await people.api.me(account.access_token) == account.user
        assert await people.api.me(guest.access_token) == guest.user
        await people.api.token(grant_type="password", username=name, password=password)
        await people.api.refresh(guest.refresh_token)
        body = await people.api.call("POST", "/auth/guest", 200, json={"device_id": device})
        assert body["user"]["user_id"] == guest.user_id
        await people.connect(account)
        for refused in (people.api.refresh(gone.refresh_token), people.connect(gone)):
            with pytest.raises(Refused) as refusal:
                await refused
            assert refusal.value.status == 401


# --- play that is not journaled -------------------------------------------------------------------------------


@pairwise
async def test_after_a_death_a_volatile_room_begins_a_new_epoch(mortal: Server, way: Way) -> None:
    """EPOCH_STARTED itself happens before the first connection is back; what it shows is the risen epoch."""
    async with gathering(mortal, way) as people:
        accounts = await two_accounts(people)
        alice, bob = [await people.connect(account) for account in accounts]
        room_id = await alice.create("relay")
        await bob.join(room_id)
        chat = {"id": str(uuid4()), "text": "chat is journaled in every room"}
        said = await alice.ask("SEND_CHAT", **chat)
        await alice.act("send", data="play of relay is not")
        await bob.until("GAME_UPDATED")
        old = bob.room.position
        await kill_and_restart(mortal)
        await bob.gone()

        back = await people.connect(accounts[1])
        reply = await back.resume(bob.room)
        assert reply.data["resumed"] is False
        assert reply.position.epoch > old.epoch
        assert reply.data["room"]["members"][accounts[0].user_id]["seat"] == 0
        again = await people.connect(accounts[0])
        await again.join(room_id)
        repeated = await again.ask("SEND_CHAT", **chat)
        assert (repeated.repeated, repeated.data) == (True, said.data)
        await again.act("send", data="on we go")
        await back.until("GAME_UPDATED")


async def test_in_a_new_epoch_the_play_of_the_old_one_may_be_sent_again(mortal: Server) -> None:
    """Play of volatile games remembers ids within one epoch only."""
    async with gathering(mortal) as people:
        account = await people.guest()
        player = await people.connect(account)
        room_id = await player.create("relay")
        command = {"id": str(uuid4()), "action": {"type": "send", "data": 1}}
        await player.ask("GAME_ACTION", **command)
        await kill_and_restart(mortal)
        back = await people.connect(account)
        await back.join(room_id)
        reply = await back.ask("GAME_ACTION", **command)
        assert not reply.repeated
        await back.until("GAME_UPDATED")


# --- grace ----------------------------------------------------------------------------------------------------


async def test_who_does_not_come_back_after_a_death_times_out(servers: Servers) -> None:
    server = servers.start(grace_ms=1_500)
    async with gathering(server) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        await kill_and_restart(server)
        alice = await people.return_to(accounts[0], game.seats[0].room)
        await alice.until("MEMBER_DISCONNECTED", user_id=accounts[1].user_id)
        await alice.until("MEMBER_LEFT", user_id=accounts[1].user_id, reason="timeout")
        await alice.until("GAME_ENDED", reason="abandoned")


async def test_a_grace_period_that_ran_at_the_death_still_ends(servers: Servers) -> None:
    server = servers.start(grace_ms=3_000)
    async with gathering(server) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        alice, bob = game.seats
        await bob.drop()
        await alice.until("MEMBER_DISCONNECTED", user_id=accounts[1].user_id)
        await kill_and_restart(server)
        back = await people.return_to(accounts[0], alice.room)
        await back.until("MEMBER_LEFT", user_id=accounts[1].user_id, reason="timeout")


# --- a death that is announced --------------------------------------------------------------------------------


async def test_a_terminated_server_says_when_to_come_back_and_loses_nothing(servers: Servers) -> None:
    """SIGTERM: SERVER_DRAINING, 4004, exit code 0; play that is not journaled is handed over, so no epoch begins."""
    server = servers.start()
    async with gathering(server) as people:
        accounts = await two_accounts(people)
        game = await begin(people, accounts)
        await game.place(0, 4)
        volatile = await game.seats[0].create("relay")
        await game.seats[0].ask("GAME_ACTION", room_id=volatile, action={"type": "send", "data": 1})
        before = game.seats[0].rooms[volatile].position
        assert await asyncio.to_thread(server.terminate) == 0
        for player in game.seats:
            assert (await player.until("SERVER_DRAINING"))["reconnect_after_ms"] >= 0
            closed = await player.closed()
            assert (closed.code, closed.reason) == (4004, "draining")

        await asyncio.to_thread(server.start)
        copies = [player.rooms[game.room_id] for player in game.seats]
        alice, bob = [
            await people.return_to(account, copy) for account, copy in zip(accounts, copies, strict=True)
        ]
        await Game(game.room_id, (alice, bob)).place(1, 0)
        assert bob.room.state["cells"][:5] == [1, None, None, None, 0]
        assert (await alice.join(volatile)).position.epoch == before.epoch
