"""Signing in over REST, held against the table of the wire contract."""

import asyncio
import base64
import json
from uuid import uuid4

import pytest

from tests.kit.api import Account, bearer
from tests.kit.people import People
from tests.kit.wire import Json, Refused

PASSWORD = "correct horse battery"
GUEST_DEVICE = "device-0123456789-abc"


def fresh_name(stem: str = "alice") -> str:
    return f"{stem}-{uuid4().hex[:12]}"


def claims_of(token: str) -> tuple[Json, Json]:
    """Header and claims of a JWT, unverified."""
    header, claims, _ = token.split(".")
    parts = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, claims)]
    return parts[0], parts[1]


# --- what works -----------------------------------------------------------------------------------------------


async def test_register_makes_an_account_that_signs_in_by_password(people: People) -> None:
    name = fresh_name()
    account = await people.api.register(name, PASSWORD, display_name="Alice A.")
    user = account.user
    assert (user["username"], user["display_name"], user["guest"]) == (name, "Alice A.", False)
    tokens = await people.api.token(grant_type="password", username=name.upper(), password=PASSWORD)
    assert (await people.api.me(tokens["access_token"]))["user_id"] == account.user_id
    assert PASSWORD not in people.server.log


async def test_guest_makes_a_guest(people: People) -> None:
    account = await people.guest("Gustav")
    user = account.user
    assert (user["username"], user["display_name"], user["guest"]) == (None, "Gustav", True)
    assert await people.api.me(account.access_token) == user


async def test_a_guest_needs_nothing_at_all(people: People) -> None:
    body = await people.api.call("POST", "/auth/guest", 201, json={})
    assert body["user"]["display_name"]


async def test_a_known_device_is_the_same_guest(people: People) -> None:
    device = f"device-{uuid4().hex}"
    first = await people.api.guest("G", device_id=device)
    body = await people.api.call("POST", "/auth/guest", 200, json={"device_id": device})
    assert body["user"]["user_id"] == first.user_id
    assert body["tokens"]["refresh_token"] != first.refresh_token
    assert device not in people.server.log


