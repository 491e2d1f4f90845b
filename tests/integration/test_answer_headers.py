"""What every answer of REST bears, whichever call it answers and however it ends; and what other pages may read."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from gameroom.api.front_door import front_door
from gameroom.api.limits import SignInLimitPolicy
from gameroom.errors import Unavailable
from tests.integration.front_door import PAGES, House, open_house, served
from tests.kit.api import Account, bearer

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER_CALL, REGISTER = "/api/v1/users/me", "/api/v1/auth/register"
PASSWORD = "correct horse"
CHALLENGE = 'Bearer error="invalid_token"'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("headers")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def own_house(tmp_path: Any) -> AsyncIterator[House]:
    """For a test that breaks something."""
    async with open_house(tmp_path) as house:
        yield house


def described(house: House) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every call there is."""
    for path, methods in house.app.openapi()["paths"].items():
        for method, call in methods.items():
            yield method.upper(), path, call


def is_of_one_user(answer: httpx2.Response) -> bool:
    return answer.status_code < 300 and ("_token" in answer.text or '"user_id"' in answer.text)


def assert_headers(answer: httpx2.Response, call: dict[str, Any]) -> None:
    assert answer.headers["X-Request-Id"]
    assert str(answer.status_code) in call["responses"], answer.request.url
    if answer.status_code >= 400:
        assert f"`{answer.json()['code']}`" in call["responses"][str(answer.status_code)]["description"]
    if is_of_one_user(answer):
        assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)
    if answer.status_code == 429:
        assert int(answer.headers["Retry-After"]) >= 1


# --- every call -----------------------------------------------------------------------------------------------


async def test_every_call_without_a_body(house: House) -> None:
    gus = await house.api.guest("Gus")
    calls = sorted(described(house), key=lambda call: call[0] == "DELETE")  # the last one ends the account
    assert len(calls) > 12
    for method, path, call in calls:
        for headers in ({}, bearer("junk"), bearer(gus.access_token)):
            assert_headers(await house.api.request(method, path, headers=headers), call)


async def test_every_call_that_needs_a_token_says_what_is_wrong_with_it(house: House) -> None:
    gus = await house.api.guest("Gus")
    ended = await house.api.guest("Gus")
    await house.api.logout(ended.refresh_token)
    expired = await house.api.guest("Gus")
    house.clock.pass_s(900)
    for method, path, call in described(house):
        if "security" not in call:
            continue
        for headers, code in (
            ({}, "unauthenticated"),
            ({"Authorization": "Basic dTpw"}, "unauthenticated"),
            ({"Authorization": "Bearer"}, "unauthenticated"),
            (bearer("junk"), "unauthenticated"),
            (bearer(ended.access_token), "token_expired"),
            (bearer(expired.access_token), "token_expired"),
        ):
            answer = await house.api.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, code)
            assert answer.headers["WWW-Authenticate"] == CHALLENGE
    assert await house.api.refresh(gus.refresh_token)


async def test_a_bad_refresh_token_and_a_wrong_password_are_challenged_alike(house: House) -> None:
    ada = await house.api.register("Ada", PASSWORD)
    refresh = {"grant_type": "refresh_token", "refresh_token": "x.y"}
    wrong = {"grant_type": "password", "username": "Ada", "password": "wrong"}
    change = {"current_password": "wrong", "new_password": PASSWORD}
    for answer in (
        await post(house, "/auth/refresh", json={"refresh_token": "made.up"}),
        await post(house, "/auth/token", data=refresh),
        await post(house, "/auth/token", data=wrong),
        await post(house, "/users/me/password", json=change, headers=bearer(ada.access_token)),
    ):
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, CHALLENGE)


async def post(house: House, path: str, **options: Any) -> httpx2.Response:
    return await house.api.request("POST", f"/api/v1{path}", **options)


async def full_bodies(account: Account) -> list[tuple[str, str, dict[str, Any]]]:
    """Every call that takes something or gives something to one user, as it is answered well."""
    headers = bearer(account.access_token)
    token = {"refresh_token": account.refresh_token}
    return [
        ("POST", "/auth/guest", {"json": {}}),
        ("POST", "/auth/register", {"json": {"username": "Bob", "password": PASSWORD}}),
        (
            "POST",
            "/auth/token",
            {"data": {"grant_type": "password", "username": "Bob", "password": PASSWORD}},
        ),
        ("POST", "/auth/refresh", {"json": token}),
        ("POST", "/auth/ws-ticket", {"headers": headers}),
        ("GET", "/users/me", {"headers": headers}),
        ("PATCH", "/users/me", {"headers": headers, "json": {"display_name": "G"}}),
        (
            "POST",
            "/users/me/upgrade",
            {"headers": headers, "json": {"username": "Gus", "password": PASSWORD}},
        ),
        (
            "POST",
            "/users/me/password",
            {"headers": headers, "json": {"current_password": PASSWORD, "new_password": "another horse"}},
        ),
        ("POST", "/auth/logout-all", {"headers": headers}),
    ]


