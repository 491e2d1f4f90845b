"""Rounds: getting ready, starting, acting, the game's timers and hooks, and the end."""

from collections.abc import Callable

from gameroom.errors import Forbidden, GameFailed, NotEnoughPlayers, NotPlayer, PlayersNotReady
from gameroom.games.context import Context
from gameroom.games.effects import Effects
from gameroom.games.game import GameState
from gameroom.games.random import key_of_seed
from gameroom.protocol.answers import Empty, Started
from gameroom.protocol.commands import FreeJson, GameAction, SetReady, StartGame
from gameroom.protocol.events import EndReason, GameEnded, GameStarted, GameUpdated, MemberUpdated
from gameroom.rooms.rooms import Sender
from gameroom.rooms.turn import Turn

Hook = Callable[[GameState | None, Context], None]
"""A method of `GameType` that hears what became of a player."""


def set_ready(turn: Turn, sender: Sender, command: SetReady) -> Empty:
    changed = turn.state.members[sender.user_id].ready != command.ready
    turn.state.change_member(sender.user_id, ready=command.ready)
    turn.emit(MemberUpdated(user_id=sender.user_id, changed=["ready"] if changed else []))
    return Empty()


def start_game(turn: Turn, _sender: Sender, command: StartGame) -> Started:
    """Close the gaps between seats, deal, and begin the next round."""
    _check_startable(turn)
    if isinstance(command.seed, str | int):
        _reseed(turn, command.seed)
    players = _seat_closely(turn)
    turn.state.change_play(
        status="playing", round=turn.state.play.round + 1, players=players, timers={}, result=None
    )
    game, effects = turn.run_game(None, turn.game_type.setup)
    turn.state.set_game(game)
    started = GameStarted(round=turn.state.play.round, players=_named(players))
    turn.emit(started, announcements=tuple(effects.announcements))
    _end_if_over(turn, effects)
    _name_the_absent(turn, players)
    return Started(turn.state.play.round)


def act(turn: Turn, sender: Sender, command: GameAction) -> FreeJson:
    """A player of the round acts; the game decides, and what it returns is the answer."""
    seat = turn.state.round_seat(sender.user_id)
    if seat is None:
        raise NotPlayer("Only the players of this round can act in it")
    game_type, state = turn.game_type, turn.state
    action = game_type.action(command.action)
    answer, effects = turn.run_game(seat, lambda ctx: game_type.act(state.open_game(), ctx, action))
    updated = GameUpdated(user_id=sender.user_id, seat=seat, cause="action")
    turn.emit(updated, announcements=tuple(effects.announcements))
    _end_if_over(turn, effects)
    return answer


def fire_timer(turn: Turn, name: str) -> None:
    """The game's timer `name` is due. A game that fails here is aborted: there is nobody to refuse."""
    timers = {other: at for other, at in turn.state.play.timers.items() if other != name}
    turn.state.change_play(timers=timers)
    effects = _run_or_abort(turn, lambda ctx: turn.game_type.fire(name, turn.state.open_game(), ctx), None)
    if effects is not None:
        turn.emit(GameUpdated(cause="timer"), announcements=tuple(effects.announcements))
        _end_if_over(turn, effects)


def notify(turn: Turn, hook: Hook, seat: int | None) -> None:
    """Tell the game what became of the player on `seat`, if a round is on and the game wants to know."""
    if seat is None or turn.state.play.status != "playing":
        return
    before = turn.state.game_so_far()
    effects = _run_or_abort(turn, lambda ctx: hook(turn.state.open_game(), ctx), seat)
    if effects is None:
        return
    if effects.announcements or turn.state.game_so_far() != before:
        turn.emit(GameUpdated(cause="member"), announcements=tuple(effects.announcements))
    _end_if_over(turn, effects)


def abort(turn: Turn) -> None:
    """The game stands in the way of what must happen: its state and its round are given up, and it is asked no more."""
    turn.without_game = True
    turn.state.set_game(None)
    abort_round(turn)


def abort_round(turn: Turn) -> None:
    """End the round that is played, if any. What is always playing has none: it goes on."""
    if turn.state.play.status == "playing" and not turn.game_type.always_playing:
        end_round(turn, "aborted", None)


def end_round(turn: Turn, reason: EndReason, result: FreeJson) -> None:
    """The room waits for its next round; the final state stays to be seen."""
    play = turn.state.play
    turn.state.change_play(status="waiting", timers={}, result=result)
    for user_id, member in tuple(turn.state.members.items()):
        if member.ready:
            turn.state.change_member(user_id, ready=False)
    players = _named(play.players)
    turn.emit(GameEnded(round=play.round, reason=reason, result=result, players=players))


def _name_the_absent(turn: Turn, players: dict[int, str]) -> None:
    """Who was ready and has lost the connection plays too; the game must not take it for present."""
    for seat, user_id in players.items():
        if not turn.state.members[user_id].connected:
            notify(turn, turn.game_type.member_disconnected, seat)


def _check_startable(turn: Turn) -> None:
    players = [(u, m) for u, m in turn.state.members.items() if m.role == "player"]
    if len(players) < turn.game_type.min_players:
        raise NotEnoughPlayers(need=turn.game_type.min_players, have=len(players))
    waited_for = [user_id for user_id, member in players if not member.ready]
    if waited_for:
        raise PlayersNotReady(waited_for)


def _reseed(turn: Turn, seed: str | int) -> None:
    if not turn.policy.development:
        raise Forbidden("A seed is for development mode only", reason="development_only")
    turn.state.change_play(random_key=key_of_seed(seed), random_counter=0)


def _seat_closely(turn: Turn) -> dict[int, str]:
    """Seats 0, 1, 2 … in the order in which the players sit; whoever moves has a new base for resuming."""
    order = tuple(turn.state.players().values())
    for seat, user_id in enumerate(order):
        if turn.state.members[user_id].seat != seat:
            turn.state.change_member(user_id, seat=seat, since=turn.next_seq)
    return dict(enumerate(order))


def _run_or_abort(turn: Turn, call: Callable[[Context], None], seat: int | None) -> Effects | None:
    """What the game wants; None: it has failed, and its round is aborted. What is always playing goes on instead."""
    if turn.without_game:
        return Effects()
    try:
        return turn.run_game(seat, call)[1]
    except GameFailed as failure:
        turn.failure = failure
        turn.state.restore_game()
        abort_round(turn)
        return Effects() if turn.game_type.always_playing else None


def _end_if_over(turn: Turn, effects: Effects) -> None:
    if effects.ending is not None:
        end_round(turn, effects.ending.reason, effects.ending.result)


def _named(players: dict[int, str]) -> dict[str, str]:
    return {str(seat): user_id for seat, user_id in players.items()}
