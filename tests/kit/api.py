"""Signing in over REST, and what every answer of it must have."""

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.kit.server import NO_TLS
from tests.kit.wire import CODES, Json, Refused, problem, require, tokens, user


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
        if response.status_code >= 400:
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
            require(challenge.startswith("Bearer error="), f"401 with WWW-Authenticate {challenge!r}")
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

    def _account(self, body: Json) -> Account:
        user("user", body["user"])
        return Account(body["user"], self._tokens(body["tokens"]))

    def _tokens(self, body: Json) -> Json:
        tokens("tokens", body)
        self.secrets |= {body["access_token"], body["refresh_token"]}
        return body


def bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}
