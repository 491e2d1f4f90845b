"""What happens to a room without a command: timers that run out, lost play, news of its members' accounts."""

from gameroom.games.random import next_key
from gameroom.protocol.events import EpochStarted, GameUpdated, MemberLeft, MemberUpdated
from gameroom.rooms.card_book import mark_of
from gameroom.rooms.handlers import hosting, membership, play
from gameroom.rooms.parts import GAME, MEMBER, Due
from gameroom.rooms.rooms import Card
from gameroom.rooms.turn import Turn


def run_out(turn: Turn, due: Due) -> None:
    if not turn.state.runs(due):
        return  # something that happened meanwhile has ended it
    if due.part == MEMBER:
        membership.grace_over(turn, due.name)
    elif due.part == GAME:
        play.fire_timer(turn, due.name)
    else:
        hosting.close(turn, by=None, reason="nobody_connected")


def begin_epoch(turn: Turn) -> None:
    """Numbers drawn in the lost play were seen, and are not stored: others are drawn from now on."""
    turn.emit(EpochStarted(reason="play_lost"))
    turn.state.change_play(random_key=next_key(turn.state.play.random_key), random_counter=0)
    if turn.game_type.has_state:
        play.abort(turn)


def renew_game(turn: Turn) -> None:
    """Another version of the game has taken the room over, and may show it otherwise."""
    turn.emit(GameUpdated(cause="version"))


def change_card(turn: Turn, user_id: str, card: Card) -> None:
    """The member is shown otherwise. Its part gets no more than the mark: cards stand beside the state."""
    turn.state.change_member(user_id, shown=mark_of(user_id, card, turn.policy.card_key))
    turn.emit(MemberUpdated(user_id=user_id, changed=["profile"]))


def end_membership(turn: Turn, user_id: str) -> None:
    """The member's account is deleted."""
    membership.remove(turn, user_id, MemberLeft(user_id=user_id, reason="account_deleted"), "left")
