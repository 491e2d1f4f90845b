"""Signing in, the own account and rooms over REST, and what every answer of it must have."""

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.kit.documents import check_exchange
from tests.kit.server import NO_TLS
from tests.kit.wire import (
    CODES,
    Json,
    Refused,
    problem,
    require,
    room_at,
    room_page,
    room_summary,
    tokens,
    user,
)

UNDECIDED = 504
"""Whether it is done is not known: the one failure about which nothing is said."""


@dataclass
class Account:
    """A signed-in user, as the client keeps it."""

    user: Json
    tokens: Json

    @property
    def user_id(self) -> str:
        return str(self.user["user_id"])

    @property
    def access_token(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def refresh_token(self) -> str:
        return str(self.tokens["refresh_token"])


class Api:
    """The REST side of one server. Owns its HTTP client; `close` ends it."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx2.AsyncClient(base_url=base_url, trust_env=False, verify=NO_TLS, timeout=15)
        self.secrets: set[str] = set()

    async def close(self) -> None:
        await self._http.aclose()

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Any request; the answer as it is, with what every answer must have checked."""
        response = await self._http.request(method, path, **options)
        require("x-request-id" in response.headers, f"{method} {path} has no X-Request-Id")
        check_exchange(response)
        if response.status_code >= 400 and response.status_code != UNDECIDED:
            self._check_problem(response)
        if '"access_token"' in response.text:
            require(
                response.headers.get("cache-control") == "no-store", "tokens without Cache-Control: no-store"
            )
        return response

    async def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        """A call that shall end with this status; its body. Raises `Refused` if the server refuses."""
        response = await self.request(method, f"/api/v1{path}", **options)
        if response.status_code >= 400:
            raise Refused(response.json(), status=response.status_code, headers=response.headers)
        require(response.status_code == status, f"{method} {path}: {response.status_code}, not {status}")
        return response.json() if response.content else None

    def _check_problem(self, response: httpx2.Response) -> None:
        require(
            response.headers["content-type"].split(";")[0] == "application/problem+json",
            f"{response.request.url} failed without problem+json: {response.headers['content-type']}",
        )
        body = response.json()
        problem("problem", body)
        require(body["status"] == response.status_code, f"the problem says another status: {body!r}")
        require(
            CODES.get(body["code"], response.status_code) == response.status_code, f"wrong status: {body!r}"
        )
        if response.status_code == 401:
            challenge = response.headers.get("www-authenticate", "")
            require(challenge.startswith('Bearer error="'), f"401 with WWW-Authenticate {challenge!r}")
        if response.status_code == 429:
            require("retry-after" in response.headers, "429 without Retry-After")

    # --- signing in -------------------------------------------------------------------------------------------

    async def guest(self, name: str, **fields: Any) -> Account:
        """A new guest."""
        return self._account(
            await self.call("POST", "/auth/guest", 201, json={"display_name": name, **fields})
        )

    async def register(self, username: str, password: str, **fields: Any) -> Account:
        body = {"username": username, "password": password, **fields}
        return self._account(await self.call("POST", "/auth/register", 201, json=body))

    async def token(self, **form: str) -> Json:
        """The OAuth2 form: `grant_type` and its fields."""
        return self._tokens(await self.call("POST", "/auth/token", 200, data=form))

    async def refresh(self, refresh_token: str) -> Json:
        body = {"refresh_token": refresh_token}
        return self._tokens(await self.call("POST", "/auth/refresh", 200, json=body))

    async def logout(self, refresh_token: str) -> None:
        await self.call("POST", "/auth/logout", 204, json={"refresh_token": refresh_token})

    async def ticket(self, account: Account) -> str:
        """A single-use ticket for one handshake."""
        body = await self.call("POST", "/auth/ws-ticket", 201, headers=bearer(account.access_token))
        self.secrets.add(body["ticket"])
        return str(body["ticket"])

    async def me(self, access_token: str) -> Json:
        body: Json = await self.call("GET", "/users/me", 200, headers=bearer(access_token))
        user("user", body)
        return body

    # --- the own account --------------------------------------------------------------------------------------

    async def update_me(self, account: Account, **fields: Any) -> Json:
        """Change the profile; the account as the client keeps it is changed too."""
        body: Json = await self.call(
            "PATCH", "/users/me", 200, json=fields, headers=bearer(account.access_token)
        )
        user("user", body)
        account.user = body
        return body

    async def delete_me(self, account: Account) -> None:
        await self.call("DELETE", "/users/me", 204, headers=bearer(account.access_token))

    async def change_password(self, account: Account, current: str, new: str) -> None:
        body = {"current_password": current, "new_password": new}
        await self.call("POST", "/users/me/password", 204, json=body, headers=bearer(account.access_token))

    async def upgrade(self, account: Account, username: str, password: str) -> Account:
        """The full account, with its new sign-in."""
        body = {"username": username, "password": password}
        return self._account(
            await self.call("POST", "/users/me/upgrade", 200, json=body, headers=bearer(account.access_token))
        )

    # --- rooms ------------------------------------------------------------------------------------------------

    async def create_room(self, account: Account, game: str, key: str | None = None, **fields: Any) -> Json:
        """A new room, or the one that `key` has made before: `{"room", "epoch", "seq"}`."""
        headers = bearer(account.access_token) | ({"Idempotency-Key": key} if key else {})
        return await self._room_at("POST", "", 201, headers=headers, json={"game": game, **fields})

    async def rooms(self, account: Account, **query: Any) -> Json:
        """One page of the public rooms: `{"items", "next_cursor"}`."""
        page: Json = await self._rooms("GET", "", 200, headers=bearer(account.access_token), params=query)
        room_page("page", page)
        return page

    async def room(self, account: Account, room_id: str) -> Json:
        """The room as a member sees it."""
        return await self._room_at("GET", f"/{room_id}", 200, headers=bearer(account.access_token))

    async def room_from_outside(self, account: Account, room_id: str) -> Json:
        """The summary that a stranger gets, and nothing beside it."""
        body = await self._rooms("GET", f"/{room_id}", 200, headers=bearer(account.access_token))
        require(body.keys() == {"room"}, f"a stranger gets more than a summary: {body!r}")
        require("members" not in body["room"], f"a stranger sees who is there: {body!r}")
        room_summary("summary", body["room"])
        return dict(body["room"])

    async def close_room(self, account: Account, room_id: str) -> None:
        await self._rooms("DELETE", f"/{room_id}", 204, headers=bearer(account.access_token))

    async def _room_at(self, method: str, path: str, status: int, **options: Any) -> Json:
        body: Json = await self._rooms(method, path, status, **options)
        room_at("room", body)
        return body

    async def _rooms(self, method: str, path: str, status: int, **options: Any) -> Any:
        return await self.call(method, f"/game-room-groups{path}", status, **options)

    def _account(self, body: Json) -> Account:
        user("user", body["user"])
        return Account(body["user"], self._tokens(body["tokens"]))

    def _tokens(self, body: Json) -> Json:
        tokens("tokens", body)
        self.secrets |= {body["access_token"], body["refresh_token"]}
        return body


def bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}
