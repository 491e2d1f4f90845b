"""Relay for where everybody talks: what is said may wait 5 ms, and leaves together."""

from gameroom.games.relay import Relay


class Talk(Relay):
    name = "talk"
    flush_ms = 5
