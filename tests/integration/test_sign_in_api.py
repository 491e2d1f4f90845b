"""The REST of sign-in, over HTTP and on disk: what tests/integration/test_wire_sign_in.py cannot reach from outside."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from gameroom.api.limits import SignInLimitPolicy
from tests.integration.front_door import DEADLINE_S, House, open_house
from tests.kit.api import bearer
from tests.kit.wire import Json, Refused

PASSWORD = "correct horse"
KEY = {"Idempotency-Key": "key-0123456789-abcdef"}
REGISTER, GUEST, TOKEN = "/api/v1/auth/register", "/api/v1/auth/guest", "/api/v1/auth/token"
REFRESH, LOGOUT = "/api/v1/auth/refresh", "/api/v1/auth/logout"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """For tests that leave nothing behind."""
    async with open_house(tmp_path_factory.mktemp("shared")) as house:
        yield house


async def refused(house: House, method: str, path: str, **options: Any) -> Refused:
    with pytest.raises(Refused) as told:
        await house.api.call(method, path, 200, **options)
    return told.value


# --- idempotency keys -----------------------------------------------------------------------------------------


async def test_a_repeated_registration_is_the_same_user_with_fresh_tokens(house: House) -> None:
    body = {"username": "Ada", "password": PASSWORD}
    first = await house.api.call("POST", "/auth/register", 201, json=body, headers=KEY)
    again = await house.api.call("POST", "/auth/register", 201, json=body, headers=KEY)
    assert again["user"] == first["user"]
    for tokens in (first["tokens"], again["tokens"]):
        assert await house.api.me(tokens["access_token"]) == first["user"]
    assert again["tokens"]["refresh_token"] != first["tokens"]["refresh_token"]


async def test_a_key_with_other_content_is_refused(house: House) -> None:
    body = {"username": "Ada", "password": PASSWORD}
    await house.api.call("POST", "/auth/register", 201, json=body, headers=KEY)
    for other in ({**body, "username": "Bob"}, {**body, "password": "another horse"}):
        told = await refused(house, "POST", "/auth/register", json=other, headers=KEY)
        assert (told.status, told.code) == (422, "id_reused")


async def test_a_repeated_guest_is_the_same_guest(house: House) -> None:
    first = await house.api.call("POST", "/auth/guest", 201, json={}, headers=KEY)
    again = await house.api.call("POST", "/auth/guest", 201, json={}, headers=KEY)
    assert again["user"] == first["user"]
    told = await refused(house, "POST", "/auth/guest", json={"display_name": "G"}, headers=KEY)
    assert (told.status, told.code) == (422, "id_reused")


@pytest.mark.parametrize("key", ["x" * 15, "x" * 65, ""])
async def test_a_key_of_the_wrong_length_is_refused(shared: House, key: str) -> None:
    told = await refused(shared, "POST", "/auth/guest", json={}, headers={"Idempotency-Key": key})
    assert (told.status, told.pointers) == (422, ["#/Idempotency-Key"])


# --- time -----------------------------------------------------------------------------------------------------


async def test_an_access_token_expires_and_a_refresh_renews_it(house: House) -> None:
    ada = await house.api.register("Ada", PASSWORD)
    house.clock.pass_s(900)
    told = await refused(house, "GET", "/users/me", headers=bearer(ada.access_token))
    assert (told.status, told.code) == (401, "token_expired")
    tokens = await house.api.refresh(ada.refresh_token)
    assert await house.api.me(tokens["access_token"]) == ada.user


async def test_a_refresh_token_used_after_the_leeway_ends_the_sign_in(house: House) -> None:
    ada = await house.api.register("Ada", PASSWORD)
    tokens = await house.api.refresh(ada.refresh_token)
    house.clock.pass_s(31)
    told = await refused(house, "POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})
    assert (told.status, told.code) == (401, "token_reused")
    told = await refused(house, "GET", "/users/me", headers=bearer(tokens["access_token"]))
    assert told.code == "unauthenticated"


async def test_logout_all_ends_every_sign_in_of_the_caller(house: House) -> None:
    ada = await house.api.register("Ada", PASSWORD)
    phone = await house.api.token(grant_type="password", username="ada", password=PASSWORD)
    gus = await house.api.guest("Gus")
    await house.api.call("POST", "/auth/logout-all", 204, headers=bearer(phone["access_token"]))
    for access_token in (ada.access_token, phone["access_token"]):
        assert (await refused(house, "GET", "/users/me", headers=bearer(access_token))).status == 401
    assert await house.api.me(gus.access_token) == gus.user


async def test_a_suspended_user_hears_of_it_everywhere(house: House) -> None:
    ada = await house.api.register("Ada", PASSWORD)
    await house.identity.accounts.suspend(ada.user_id, house.clock.now() + 1000)
    form = {"grant_type": "password", "username": "Ada", "password": PASSWORD}
    until = {"until": "2027-01-15T08:00:01.000Z"}
    for told in (
        await refused(house, "POST", "/auth/token", data=form),
        await refused(house, "POST", "/auth/refresh", json={"refresh_token": ada.refresh_token}),
        await refused(house, "GET", "/users/me", headers=bearer(ada.access_token)),
    ):
        assert (told.status, told.code, told.params) == (403, "account_suspended", until)


async def test_what_was_registered_is_there_after_a_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        ada = await house.api.register("Ada", PASSWORD)
    async with open_house(tmp_path) as house:
        assert await house.api.me(ada.access_token) == ada.user
        assert await house.api.refresh(ada.refresh_token)


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_nothing_secret_is_stored_as_it_is(tmp_path: Path) -> None:
    device = "device-0123456789-abcdef"
    async with open_house(tmp_path) as house:
        await house.api.register("Ada", PASSWORD)
        gus = await house.api.guest("Gus", device_id=device)
        await house.api.ticket(gus)
        secrets = {PASSWORD, device, *house.api.secrets}
    secrets |= {part for secret in secrets for part in secret.split(".") if len(part) > 8}
    stored = await asyncio.to_thread(contents, tmp_path)
    assert b"Gus" in stored
    assert [secret for secret in secrets if secret.encode() in stored] == []


# --- limits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "path", "options"),
    [
        (
            SignInLimitPolicy(passwords_per_account=3),
            TOKEN,
            {"data": {"grant_type": "password", "username": "ADA", "password": "wrong"}},
        ),
        (
            SignInLimitPolicy(passwords_per_address=3),
            TOKEN,
            {"data": {"grant_type": "password", "username": "x", "password": "y"}},
        ),
        (
            SignInLimitPolicy(passwords_per_address=3),
            REGISTER,
            {"json": {"username": "Ada", "password": PASSWORD}},
        ),
        (SignInLimitPolicy(guests_per_address=3), GUEST, {"json": {}}),
        (SignInLimitPolicy(tokens_per_address=3), REFRESH, {"json": {"refresh_token": "made.up"}}),
        (SignInLimitPolicy(tokens_per_address=3), LOGOUT, {"json": {"refresh_token": "made.up"}}),
        (SignInLimitPolicy(tokens_per_address=3), "/api/v1/auth/logout-all", {}),
        (SignInLimitPolicy(tokens_per_address=3), "/api/v1/auth/ws-ticket", {}),
        (
            SignInLimitPolicy(tokens_per_address=3),
            TOKEN,
            {"data": {"grant_type": "refresh_token", "refresh_token": "made.up"}},
        ),
    ],
    ids=[
        "account",
        "address",
        "register",
        "guest",
        "refresh",
        "logout",
        "logout-all",
        "ws-ticket",
        "refresh-by-form",
    ],
)
async def test_attempts_are_limited(
    tmp_path: Path, limits: SignInLimitPolicy, path: str, options: dict[str, Any]
) -> None:
    async with open_house(tmp_path, limits) as house:
        early = [await house.api.request("POST", path, **options) for _ in range(3)]
        late = await house.api.request("POST", path, **options)
    assert 429 not in [answer.status_code for answer in early]
    assert (late.status_code, late.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(late.headers["Retry-After"]) <= 60


async def test_the_limit_of_one_account_is_not_the_limit_of_another(tmp_path: Path) -> None:
    async with open_house(tmp_path, SignInLimitPolicy(passwords_per_account=1)) as house:
        await house.api.register("Ada", PASSWORD)
        await house.api.register("Bob", PASSWORD)
        form = {"grant_type": "password", "password": PASSWORD}
        await house.api.token(username="Ada", **form)
        await house.api.token(username="Bob", **form)
        told = await refused(house, "POST", "/auth/token", data={**form, "username": "aDA"})
        assert told.body["error"] == "temporarily_unavailable"


async def test_who_holds_a_token_guesses_the_password_no_faster_than_others(tmp_path: Path) -> None:
    async with open_house(tmp_path, SignInLimitPolicy(passwords_per_account=3)) as house:
        ada, gus = await house.api.register("Ada", PASSWORD), await house.api.guest("Gus")
        form = {"grant_type": "password", "username": "Ada", "password": "wrong"}
        change = {"current_password": "wrong", "new_password": PASSWORD}
        upgrade = {"username": "Ada", "password": "wrong horse"}
        mine = bearer(ada.access_token)
        for early in (
            await refused(house, "POST", "/auth/token", data=form),
            await refused(house, "POST", "/users/me/password", json=change, headers=mine),
            await refused(house, "POST", "/users/me/upgrade", json=upgrade, headers=mine),
        ):
            assert early.code in ("invalid_credentials", "conflict")
        for late in (
            await refused(house, "POST", "/users/me/password", json=change, headers=mine),
            await refused(house, "POST", "/users/me/upgrade", json=upgrade, headers=mine),
            await refused(house, "POST", "/auth/token", data=form),
        ):
            assert (late.status, late.code) == (429, "rate_limited")
        # A guest who tries names takes none of the attempts of whom they belong to, and has its own.
        for expected in ("username_taken", "username_taken", "username_taken", "rate_limited"):
            told = await refused(
                house, "POST", "/users/me/upgrade", json=upgrade, headers=bearer(gus.access_token)
            )
            assert told.code == expected


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_changes_of_an_account_are_limited_by_address(tmp_path: Path, method: str) -> None:
    async with open_house(tmp_path, SignInLimitPolicy(tokens_per_address=2)) as house:
        codes = [(await refused(house, method, "/users/me")).code for _ in range(3)]
    assert codes == ["unauthenticated", "unauthenticated", "rate_limited"]


# --- bodies ---------------------------------------------------------------------------------------------------

BROKEN_FORMS: dict[str, tuple[bytes, str]] = {
    "twice": (b"grant_type=password&username=a&username=b&password=x", "#"),
    "no-utf8": (b"grant_type=password&username=%ff&password=x", "#"),
    "surrogate": (b"grant_type=password&username=%ED%A0%80&password=x", "#"),
    "nul": (b"grant_type=password&username=a%00b&password=x", "#/username"),
    "not-ascii": ("grant_type=pässword".encode(), "#"),
    "many-fields": (b"&".join(b"f%d=1" % number for number in range(200)), "#"),
    "json": (b'{"grant_type": "password"}', "#"),
    "empty": (b"", "#/grant_type"),
}


@pytest.mark.parametrize(("content", "pointer"), BROKEN_FORMS.values(), ids=BROKEN_FORMS.keys())
async def test_a_broken_form_is_a_problem_in_oauths_words(
    shared: House, content: bytes, pointer: str
) -> None:
    answer = await shared.api.request("POST", TOKEN, content=content)
    body = answer.json()
    assert (answer.status_code, body["code"], body["error"]) == (422, "validation_failed", "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[ !#-\[\]-~]+", body["error_description"])


async def test_unknown_fields_of_the_form_are_ignored_and_a_client_may_name_itself(house: House) -> None:
    """Swagger UI sends `scope` and an empty client id by Basic; RFC 6749 wants the unknown ignored."""
    await house.api.register("Ada", PASSWORD)
    form = {"grant_type": "password", "username": "Ada", "password": PASSWORD, "scope": "", "x": "y"}
    answer = await house.api.request("POST", TOKEN, data=form, headers={"Authorization": "Basic Og=="})
    assert answer.status_code == 200


BROKEN_JSON: dict[str, tuple[bytes, str]] = {
    "deep": (b'{"display_name":' + b"[" * 60_000, "#/display_name"),
    "deep-unknown": (b'{"x":' + b"[" * 60_000, "#/x"),
    "unknown": (b'{"displayname": "G"}', "#/displayname"),
    "awkward-name": (b'{"a/b~c": 1}', "#/a~1b~0c"),
    "raw-nul": (b'{"display_name": "a\0b"}', "#"),
    "no-utf8": (b'{"display_name": "\xff"}', "#"),
    "utf-16": ('{"display_name": "G"}'.encode("utf-16"), "#"),
    "trailing": (b'{"display_name": "G"} x', "#"),
    "nan": (b'{"display_name": NaN}', "#"),
    "line-feed": (b'{"device_id": "0123456789abcdef\\n"}', "#/device_id"),
}


@pytest.mark.parametrize(("content", "pointer"), BROKEN_JSON.values(), ids=BROKEN_JSON.keys())
async def test_a_broken_body_is_pointed_at(shared: House, content: bytes, pointer: str) -> None:
    answer = await shared.api.request("POST", GUEST, content=content)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_nearly_right_field_is_suggested(shared: House) -> None:
    told = await refused(shared, "POST", "/auth/guest", json={"displayname": "G"})
    assert "did you mean display_name?" in told.body["detail"]


async def test_a_body_over_the_limit_is_refused_by_its_announced_length(shared: House) -> None:
    answer = await shared.api.request("POST", GUEST, content=b"x" * 65_537)
    assert (answer.status_code, answer.json()["params"]) == (413, {"limit": 65_536})


async def test_a_body_over_the_limit_is_refused_though_nothing_was_announced(shared: House) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = await shared.api.request("POST", GUEST, content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "message_too_big")


@pytest.mark.parametrize("path", [GUEST, TOKEN])
async def test_a_body_that_does_not_come_is_refused_and_the_connection_closed(
    shared: House, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameroom.api.bodies.DEADLINE_S", 0.05)
    host, port = shared.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{{".encode())
    async with asyncio.timeout(DEADLINE_S):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")  # to the end: the server closes
    writer.close()
    await writer.wait_closed()
    assert b" 422 " in head.splitlines()[0]
    assert b"connection: close" in head.lower()
    told = json.loads(body)
    assert (told["code"], told["errors"][0]["pointer"]) == ("validation_failed", "#")
    assert "did not come" in told["detail"]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
async def test_json_is_read_whatever_it_is_called(shared: House, headers: dict[str, str]) -> None:
    answer = await shared.api.request("POST", GUEST, content=b'{"display_name": "G"}', headers=headers)
    assert answer.status_code == 201


# --- every answer ---------------------------------------------------------------------------------------------


async def test_a_plausible_request_id_comes_back_and_another_is_replaced(shared: House) -> None:
    given = await shared.api.request("GET", "/healthz", headers={"X-Request-Id": "trace-1.a_b"})
    assert given.headers["X-Request-Id"] == "trace-1.a_b"
    for junk in ("x" * 65, "a b", 'a"b', ""):
        answer = await shared.api.request("GET", "/healthz", headers={"X-Request-Id": junk})
        assert answer.headers["X-Request-Id"] not in ("", junk)


async def test_our_own_bug_is_a_problem_with_an_id_that_is_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise LookupError("the secret is hunter2")

    house.app.add_api_route("/broken", broken)
    answer = await house.api.request("GET", "/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    (record,) = [record for record in caplog.records if record.name == "gameroom.api.requests"]
    assert vars(record)["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/api/v1/auth/guest/", 404, "not_found"),
        ("DELETE", GUEST, 404, "not_found"),
    ],
)
async def test_paths_and_methods_that_there_are_not(
    shared: House, method: str, path: str, status: int, code: str
) -> None:
    answer = await shared.api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_wrong_credential_says_nothing_of_another_scheme(shared: House) -> None:
    for value in ("Basic dTpw", "Bearer", "bearer x y", "Token x"):
        answer = await shared.api.request("GET", "/api/v1/users/me", headers={"Authorization": value})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_the_scheme_is_read_whatever_its_case(shared: House) -> None:
    gus = await shared.api.guest("Gus")
    answer = await shared.api.request(
        "GET", "/api/v1/users/me", headers={"Authorization": f"bEARER {gus.access_token}"}
    )
    assert answer.status_code == 200


async def test_a_node_that_is_not_ready_says_why(house: House) -> None:
    house.not_ready = "draining"
    answer = await house.api.request("GET", "/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "draining" in answer.json()["detail"]
    assert answer.headers["Retry-After"] == "1"
    assert (await house.api.request("GET", "/healthz")).status_code == 200


async def test_a_race_for_a_name_is_one_201_and_the_rest_409(house: House) -> None:
    body = {"password": PASSWORD}
    race = [
        house.api.request("POST", REGISTER, json={**body, "username": name}) for name in ("ada", "ADA") * 4
    ]
    answers = await asyncio.gather(*race)
    (winner,) = [answer.json() for answer in answers if answer.status_code == 201]
    tokens = await house.api.token(grant_type="password", username="Ada", password=PASSWORD)
    assert await house.api.me(tokens["access_token"]) == winner["user"]
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert {answer.json().get("code") for answer in answers} == {None, "username_taken"}


# --- the documentation ----------------------------------------------------------------------------------------


async def test_the_docs_need_nothing_from_elsewhere(shared: House) -> None:
    page = await shared.api.request("GET", "/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "//" not in re.sub(r"window\.location\.origin|<!--.*?-->", "", page.text).replace("// ", "")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    async with httpx2.AsyncClient(base_url=shared.url, trust_env=False) as client:
        assert {(await client.get(f"/{link}")).status_code for link in links} == {200}


async def document(shared: House, name: str = "openapi") -> Json:
    async with httpx2.AsyncClient(base_url=shared.url, trust_env=False) as client:
        body: Json = (await client.get(f"/{name}.json")).json()
    return body


async def test_authorize_is_wired_to_the_password_flow(shared: House) -> None:
    schemes = (await document(shared))["components"]["securitySchemes"]
    assert schemes["password"]["flows"]["password"]["tokenUrl"] == TOKEN
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")


async def test_every_call_is_described_with_schemas_that_there_are(shared: House) -> None:
    described = await document(shared)
    refs = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert refs <= set(described["components"]["schemas"])
    for path, methods in described["paths"].items():
        for call in methods.values():
            success = next(answer for status, answer in call["responses"].items() if status < "300")
            assert "content" in success or "204" in call["responses"], path
            assert "HTTPValidationError" not in json.dumps(call)
    secured = {
        path
        for path, methods in described["paths"].items()
        for call in methods.values()
        if "security" in call
    }
    assert secured == {
        "/api/v1/auth/logout-all",
        "/api/v1/auth/ws-ticket",
        "/api/v1/users/me",
        "/api/v1/users/me/password",
        "/api/v1/users/me/upgrade",
    }


async def test_the_docs_lead_to_the_document_of_the_sockets(shared: House) -> None:
    assert "(asyncapi.json)" in (await document(shared))["info"]["description"]
    assert (await document(shared, "asyncapi"))["channels"].keys() == {"ws", "room"}
