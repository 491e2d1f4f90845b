"""Random commands at a room: whatever comes, its promises hold after every step.

View + patches == fresh view for every seat; recovered state == live state; refused == unchanged; seq gapless; a
repeat is done once and answered the same.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gameroom.errors import GameroomError
from gameroom.games.game import Game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    CloseRoom,
    Command,
    GameAction,
    JoinRoom,
    KickMember,
    LeaveRoom,
    ResumeFrom,
    SendChat,
    SetReady,
    SetRole,
    StartGame,
    TransferHost,
    UpdateRoom,
)
from gameroom.rooms.replay import Viewer
from gameroom.rooms.rooms import Answer, Card
from tests.unit.rooms.games import Bomb, Counter, Secrets
from tests.unit.rooms.kept import findings, seen_last
from tests.unit.rooms.scene import Copy, Scene

USERS = st.sampled_from(["ann", "bob", "cid", "dot", "eve"])
IDS = st.none() | st.sampled_from(["1", "2", "3"])

UPDATES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ours", "Theirs"]),
        "visibility": st.sampled_from(["public", "private"]),
        "password": st.none() | st.just("mac"),
        "locked": st.booleans(),
        "max_players": st.integers(1, 4),
        "metadata": st.dictionaries(st.just("a"), st.sampled_from([0, False, 1.0]), max_size=1),
        "settings": st.just({}),
        "rotate_invite_code": st.booleans(),
    },
)

SEATS = st.lists(st.integers(0, 3), max_size=2)

ACTIONS: dict[type[Game[Any, Any]], st.SearchStrategy[dict[str, Any]]] = {
    TicTacToe: st.builds(lambda cell: {"type": "place", "cell": cell}, st.integers(-1, 9)),
    Relay: st.builds(
        lambda data, to: {"type": "send", "data": data, "to": to}, st.integers(0, 3), st.none() | SEATS
    ),
    Secrets: st.one_of(
        st.sampled_from([{"type": "draw"}, {"type": "draw"}, {"type": "finish"}]),
        st.builds(lambda legal: {"type": "spoil", "legal": legal}, st.booleans()),
        st.builds(lambda to: {"type": "show", "to": to}, SEATS),
    ),
    Bomb: st.just({"type": "move"}),
    Counter: st.just({"type": "count"}),
}


class RoomMachine(RuleBasedStateMachine):
    game: type[Game[Any, Any]]

    @initialize()
    def create(self) -> None:
        self.scene = Scene(self.game)
        self.answers: dict[tuple[str, str], tuple[Command, Answer]] = {}
        self.stale: dict[str, Copy] = {}

    @rule(
        user=USERS,
        role=st.none() | st.sampled_from(["player", "spectator"]),
        updates=st.sampled_from(["patch", "patch", "view"]),
    )
    def join(self, user: str, role: Any, updates: Any) -> None:
        self.attempt(user, JoinRoom(role=role, updates=updates))

    @rule(user=USERS)
    def lose_the_network(self, user: str) -> None:
        """The socket is gone and nobody has noticed yet: the user's copy stands still."""
        if user in self.scene.copies:
            self.stale[user] = self.scene.copies.pop(user)

    @rule(user=USERS)
    def resume(self, user: str) -> None:
        """Come back with what one had; what was missed is applied to it, or it is replaced."""
        copy = self.stale.pop(user, None)
        if copy is None:
            return
        self.scene.copies.pop(user, None)
        self.scene.resuming[user] = copy
        self.attempt(user, JoinRoom(resume=ResumeFrom(copy.epoch, copy.seq)))
        self.scene.resuming.clear()

    @rule(user=USERS, id=IDS)
    def leave(self, user: str, id: str | None) -> None:
        self.attempt(user, LeaveRoom(id=id))

    @rule(user=USERS, ready=st.booleans(), id=IDS)
    def set_ready(self, user: str, ready: bool, id: str | None) -> None:
        self.attempt(user, SetReady(ready=ready, id=id))

    @rule(user=USERS, role=st.sampled_from(["player", "spectator"]), id=IDS)
    def set_role(self, user: str, role: Any, id: str | None) -> None:
        self.attempt(user, SetRole(role=role, id=id))

    @rule(user=st.none() | USERS, fields=UPDATES, id=IDS)
    def update(self, user: str | None, fields: dict[str, Any], id: str | None) -> None:
        """Mostly the host; else anybody."""
        self.attempt(user or self.scene.room.state.room.host_id, UpdateRoom(**fields, id=id))

    @rule(user=st.none() | USERS, whom=USERS, id=IDS)
    def kick(self, user: str | None, whom: str, id: str | None) -> None:
        """Nobody is banned for good, lest the room run empty."""
        self.attempt(user or self.scene.room.state.room.host_id, KickMember(user_id=whom, id=id))

    @rule(user=st.none() | USERS, whom=USERS, id=IDS)
    def transfer(self, user: str | None, whom: str, id: str | None) -> None:
        self.attempt(user or self.scene.room.state.room.host_id, TransferHost(user_id=whom, id=id))

    @rule(user=USERS, name=st.sampled_from(["Ann", "Bob"]))
    def change_card(self, user: str, name: str) -> None:
        self.scene.show(user, Card(name, None))

    @rule(user=USERS)
    def delete_account_rarely(self, user: str) -> None:
        if self.scene.room.position.seq % 10 == 0:
            self.scene.keep(self.scene.room.hear(user, None, self.scene.now))

    @rule(user=USERS)
    def start(self, user: str) -> None:
        self.attempt(user, StartGame())

    @rule()
    @precondition(lambda self: self.scene.room.state.play.status == "waiting")
    def everybody_is_ready_and_starts(self) -> None:
        for user in list(self.scene.room.state.members):
            self.attempt(user, SetReady(ready=True))
        self.attempt(self.scene.room.state.room.host_id, StartGame())

    @rule(data=st.data(), id=IDS)
    def act(self, data: st.DataObject, id: str | None) -> None:
        """Mostly somebody who can act; else anybody."""
        players = sorted(self.scene.room.state.play.players.values())
        user = data.draw(st.sampled_from(players) if players else USERS)
        self.attempt(user, GameAction(action=data.draw(ACTIONS[self.game]), id=id))

    @rule(user=USERS, to=st.none() | USERS, id=IDS)
    def chat(self, user: str, to: str | None, id: str | None) -> None:
        self.attempt(user, SendChat(text="hello", to=to, id=id))

    @rule(user=USERS)
    def hang_up(self, user: str) -> None:
        self.scene.hang_up(user)

    @rule(ms=st.integers(0, 40_000))
    def pass_time(self, ms: int) -> None:
        self.scene.pass_time(ms)

    @rule()
    def keep_snapshot(self) -> None:
        self.scene.keep_snapshot()

    @rule()
    def rest(self) -> None:
        """Nothing reaches the room for a while."""
        self.scene.rest()

    @rule(user=USERS)
    def close_rarely(self, user: str) -> None:
        if self.scene.room.position.seq > 40:
            self.attempt(user, CloseRoom())

    @rule()
    def open_again(self) -> None:
        """A crash, after which everybody comes back at once and resumes."""
        present = [user for user in self.scene.copies if user in self.scene.room.presence]
        self.scene.crash()
        if self.scene.game_type.durability != "journal":
            # Play is remembered within its epoch only, but for an action that ended its round: that is recorded.
            recorded = {(each.user_id, each.command_id) for each in self.scene.recovery().commands}
            self.answers = {key: answer for key, answer in self.answers.items() if key in recorded}
            if not self.scene.room.is_closed:
                self.scene.keep(self.scene.room.start_epoch(self.scene.now))
        for user in present:
            if user in self.scene.room.state.members and not self.scene.room.is_closed:
                copy = self.scene.resuming[user] = self.scene.copies.pop(user)
                self.scene.do(user, JoinRoom(resume=ResumeFrom(copy.epoch, copy.seq)))

    def attempt(self, user: str, command: Command) -> None:
        """Ask; what is refused must change nothing, what was done before must be answered the same."""
        room = self.scene.room
        before = (dict(room.state.encoded), room.position)
        outcome = self.scene.ask(user, command)
        if isinstance(outcome, GameroomError):
            assert before == (room.state.encoded, room.position)
            assert outcome.code != "internal"
        elif command.id is not None:
            self.compare(user, command, outcome, unchanged=before == (room.state.encoded, room.position))

    def compare(self, user: str, command: Command, outcome: Answer, *, unchanged: bool) -> None:
        known = self.answers.get((user, str(command.id)))
        assert outcome.repeated == (known is not None)
        if known is None:
            self.answers[user, str(command.id)] = (command, outcome)
        else:
            first_command, first = known
            assert command == first_command
            assert (outcome.data, outcome.seq, outcome.epoch) == (first.data, first.seq, first.epoch)
            assert unchanged

    @invariant()
    def promises_hold(self) -> None:
        if hasattr(self, "scene") and not self.scene.room.is_closed:
            self.scene.verify()

    def teardown(self) -> None:
        """What is stored of any history is found to be as it was written, and shows everybody the present again."""
        if not hasattr(self, "scene"):
            return
        assert findings(self.scene) == []
        if self.scene.game_type.durability == "journal":
            for user, copy in self.scene.copies.items():
                assert seen_last(self.scene, Viewer(user_id=user)) == copy.view


def machine(kind: type[Game[Any, Any]]) -> Any:
    case = type(f"{kind.__name__}Machine", (RoomMachine,), {"game": kind}).TestCase
    case.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
    return case


TestTicTacToe = machine(TicTacToe)
TestRelay = machine(Relay)
TestSecrets = machine(Secrets)
TestBomb = machine(Bomb)
TestCounter = machine(Counter)
