"""Tests that reach into objects can do so only where these are not compiled."""

import pytest

from gameroom.rooms import room

interpreted = pytest.mark.skipif(
    not str(room.__file__).endswith(".py"), reason="it takes the place of a method that is compiled here"
)
