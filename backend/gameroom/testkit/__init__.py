"""For game authors: play a game in a unit test, without a server. `from gameroom.testkit import Table`."""

from gameroom.testkit.table import Table

__all__ = ["Table"]
