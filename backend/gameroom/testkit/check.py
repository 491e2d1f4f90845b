"""`check_game(MyGame)`: Hypothesis plays the game at random and looks for what no game may do."""

from collections.abc import Collection, Mapping

from gameroom.games.game import Game
from gameroom.protocol.commands import FreeJson
from gameroom.testkit.secrecy import Scramble, Secrecy
from gameroom.testkit.table import SettingsT, StateT


class TestkitIsMissing(ImportError):
    """`check_game` was called where what it plays with is not installed."""

    def __init__(self) -> None:
        super().__init__("check_game needs Hypothesis and jsonschema: pip install 'gameroom[testkit]'")


def check_game(
    game: type[Game[StateT, SettingsT]],
    *,
    settings: Mapping[str, FreeJson] | None = None,
    scramble: Scramble[StateT] | None = None,
    reveals: Collection[str] = (),
    endless: bool = False,
    rounds: int = 100,
) -> None:
    """Play so many rounds, each with other players, seeds, moves and mistakes. Raises AssertionError.

    After every step: a refused action has changed nothing; the state is read back from storage as it was; the same
    step in a copy that was read back has the same outcome; making views changes nothing; for every seat, the last
    view and a patch make the new one; views and accepted actions are as the game's schemas say. Timers are waited
    for. At least one round must come to its end, unless the game is `endless`.

    With `scramble`: what is hidden from a player makes no difference to all that it is told: views, announcements,
    answers and refusals, deadlines, the end. `reveals` names the actions, timers and hooks that show on purpose what
    was hidden: of them only views before and refusals are held to it.

    Whatever the game itself raises by mistake comes out as `GameFailed`. The report ends with the steps that lead
    there, shortened as far as possible. Raises `TestkitIsMissing`.
    """
    try:
        from gameroom.testkit.random_play import play_at_random
    except ModuleNotFoundError as missing:
        if missing.name not in ("hypothesis", "jsonschema"):
            raise
        raise TestkitIsMissing from None
    secrecy = None if scramble is None else Secrecy(scramble, frozenset(reveals))
    play_at_random(game, settings or {}, secrecy, rounds, endless=endless)
