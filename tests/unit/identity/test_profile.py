"""Which URLs a picture may have, and what a change of a profile leaves as it was."""

import pytest
from msgspec.structs import replace

from gameroom.identity.account import Account
from gameroom.identity.profile import ProfileChange, is_web_url


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
        'https://example.org/"a"',
        "https://example.org/\\a",
        "https://example.org/<a>",
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
