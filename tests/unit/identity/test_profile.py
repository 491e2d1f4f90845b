"""Which names show something, and which URLs a picture may have."""

import pytest
from msgspec.structs import replace

from gameroom.identity.account import Account
from gameroom.identity.profile import ProfileChange, is_web_url, shows_something

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
    "\t\n",
    "\u00a0\u3000",  # no-break and ideographic space
    "\u200b\u200d\ufeff",  # zero-width
    "\u202e\u2066",  # directions
    "\u00ad",  # soft hyphen
    "\u0301\ufe0f",  # an accent and a variation selector, on nothing
    "\u2028\u2029",  # separators of lines
    "\u3164\u115f\u1160\uffa0",  # Hangul fillers
    "\u2800",  # blank of Braille
    "\x7f\x1b",
    "\U000e0041",  # a tag
]


@pytest.mark.parametrize("name", VISIBLE)
def test_a_name_with_one_visible_character_shows_something(name: str) -> None:
    assert shows_something(name)


@pytest.mark.parametrize("name", INVISIBLE, ids=ascii)
def test_a_name_without_one_shows_nothing(name: str) -> None:
    assert not shows_something(name)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/ada.png",
        "http://example.org",
        "HTTPS://Example.org:8443/a?b=c#d",
        "https://[::1]/a",
        "https://example.org/%C3%A4",
    ],
)
def test_a_web_url(url: str) -> None:
    assert is_web_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/a.png",
        "//example.org/a.png",
        "/a.png",
        "https://",
        "https:///a.png",
        "https:example.org",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "ftp://example.org/a",
        "https://ada:secret@example.org/a",
        "https://ada@example.org/a",
        "https://example.org/ä",
        "https://example.org/a b",
        "https://example.org/a\n",
        " https://example.org/a",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://[::1/",
    ],
    ids=ascii,
)
def test_no_web_url(url: str) -> None:
    assert not is_web_url(url)


def test_only_what_is_given_is_changed() -> None:
    ada = Account(user_id="ada", display_name="Ada", avatar_url="https://example.org/", created_at=0)
    assert ProfileChange().applied_to(ada) == ada
    change = ProfileChange(avatar_url=None, metadata={"a": 1})
    assert change.applied_to(ada) == replace(ada, avatar_url=None, metadata={"a": 1})
