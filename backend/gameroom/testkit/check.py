"""`check_game(MyGame)`: Hypothesis plays the game at random and looks for what no game may do."""

from collections.abc import Mapping

from gameroom.games.game import Game
from gameroom.protocol.commands import FreeJson
from gameroom.testkit.observer import Scramble
from gameroom.testkit.table import SettingsT, StateT


class HypothesisIsMissing(ImportError):
    """`check_game` was called where Hypothesis is not installed."""

    def __init__(self) -> None:
        super().__init__("check_game plays with Hypothesis: pip install 'gameroom[testkit]'")


def check_game(
    game: type[Game[StateT, SettingsT]],
    *,
    settings: Mapping[str, FreeJson] | None = None,
    scramble: Scramble[StateT] | None = None,
    rounds: int = 100,
) -> None:
    """Play so many rounds, each with other players, seeds, moves and mistakes. Raises AssertionError.

    After every step: a refused action has changed nothing; the state is read back from storage as it was; the same
    step in a copy that was read back has the same outcome; making views changes nothing; for every seat, the last
    view and a patch make the new one. Timers are waited for. With `scramble`: what is hidden from a seat makes no
    difference to its view, nor to whether and how its actions are refused. Whatever the game itself raises by
    mistake comes out as `GameFailed`. The report ends with the steps that lead there, shortened as far as possible.

    Raises `HypothesisIsMissing`.
    """
    try:
        from gameroom.testkit.random_play import play_at_random
    except ModuleNotFoundError as missing:
        if missing.name != "hypothesis":
            raise
        raise HypothesisIsMissing from None
    play_at_random(game, settings or {}, scramble, rounds)
