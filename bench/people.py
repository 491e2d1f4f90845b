"""Who plays: guests of the server under test, and the tokens by which every contender lets them in."""

import json
import shutil
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from gameroom.clock import SystemClock
from gameroom.identity.keys import open_key_ring
from gameroom.identity.tokens import AccessTokens, TokenPolicy


class CallFailed(Exception):
    """The server refused what the benchmark asked for before the load began."""


@dataclass(frozen=True)
class Guest:
    """A user, and the sign-in that its tokens belong to."""

    user_id: str
    sign_in_id: str


class People:
    """Guests, all made beforehand in `data_dir`, of which every run of the server gets a copy."""

    def __init__(self, data_dir: Path, guests: Sequence[Guest]) -> None:
        self.data_dir = data_dir
        self._guests = guests
        keys = open_key_ring(data_dir / "keys")
        self._tokens = AccessTokens(keys, TokenPolicy(issuer="gameroom", audience="gameroom"), SystemClock())
        self.public_key = data_dir / "public.pem"
        self.public_key.write_bytes(keys.signing.public_pem())

    def fresh_tokens(self, count: int) -> list[str]:
        """One token for each of the first `count` guests, never shown before."""
        issue = self._tokens.issue
        return [issue(guest.user_id, guest.sign_in_id, ()).token for guest in self._guests[:count]]

    def settle_in(self, data_dir: Path) -> None:
        """A copy of the world in which they exist."""
        shutil.copytree(self.data_dir, data_dir)


def invite(port: int, count: int) -> list[Guest]:
    """Sign so many guests in at a running server."""
    connection = HTTPConnection("127.0.0.1", port)
    return [_guest(call(connection, "/api/v1/auth/guest", {}, None)) for _ in range(count)]


def call(connection: HTTPConnection, path: str, body: object, token: str | None) -> dict[str, dict[str, str]]:
    """POST JSON, get JSON. Raises `CallFailed` for anything but 200 and 201."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    if response.status not in (200, 201):
        raise CallFailed(f"{path}: {response.status} {content.decode()}")
    answer: dict[str, dict[str, str]] = json.loads(content)
    return answer


def _guest(answer: dict[str, dict[str, str]]) -> Guest:
    claims = answer["tokens"]["access_token"].split(".")[1]
    decoded = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return Guest(decoded["sub"], decoded["sid"])
