"""Which names can be shown."""

import pytest

from gameroom.protocol.names import fault_of_name

VISIBLE = [
    "A",
    " A ",
    "ä",
    "李",
    "👩‍💻",
    "é",
    "1",
    "_",
    "-",
    "\u200bA",
    "ꙮ",
    "\U0001fae9",
]  # the last is of Unicode 16
INVISIBLE = [
    "",
    " ",
    "\u00a0\u3000",  # no-break and ideographic space
    "\u200b\u200d\ufeff",  # zero-width
    "\u202e\u2066",  # directions
    "\u00ad",  # soft hyphen
    "\u0301\ufe0f",  # an accent and a variation selector, on nothing
    "\u3164\u115f\u1160\uffa0",  # Hangul fillers
    "\u2800",  # blank of Braille
    "\U000e0041",  # a tag
]


@pytest.mark.parametrize("name", VISIBLE)
def test_a_name_with_one_visible_character_shows_something(name: str) -> None:
    assert fault_of_name(name) is None


@pytest.mark.parametrize("name", INVISIBLE, ids=ascii)
def test_a_name_without_one_shows_nothing(name: str) -> None:
    assert "can be seen" in str(fault_of_name(name))


@pytest.mark.parametrize("control", ["\t", "\n", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_a_name_has_no_control_characters(control: str) -> None:
    """Fifty of them take 300 bytes in JSON: a room near its limit could not tell of who is called so."""
    assert "control" in str(fault_of_name(f"A{control}B"))
