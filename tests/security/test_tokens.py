"""Access tokens that nobody should believe: every trap of python-jose, each ends in the same 401."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from jose import jwk
from jose.backends.cryptography_backend import CryptographyECKey

from gameroom.errors import TokenExpired, Unauthenticated
from gameroom.identity.identity import Identity, IdentityPolicy, IdentityStores, build_identity
from gameroom.identity.keys import KeyRing, SigningKey, generate_key
from gameroom.identity.memory import MemoryStores
from gameroom.identity.tokens import AccessTokens, TokenPolicy
from tests.unit.identity.hand_clock import START, HandClock
from tests.unit.identity.parts import CHEAP

KEY = generate_key()
OLDER = generate_key()
STRANGER = generate_key()
POLICY = TokenPolicy(issuer="gameroom", audience="players")
NOW_S = START // 1000

GOOD_CLAIMS: dict[str, Any] = {
    "sub": "user",
    "sid": "sign-in",
    "roles": [],
    "iat": NOW_S,
    "exp": NOW_S + 900,
    "iss": "gameroom",
    "aud": "players",
    "jti": "one",
    "token_use": "access",
}
GOOD_HEADER: dict[str, Any] = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tokens(clock: HandClock) -> AccessTokens:
    return AccessTokens(KeyRing([KEY, OLDER]), POLICY, clock)


# --- forging --------------------------------------------------------------------------------------------------


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: str, payload: str, key: SigningKey = KEY) -> str:
    """Any header and payload, with a signature that is right."""
    signer = serialization.load_pem_private_key(key.private_pem(), password=None)
    message = f"{b64(header)}.{b64(payload)}"
    raw = jwk.construct(signer, "ES256").sign(message.encode())  # type: ignore[arg-type]
    return f"{message}.{b64(raw)}"


def token(
    claims: dict[str, Any] | None = None,
    *,
    without: str | None = None,
    header: dict[str, Any] | None = None,
    key: SigningKey = KEY,
) -> str:
    """A good token but for what is given."""
    body = {**GOOD_CLAIMS, **(claims or {})}
    if without:
        del body[without]
    return signed(json.dumps({**GOOD_HEADER, **(header or {})}), json.dumps(body), key)


def hmac_token(secret: bytes, **header: str) -> str:
    message = f"{b64(json.dumps({**GOOD_HEADER, **header}))}.{b64(json.dumps(GOOD_CLAIMS))}"
    return f"{message}.{b64(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def unsigned(algorithm: str) -> str:
    return f"{b64(json.dumps({**GOOD_HEADER, 'alg': algorithm}))}.{b64(json.dumps(GOOD_CLAIMS))}."


def der(key: SigningKey) -> bytes:
    public = serialization.load_pem_public_key(key.public_pem())
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_the_forger_can_make_a_good_one(tokens: AccessTokens) -> None:
    """Else every refusal below would prove nothing."""
    assert tokens.verify(token()).sub == "user"
    assert tokens.verify(token(key=OLDER, header={"kid": OLDER.kid})).sub == "user"


def test_what_we_issue_has_exactly_the_claims_of_the_contract(tokens: AccessTokens) -> None:
    issued = tokens.issue("user", "sign-in", ("admin",))
    header, payload, _ = (base64.urlsafe_b64decode(part + "==") for part in issued.token.split("."))
    claims = json.loads(payload)
    assert json.loads(header) == GOOD_HEADER
    assert claims == {**GOOD_CLAIMS, "roles": ["admin"], "jti": claims["jti"]}
    assert issued.expires_in == 900
    assert tokens.verify(issued.token).roles == ["admin"]
    assert tokens.issue("user", "sign-in", ()).token != tokens.issue("user", "sign-in", ()).token


DEEP = "[" * 100_000

FORGERIES: dict[str, Callable[[], str]] = {
    # the algorithm
    "alg none, no signature": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg ES256, no signature": lambda: unsigned("ES256"),
    "HS256 with the public key as PEM": lambda: hmac_token(KEY.public_pem(), alg="HS256"),
    "HS256 with the public key as DER": lambda: hmac_token(der(KEY), alg="HS256"),
    "HS256 with an empty key": lambda: hmac_token(b"", alg="HS256"),
    "ES256 said, HMAC done": lambda: hmac_token(KEY.public_pem()),
    "another algorithm of the same family": lambda: token(header={"alg": "ES384"}),
    "alg missing": lambda: signed(json.dumps({"kid": KEY.kid}), json.dumps(GOOD_CLAIMS)),
    "alg is a list": lambda: token(header={"alg": ["ES256"]}),
    # the key
    "signed by a stranger": lambda: token(key=STRANGER),
    "a stranger's kid": lambda: token(key=STRANGER, header={"kid": STRANGER.kid}),
    "the older key's kid on the newer key": lambda: token(header={"kid": OLDER.kid}),
    "kid missing": lambda: signed(json.dumps({"alg": "ES256"}), json.dumps(GOOD_CLAIMS)),
    "kid empty": lambda: token(header={"kid": ""}),
    "kid is a path": lambda: token(header={"kid": "../../etc/passwd"}),
    "kid is a number": lambda: token(header={"kid": 1}),
    "kid is null": lambda: token(header={"kid": None}),
    "the key comes along": lambda: token(key=STRANGER, header={"jwk": {"kty": "EC"}}),
    "the key is fetched": lambda: token(header={"jku": "https://example.org/jwks.json"}),
    # the header
    "crit": lambda: token(header={"crit": ["exp"]}),
    "another typ": lambda: token(header={"typ": "at+jwt"}),
    "b64 false": lambda: token(header={"b64": False}),
    "zip": lambda: token(header={"zip": "DEF"}),
    "header is a list": lambda: signed("[]", json.dumps(GOOD_CLAIMS)),
    "header is no JSON": lambda: signed("nope", json.dumps(GOOD_CLAIMS)),
    # the claims
    **{f"{name} missing": partial(token, without=name) for name in GOOD_CLAIMS},
    "another issuer": lambda: token({"iss": "somebody"}),
    "another audience": lambda: token({"aud": "admins"}),
    "a list of audiences": lambda: token({"aud": ["players"]}),
    "a refresh token": lambda: token({"token_use": "refresh"}),
    "token_use null": lambda: token({"token_use": None}),
    "issued in the future": lambda: token({"iat": NOW_S + 60}),
    "not valid before the future": lambda: token({"nbf": NOW_S + 60}),
    "exp Infinity": lambda: signed(json.dumps(GOOD_HEADER), json.dumps({**GOOD_CLAIMS, "exp": float("inf")})),
    "exp NaN": lambda: signed(json.dumps(GOOD_HEADER), json.dumps({**GOOD_CLAIMS, "exp": float("nan")})),
    "exp 1e400": lambda: signed(
        json.dumps(GOOD_HEADER), json.dumps(GOOD_CLAIMS).replace(str(NOW_S + 900), "1e400")
    ),
    "exp of many digits": lambda: token({"exp": 10**400}),
    "exp beyond the calendar": lambda: token({"exp": 10**15}),
    "exp negative": lambda: token({"exp": -1}),
    "exp a string": lambda: token({"exp": str(NOW_S + 900)}),
    "exp a float": lambda: token({"exp": NOW_S + 900.5}),
    "exp true": lambda: token({"exp": True}),
    "exp null": lambda: token({"exp": None}),
    "sub a number": lambda: token({"sub": 1}),
    "sub null": lambda: token({"sub": None}),
    "roles a string": lambda: token({"roles": "admin"}),
    "claims are a list": lambda: signed(json.dumps(GOOD_HEADER), "[]"),
    "claims are no JSON": lambda: signed(json.dumps(GOOD_HEADER), "nope"),
    "claims are empty": lambda: signed(json.dumps(GOOD_HEADER), ""),
    # the shape
    "empty": lambda: "",
    "a word": lambda: "nope",
    "two parts": lambda: token().rpartition(".")[0],
    "four parts": lambda: token() + ".x",
    "JWE's five parts": lambda: "a.b.c.d.e",
    "dots": lambda: "..",
    "padded": lambda: token() + "=",
    "a line feed at the end": lambda: token() + "\n",
    "a space within": lambda: token().replace(".", ". ", 1),
    "junk that lenient base64 skips": lambda: token() + "!",
    "not ASCII": lambda: token() + "é",
    "a lone surrogate": lambda: token() + "\ud800",
    "NUL": lambda: token() + "\0",
    "a changed signature": lambda: token()[:-6] + "AAAAAA",
    "a signature of zeros": lambda: ".".join([*token().split(".")[:2], b64(bytes(64))]),
    "a short signature": lambda: ".".join([*token().split(".")[:2], b64(b"x")]),
    "claims of another token": lambda: ".".join(
        [token().split(".")[0], token({"sub": "admin"}).split(".")[1], token().split(".")[2]]
    ),
    # the size
    "5 MB": lambda: "x" * 5_000_000,
    "one character over": lambda: token({"sub": "x" * 4096}),
    "a deep header": lambda: f"{b64(DEEP)}.{b64('{}')}.{b64('x')}",
    "a deep header, short enough": lambda: f"{b64('[' * 2900)}.e30.eA",
    "deep claims, signed": lambda: signed(json.dumps(GOOD_HEADER), '{"x":' + "[" * 2700),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_one_401_that_tells_nothing(tokens: AccessTokens, forge: Callable[[], str]) -> None:
    forged = forge()
    with pytest.raises(Unauthenticated) as told:
        tokens.verify(forged)
    assert type(told.value) is Unauthenticated
    assert told.value.message == "The access token is not valid"
    assert told.value.status == 401
    assert told.value.__cause__ is None


def test_a_good_token_that_is_too_old_is_told_so(tokens: AccessTokens, clock: HandClock) -> None:
    old = token()
    clock.pass_s(899)
    tokens.verify(old)
    clock.pass_s(1)
    with pytest.raises(TokenExpired):
        tokens.verify(old)


def test_an_old_forgery_is_not_told_that_it_is_old(tokens: AccessTokens) -> None:
    with pytest.raises(Unauthenticated) as told:
        tokens.verify(token({"exp": NOW_S - 1}, key=STRANGER))
    assert type(told.value) is Unauthenticated


def test_one_that_was_good_vouches_for_no_other(tokens: AccessTokens) -> None:
    good, other = token(), token(key=STRANGER)
    tokens.verify(good)
    for forged in (f"{good.rpartition('.')[0]}.{other.rpartition('.')[2]}", good[:-1], f"{good}A", other):
        with pytest.raises(Unauthenticated):
            tokens.verify(forged)


def test_only_the_last_that_were_good_are_not_verified_again(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = AccessTokens(KeyRing([KEY]), replace(POLICY, remembered=2), clock)
    shown = [token({"jti": jti}) for jti in ("one", "two", "three")]
    for each in shown:
        tokens.verify(each)
    monkeypatch.setattr(CryptographyECKey, "verify", lambda *_: False)
    assert [tokens.verify(each).jti for each in shown[1:]] == ["two", "three"]
    with pytest.raises(Unauthenticated):
        tokens.verify(shown[0])


def test_what_is_refused_is_not_remembered(tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CryptographyECKey, "verify", lambda *_: False)
    with pytest.raises(Unauthenticated):
        tokens.verify(token())
    monkeypatch.undo()
    assert tokens.verify(token()).sub == "user"


def test_the_clock_of_another_node_may_be_a_little_ahead(tokens: AccessTokens) -> None:
    assert tokens.verify(token({"iat": NOW_S + 5})).iat == NOW_S + 5


def test_a_new_key_signs_and_the_old_one_verifies_until_it_is_retired(clock: HandClock) -> None:
    old = AccessTokens(KeyRing([OLDER]), POLICY, clock).issue("user", "sign-in", ()).token
    both = AccessTokens(KeyRing([KEY, OLDER]), POLICY, clock)
    assert both.verify(old).sub == "user"
    new = both.issue("user", "sign-in", ()).token
    retired = AccessTokens(KeyRing([KEY]), POLICY, clock)
    assert retired.verify(new).sub == "user"
    with pytest.raises(Unauthenticated):
        retired.verify(old)


# --- the other credentials ------------------------------------------------------------------------------------


@pytest.fixture
def identity(clock: HandClock) -> Identity:
    stores = MemoryStores()
    together = IdentityStores(accounts=stores, sign_ins=stores, revocations=stores, tickets=stores)
    policy = IdentityPolicy(tokens=POLICY, hashing=CHEAP)
    return build_identity(together, policy, KeyRing([KEY]), clock)


async def test_no_credential_passes_for_another(identity: Identity) -> None:
    guest = (await identity.accounts.guest(None, None, None)).account
    opened = await identity.sign_ins.open(guest.user_id)
    access = identity.tokens.issue(guest.user_id, opened.sign_in_id, ()).token
    ticket = (await identity.tickets.issue(opened.sign_in_id, START + 900_000)).ticket
    for wrong in (opened.token, ticket):
        with pytest.raises(Unauthenticated):
            await identity.access.authenticate(wrong)
    for wrong in (access, opened.token):
        with pytest.raises(Unauthenticated):
            await identity.access.redeem(wrong)
    for wrong in (access, ticket):
        with pytest.raises(Unauthenticated):
            await identity.sign_ins.refresh(wrong)