async def test_what_belongs_to_one_user_is_stored_nowhere(own_house: House) -> None:
    paths = {(method, path): call for method, path, call in described(own_house)}
    kept_from_caches = 0
    for method, path, options in await full_bodies(await own_house.api.guest("Gus")):
        answer = await own_house.api.request(method, f"/api/v1{path}", **options)
        assert answer.status_code < 300, path
        assert_headers(answer, paths[method, f"/api/v1{path}"])
        kept_from_caches += answer.headers.get("Cache-Control") == "no-store"
    assert kept_from_caches == 8


async def test_every_limited_call_says_when_to_come_back(tmp_path: Any) -> None:
    once = SignInLimitPolicy(
        passwords_per_account=1, passwords_per_address=1, guests_per_address=1, tokens_per_address=1
    )
    async with open_house(tmp_path, once) as house:
        limited = set()
        for method, path, call in described(house):
            for _ in range(2):
                answer = await house.api.request(method, path, json={"refresh_token": "x"})
                assert_headers(answer, call)
            limited |= {path} if answer.status_code == 429 else set()
    assert {"/api/v1/auth/logout", "/api/v1/auth/refresh", "/api/v1/users/me/upgrade"} <= limited


# --- pages of other origins -----------------------------------------------------------------------------------

READABLE = {"X-Request-Id", "Retry-After"}


async def test_a_page_may_ask_and_is_told_what_it_may_send(house: House) -> None:
    answer = await preflight(
        house.url, PAGES, "PATCH", "authorization,content-type,idempotency-key,x-request-id"
    )
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGES
    assert {"GET", "POST", "PATCH", "DELETE"} <= words(answer, "Access-Control-Allow-Methods")
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["X-Request-Id"]
    assert "Origin" in words(answer, "Vary")


async def preflight(url: str, origin: str, method: str, headers: str = "authorization") -> httpx2.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        return await client.request("OPTIONS", USER_CALL, headers=asked)


def words(answer: httpx2.Response, header: str) -> set[str]:
    return {word.strip() for word in answer.headers[header].split(",")}


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://elsewhere.example", "GET", "authorization"),
        ("null", "GET", "authorization"),
        (PAGES.upper(), "GET", "authorization"),
        (f"{PAGES}.evil.example", "GET", "authorization"),
        (PAGES, "PUT", "authorization"),
        (PAGES, "GET", "x-other"),
    ],
)
async def test_what_a_page_may_not_is_refused_in_our_words(
    house: House, origin: str, method: str, headers: str
) -> None:
    answer = await preflight(house.url, origin, method, headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert answer.json()["params"] == {"reason": "origin"}
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["X-Request-Id"]


async def test_failures_too_can_be_read_by_a_page(own_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise LookupError

    own_house.app.add_api_route("/broken", broken)
    own_house.not_ready = "draining"
    page = {"Origin": PAGES}
    answers = [
        await own_house.api.request("GET", "/broken", headers=page),
        await own_house.api.request("GET", USER_CALL, headers=page),
        await own_house.api.request("POST", REGISTER, headers=page, json={}),
        await own_house.api.request("POST", REGISTER, headers=page, content=b"x" * 70_000),
        await own_house.api.request("GET", "/nothing", headers=page),
        await own_house.api.request("GET", "/readyz", headers=page),
        await own_house.api.request("GET", "/healthz", headers=page),
    ]
    assert [answer.status_code for answer in answers] == [500, 401, 422, 413, 404, 503, 200]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == PAGES
        assert words(answer, "Access-Control-Expose-Headers") == READABLE
        assert answer.headers["X-Request-Id"]


async def test_a_limit_can_be_read_by_a_page(tmp_path: Any) -> None:
    async with open_house(tmp_path, SignInLimitPolicy(guests_per_address=1)) as house:
        for _ in range(2):
            answer = await house.api.request("POST", "/api/v1/auth/guest", json={}, headers={"Origin": PAGES})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (429, PAGES)
    assert answer.headers["Retry-After"]


async def test_other_pages_are_answered_and_their_browser_keeps_it_from_them(house: House) -> None:
    answer = await house.api.request("GET", "/healthz", headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in words(answer, "Vary")


@pytest.mark.parametrize(("allowed", "told"), [(["*"], "*"), ([], None)], ids=["all", "none"])
async def test_all_pages_or_none(allowed: list[str], told: str | None) -> None:
    async with served(front_door("1.2.3", allowed_origins=allowed)) as url:
        asked = await preflight(url, "https://elsewhere.example", "GET")
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
            answer = await client.get("/openapi.json", headers={"Origin": "https://elsewhere.example"})
    assert asked.status_code == (200 if told else 403)
    for each in (asked, answer):
        assert each.headers.get("Access-Control-Allow-Origin") == told
        assert "Access-Control-Allow-Credentials" not in each.headers


# --- what is away for a moment --------------------------------------------------------------------------------


async def test_who_is_told_to_wait_is_told_how_long(
    own_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise Unavailable("Too many at once", retry_after_ms=1500)

    monkeypatch.setattr(own_house.identity.accounts, "register", busy)
    body = {"username": "Ada", "password": PASSWORD}
    answers = await asyncio.gather(*[own_house.api.request("POST", REGISTER, json=body) for _ in range(2)])
    assert {(each.status_code, each.headers["Retry-After"]) for each in answers} == {(503, "2")}
