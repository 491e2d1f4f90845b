"""For game authors: play a game in a unit test, without a server. `from gameroom.testkit import Table, check_game`."""

from gameroom.testkit.check import check_game
from gameroom.testkit.table import Table

__all__ = ["Table", "check_game"]
