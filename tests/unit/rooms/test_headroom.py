"""The whole view fits into one message, whatever becomes of the members."""

from dataclasses import replace

import pytest
from msgspec.json import encode

from gameroom import Context, Game, GameSettings, action
from gameroom.clock import rfc3339
from gameroom.errors import MessageTooBig
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import CloseRoom, JoinRoom, KickMember, LeaveRoom, SendChat, UpdateRoom
from gameroom.protocol.frames import pack
from gameroom.protocol.limits import AVATAR_URL_LENGTH
from gameroom.protocol.views import MemberView
from gameroom.rooms.headroom import MEMBER_BYTES
from gameroom.rooms.rooms import Answer, Card
from gameroom.settings import LEAST_SERVER_MESSAGE_BYTES
from tests.unit.rooms.scene import POLICY, START, Scene

SMALL = replace(POLICY, max_frame_bytes=12_000)
TINY = replace(POLICY, max_frame_bytes=1_500)
LONGEST = Card(50 * "\N{DIE FACE-1}", "https://e.org/".ljust(AVATAR_URL_LENGTH, "a"))
METADATA = {"about": "x" * 4_000}


def full() -> tuple[Scene, list[str]]:
    """A room in which Vic wants whole views, and into which nobody more fits; who else is there."""
    scene = Scene(Relay, policy=SMALL)
    scene.do("vic", JoinRoom(updates="view"))
    users: list[str] = []
    while isinstance(scene.ask(f"u{len(users)}", JoinRoom()), Answer):
        users.append(f"u{len(users)}")
    return scene, users


def test_a_member_fits_into_what_is_kept_for_it() -> None:
    view = MemberView(
        display_name=50 * "\N{SLIGHTLY SMILING FACE}",
        avatar_url=LONGEST.avatar_url,
        role="spectator",
        seat=None,
        ready=False,
        connected=False,
        reserved_until=rfc3339(START),
    )
    member = encode({"01a20c94-c55d-744c-a60b-1d82b6d69a35": view})
    assert max(len(member), len(pack(member))) < MEMBER_BYTES < len(member) + 50


def test_under_the_least_limit_that_an_operator_can_set_people_play() -> None:
    """Under 4 KiB no room could be made at all, and the server did not say so at its start."""
    least = replace(POLICY, max_frame_bytes=LEAST_SERVER_MESSAGE_BYTES)
    scene = Scene(TicTacToe, policy=least, name=80 * "\N{DIE FACE-1}", metadata=METADATA)
    scene.do("bob", JoinRoom())
    for user in ("cid", "dee", "eve"):
        scene.do(user, JoinRoom(role="spectator"))
    for user in ("ann", "bob"):
        scene.show(user, LONGEST)
    scene.verify()


class Wordy(GameSettings):
    word: str = 9_000 * "x"


class Words(Game[None, Wordy]):
    name = "words"
    min_players, max_players = 1, 2

    @action
    def say(self, state: None, ctx: Context[Wordy]) -> None:
        pass


def test_defaults_of_settings_are_counted_too() -> None:
    """They stand in the view, and not in the part of a room for which nobody gave any."""
    scene = Scene(Words, settings={"word": "hi"})
    assert len(encode(scene.fresh_view("ann"))) + 9_000 < SMALL.max_frame_bytes
    with pytest.raises(MessageTooBig):
        Scene(Words, policy=SMALL)


def test_longer_cards_keep_nobody_out_and_lose_no_room() -> None:
    """Neither could the room say so to Vic, nor a member come back that had lost its connection."""
    scene, users = full()
    assert len(users) > 5
    for user in ("ann", "vic", *users):
        scene.show(user, LONGEST)
    scene.verify()
    for user in ("ann", "vic", *users):
        scene.hang_up(user)
        scene.do(user, JoinRoom())


def test_who_does_not_fit_is_told_so_and_fits_when_somebody_has_left() -> None:
    scene, users = full()
    assert isinstance(scene.refused("eve", JoinRoom()), MessageTooBig)
    scene.do(users[0], LeaveRoom())
    scene.do("eve", JoinRoom())


def test_what_leaves_too_little_is_refused_and_all_else_is_done() -> None:
    scene, users = full()
    scene.do("ann", SendChat(text="hi"))
    assert isinstance(scene.refused("ann", UpdateRoom(metadata=METADATA)), MessageTooBig)
    for user in users[:5]:
        scene.do("ann", KickMember(user_id=user))
    scene.do("ann", UpdateRoom(metadata=METADATA))
    scene.verify()


@pytest.mark.parametrize("command", [LeaveRoom(), KickMember(user_id="bob"), CloseRoom()])
def test_nobody_is_kept_in_by_a_message_that_is_too_long(
    command: LeaveRoom | KickMember | CloseRoom,
) -> None:
    """Since the operator allows less than there is already."""
    scene = Scene(TicTacToe, metadata=METADATA)
    scene.do("bob", JoinRoom(updates="view"))
    scene.room.policy = TINY
    scene.do("ann", command)


def test_what_must_happen_is_told_however_long_it_is() -> None:
    """A room that is opened under a lower limit was lost over the news that its play is lost."""
    scene = Scene(Relay, metadata=METADATA)
    scene.do("bob", JoinRoom())
    scene.policy = TINY
    scene.crash()
    scene.keep(scene.room.start_epoch(scene.now))
    assert scene.copies["bob"].frames[-1]["type"] == "EPOCH_STARTED"
    assert scene.copies["bob"].view["metadata"] == METADATA
    scene.keep(scene.room.disconnect("bob", scene.now))
    scene.pass_time(POLICY.grace_ms)
    assert scene.copies["ann"].frames[-1]["type"] == "MEMBER_LEFT"