@pytest.mark.parametrize("path", ["/auth/guest", "/auth/register"])
async def test_an_idempotency_key_makes_one_account(people: People, path: str) -> None:
    """The repeat is answered as the first was."""
    guest: Json = {"display_name": "Once"}
    content = guest if path == "/auth/guest" else {**guest, "username": fresh_name(), "password": PASSWORD}
    headers = {"Idempotency-Key": uuid4().hex}
    answers = [
        await people.api.request("POST", f"/api/v1{path}", json=content, headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    first, again = [answer.json() for answer in answers]
    assert again["user"] == first["user"]
    assert again["tokens"]["refresh_token"] != first["tokens"]["refresh_token"]
    with pytest.raises(Refused) as refused:
        await people.api.call("POST", path, 201, json={**content, "display_name": "Other"}, headers=headers)
    assert (refused.value.status, refused.value.code) == (422, "id_reused")


@pytest.mark.parametrize("key", ["short", "k" * 65])
async def test_an_idempotency_key_has_16_to_64_characters(people: People, key: str) -> None:
    with pytest.raises(Refused) as refused:
        await people.api.call("POST", "/auth/guest", 201, json={}, headers={"Idempotency-Key": key})
    assert (refused.value.status, refused.value.code) == (422, "validation_failed")


async def test_the_access_token_has_the_claims_that_the_contract_names(people: People) -> None:
    account = await people.guest()
    header, claims = claims_of(account.access_token)
    assert {"sub", "sid", "roles", "iat", "exp", "iss", "aud", "jti", "token_use"} <= claims.keys()
    assert claims["sub"] == account.user_id
    assert claims["exp"] - claims["iat"] == account.tokens["expires_in"] == 15 * 60
    assert account.tokens["refresh_expires_in"] == 30 * 24 * 3600
    keys = await people.api.request("GET", "/.well-known/jwks.json")
    assert header["kid"] in [key["kid"] for key in keys.json()["keys"]]
    assert not [key for key in keys.json()["keys"] if "d" in key or key.get("kty") == "oct"]


async def test_refresh_goes_on_and_spends_the_old_token(people: People) -> None:
    account = await people.guest()
    tokens = await people.api.refresh(account.refresh_token)
    assert tokens["refresh_token"] != account.refresh_token
    _, before = claims_of(account.access_token)
    _, after = claims_of(tokens["access_token"])
    assert (after["sub"], after["sid"]) == (before["sub"], before["sid"])
    assert after["jti"] != before["jti"]


async def test_refresh_works_by_the_oauth_form_too(people: People) -> None:
    account = await people.guest()
    tokens = await people.api.token(grant_type="refresh_token", refresh_token=account.refresh_token)
    assert (await people.api.me(tokens["access_token"]))["user_id"] == account.user_id


async def test_a_lost_answer_to_refresh_can_be_asked_for_again(people: People) -> None:
    account = await people.guest()
    lost = await people.api.refresh(account.refresh_token)
    again = await people.api.refresh(account.refresh_token)
    assert again["refresh_token"] != lost["refresh_token"]
    assert await people.api.refresh(again["refresh_token"])


async def test_the_void_successor_is_reuse(people: People) -> None:
    account = await people.guest()
    lost = await people.api.refresh(account.refresh_token)
    again = await people.api.refresh(account.refresh_token)
    with pytest.raises(Refused) as refused:
        await people.api.refresh(lost["refresh_token"])
    assert (refused.value.status, refused.value.code) == (401, "token_reused")
    with pytest.raises(Refused) as refused:
        await people.api.refresh(again["refresh_token"])
    assert refused.value.status == 401


async def test_reuse_of_a_token_whose_successor_was_used_ends_the_sign_in(people: People) -> None:
    account = await people.guest()
    second = await people.api.refresh(account.refresh_token)
    third = await people.api.refresh(second["refresh_token"])
    with pytest.raises(Refused) as refused:
        await people.api.refresh(account.refresh_token)
    assert (refused.value.status, refused.value.code) == (401, "token_reused")
    with pytest.raises(Refused) as refused:
        await people.api.refresh(third["refresh_token"])
    assert refused.value.status == 401
    await becomes_refused(people, third["access_token"])


async def test_refreshing_at_the_same_moment_ends_with_one_living_successor(people: People) -> None:
    """An app with two tabs: both win by the leeway, but only the last successor still works; nobody knows which."""
    account = await people.guest()
    both = await asyncio.gather(*[people.api.refresh(account.refresh_token) for _ in range(2)])
    living = await people.api.refresh(account.refresh_token)
    tokens = {tokens["refresh_token"] for tokens in (*both, living)}
    assert len(tokens) == 3
    after = await people.api.refresh(living["refresh_token"])
    for void in both:
        with pytest.raises(Refused) as refused:
            await people.api.refresh(void["refresh_token"])
        assert (refused.value.status, refused.value.code) == (401, "token_reused")
    with pytest.raises(Refused) as refused:
        await people.api.refresh(after["refresh_token"])
    assert (refused.value.status, refused.value.code) == (401, "unauthenticated")


async def test_of_two_that_refresh_at_the_same_moment_exactly_one_holds_the_living_token(
    people: People,
) -> None:
    account = await people.guest()
    both = await asyncio.gather(*[people.api.refresh(account.refresh_token) for _ in range(2)])
    # The void one ends the sign-in, so the second answer tells by its code which came first.
    codes = [await code_of_refresh(people, tokens["refresh_token"]) for tokens in both]
    assert codes in ([None, "token_reused"], ["token_reused", "unauthenticated"])


async def code_of_refresh(people: People, token: str) -> str | None:
    """How a refresh is refused; None: it is not."""
    try:
        await people.api.refresh(token)
    except Refused as refused:
        return refused.code
    return None


async def test_logout_ends_the_sign_in(people: People) -> None:
    account = await people.guest()
    await people.api.logout(account.refresh_token)
    with pytest.raises(Refused) as refused:
        await people.api.refresh(account.refresh_token)
    assert refused.value.status == 401
    await becomes_refused(people, account.access_token)


async def test_logout_leaves_the_other_sign_ins_of_the_user(people: People) -> None:
    name = fresh_name()
    first = await people.api.register(name, PASSWORD)
    second = await people.api.token(grant_type="password", username=name, password=PASSWORD)
    await people.api.logout(first.refresh_token)
    await becomes_refused(people, first.access_token)
    assert await people.api.me(second["access_token"])
    assert await people.api.refresh(second["refresh_token"])


async def test_a_ticket_is_short_and_single_use(people: People) -> None:
    account = await people.guest()
    body = await people.api.call("POST", "/auth/ws-ticket", 201, headers=bearer(account.access_token))
    assert 0 < body["expires_in"] <= 30
    await people.knock(f"/ws?ticket={body['ticket']}")
    with pytest.raises(Refused) as refused:
        await people.knock(f"/ws?ticket={body['ticket']}")
    assert (refused.value.status, refused.value.code) == (401, "unauthenticated")


async def test_the_server_says_that_it_lives_and_is_ready(people: People) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await people.api.request("GET", path)).status_code == 200


async def becomes_refused(people: People, access_token: str) -> None:
    """When a sign-in ends, its access tokens are refused within a second."""
    async with asyncio.timeout(1.5):
        while True:
            try:
                await people.api.me(access_token)
            except Refused as refused:
                assert (refused.status, refused.code) == (401, "unauthenticated")
                return
            await asyncio.sleep(0.05)  # the contract gives it a second; nothing tells when


# --- what is refused ------------------------------------------------------------------------------------------

REGISTER, GUEST, TOKEN = "/auth/register", "/auth/guest", "/auth/token"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (REGISTER, {"username": "al", "password": PASSWORD}, "#/username"),
        (REGISTER, {"username": "a" * 33, "password": PASSWORD}, "#/username"),
        (REGISTER, {"username": "al ice", "password": PASSWORD}, "#/username"),
        (REGISTER, {"username": "алиса", "password": PASSWORD}, "#/username"),
        (REGISTER, {"username": 7, "password": PASSWORD}, "#/username"),
        (REGISTER, {"password": PASSWORD}, "#/username"),
        (REGISTER, {"username": "alice", "password": "short"}, "#/password"),
        (REGISTER, {"username": "alice", "password": "x" * 257}, "#/password"),
        (REGISTER, {"username": "alice"}, "#/password"),
        (REGISTER, {"username": "alice", "password": PASSWORD, "display_name": ""}, "#/display_name"),
        (REGISTER, {"username": "alice", "password": PASSWORD, "display_name": "x" * 51}, "#/display_name"),
        (REGISTER, {"username": "alice", "password": PASSWORD, "display_name": "a\0b"}, "#/display_name"),
        (GUEST, {"display_name": "x" * 51}, "#/display_name"),
        (GUEST, {"display_name": ["x"]}, "#/display_name"),
        (GUEST, {"device_id": "short"}, "#/device_id"),
        (GUEST, {"device_id": "d" * 129}, "#/device_id"),
        (GUEST, {"device_id": "d" * 16 + "!"}, "#/device_id"),
        ("/auth/refresh", {}, "#/refresh_token"),
        ("/auth/refresh", {"refresh_token": 1}, "#/refresh_token"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else None,
)
async def test_a_wrong_field_is_pointed_at(people: People, path: str, body: Json, pointer: str) -> None:
    with pytest.raises(Refused) as refused:
        await people.api.call("POST", path, 201, json=body)
    assert (refused.value.status, refused.value.code) == (422, "validation_failed")
    assert pointer in refused.value.pointers


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b"[" * 20_000, b'{"display_name": "\xff"}', b"\x00" * 10],
    ids=["empty", "half", "array", "null", "string", "deep", "no-utf8", "zeros"],
)
async def test_a_body_that_is_no_object(people: People, content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        await people.api.call(
            "POST", GUEST, 201, content=content, headers={"Content-Type": "application/json"}
        )
    assert (refused.value.status, refused.value.code) == (422, "validation_failed")


async def test_a_lone_surrogate_is_refused(people: People) -> None:
    with pytest.raises(Refused) as refused:
        content = rb'{"display_name": "\ud800"}'
        await people.api.call(
            "POST", GUEST, 201, content=content, headers={"Content-Type": "application/json"}
        )
    assert (refused.value.status, refused.value.code) == (422, "validation_failed")


@pytest.mark.parametrize(
    ("form", "status", "code", "oauth"),
    [
        (
            {"grant_type": "password", "username": "nobody-here", "password": PASSWORD},
            401,
            "invalid_credentials",
            "invalid_grant",
        ),
        (
            {"grant_type": "refresh_token", "refresh_token": "made-up"},
            401,
            "unauthenticated",
            "invalid_grant",
        ),
        ({"grant_type": "password", "username": "alice"}, 422, "validation_failed", "invalid_request"),
        ({"grant_type": "magic"}, 422, "validation_failed", "unsupported_grant_type"),
        ({}, 422, "validation_failed", "invalid_request"),
    ],
    ids=["unknown-user", "unknown-refresh", "no-password", "unknown-grant", "empty"],
)
async def test_token_refusals_carry_the_words_of_oauth(
    people: People, form: dict[str, str], status: int, code: str, oauth: str
) -> None:
    with pytest.raises(Refused) as refused:
        await people.api.token(**form)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.body["error"] == oauth
    assert refused.value.body["error_description"]


async def test_a_wrong_password_reads_like_an_unknown_user(people: People) -> None:
    name = fresh_name()
    await people.api.register(name, PASSWORD)
    answers = []
    for username in (name, fresh_name("nobody")):
        with pytest.raises(Refused) as refused:
            await people.api.token(grant_type="password", username=username, password="wrong password")
        assert (refused.value.status, refused.value.code) == (401, "invalid_credentials")
        answers.append({**refused.value.body, "instance": None})
    assert answers[0] == answers[1]


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
async def test_a_username_is_taken_whatever_its_case(people: People, spelling: type[str]) -> None:
    name = fresh_name()
    await people.api.register(name, PASSWORD)
    with pytest.raises(Refused) as refused:
        await people.api.register(spelling(name), PASSWORD)
    assert (refused.value.status, refused.value.code) == (409, "username_taken")


@pytest.mark.parametrize("token", ["made-up", "a.b.c", "é", "x" * 5000], ids=["word", "dots", "é", "long"])
async def test_a_bad_bearer_is_unauthenticated(people: People, token: str) -> None:
    answer = await people.api.request(
        "GET", "/api/v1/users/me", headers=[(b"authorization", b"Bearer " + token.encode())]
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_no_bearer_is_unauthenticated(people: People) -> None:
    for method, path in [("GET", "/users/me"), ("POST", "/auth/ws-ticket")]:
        with pytest.raises(Refused) as refused:
            await people.api.call(method, path, 200)
        assert (refused.value.status, refused.value.code) == (401, "unauthenticated")


async def test_a_token_with_a_changed_claim_is_unauthenticated(people: People) -> None:
    header, claims, signature = (await people.guest()).access_token.split(".")
    other = (await people.guest()).access_token.split(".")[1]
    for forged in (
        f"{header}.{other}.{signature}",
        f"{header}.{claims}.",
        f"{header}.{claims}.{signature[:-4]}AAAA",
    ):
        with pytest.raises(Refused) as refused:
            await people.api.me(forged)
        assert refused.value.code == "unauthenticated"


async def test_a_refresh_token_is_no_access_token(people: People) -> None:
    with pytest.raises(Refused) as refused:
        await people.api.me((await people.guest()).refresh_token)
    assert refused.value.code == "unauthenticated"


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(people: People) -> None:
    for method, path in [("GET", "/api/v1/no-such"), ("DELETE", "/api/v1/auth/guest")]:
        answer = await people.api.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_logout_of_an_unknown_token_tells_nothing(people: People) -> None:
    """There is no sign-in to end, which is what was asked for; and it is answered as a known one is."""
    known = (await people.guest()).refresh_token
    answers = [
        await people.api.request("POST", "/api/v1/auth/logout", json={"refresh_token": token})
        for token in ("made-up", "made.up", known)
    ]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 3


async def test_duplicate_usernames_in_a_race_make_one_account(people: People) -> None:
    name = fresh_name("racer")
    spellings = [name, name.upper(), name.title(), name, name]
    outcomes = await asyncio.gather(
        *[people.api.register(spelling, PASSWORD) for spelling in spellings], return_exceptions=True
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Account)]
    assert len(refusals) == len(spellings) - 1
    assert {(refusal.status, refusal.code) for refusal in refusals} == {(409, "username_taken")}
    tokens = await people.api.token(grant_type="password", username=name, password=PASSWORD)
    assert await people.api.me(tokens["access_token"]) == winner.user
