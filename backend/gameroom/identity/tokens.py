"""Access tokens: short-lived signed JWTs. The only module that knows python-jose.

python-jose accepts far too much, so it is trusted with the signature alone: which tokens it sees at all, their
header, the key and the one algorithm of that key, and every claim, are judged here.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from jose import jwk, jws
from jose.exceptions import JOSEError
from jose.utils import base64url_decode
from msgspec import Meta, Struct

from gameroom.clock import Clock, Millis
from gameroom.errors import TokenExpired, Unauthenticated
from gameroom.identity.fingerprints import fingerprint
from gameroom.identity.keys import KeyRing
from gameroom.ids import new_id

ALGORITHM = "ES256"
MAX_LENGTH = 4096
COMPACT = re.compile(r"(([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]+)")
"""A JWS of three parts. ASCII only, and no character that a lenient base64 decoder would skip."""

SKEW_S = 5
"""How far the clock of another node may be ahead of ours."""

Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""A moment as JWTs write it: whole seconds since 1970, up to the year 9999."""


NOT_A_TOKEN = (
    msgspec.MsgspecError,
    JOSEError,
    RecursionError,
    OverflowError,
    ValueError,
    TypeError,
    KeyError,
)
"""What decoders, and python-jose above all, raise on input that nobody has authenticated yet."""


@dataclass(frozen=True, kw_only=True)
class TokenPolicy:
    """Who issues tokens, for whom, and how long one lasts."""

    issuer: str
    audience: str
    access_ttl_s: int = 15 * 60
    remembered: int = 10_000
    """Tokens whose signature is not verified again when they are shown again: 0.7 KB each."""


class Header(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that a header may hold; `crit` and its kind are refused, not ignored."""

    alg: Literal["ES256"]
    kid: str
    typ: Literal["JWT"] = "JWT"


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every claim but `nbf`, which we never issue, is required, and of exactly this type."""

    sub: str
    sid: str
    roles: list[str]
    iat: Seconds
    exp: Seconds
    nbf: Seconds = 0
    iss: str
    aud: str
    jti: str
    token_use: Literal["access"]

    @property
    def expires_at(self) -> Millis:
        return self.exp * 1000


_header_in = msgspec.json.Decoder(Header).decode
_claims_in = msgspec.json.Decoder(Claims).decode


class AccessToken(Struct, frozen=True):
    """A token just issued; `expires_in` in seconds."""

    token: str
    expires_in: int


class AccessTokens:
    """Issues and verifies access tokens. The keys are parsed once: that halves the cost of a verification.

    A token that is shown again is found by its fingerprint; all but its signature is judged each time.
    """

    def __init__(self, keys: KeyRing, policy: TokenPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._kid = keys.signing.kid
        self._signing = jwk.construct(keys.signing.private_pem(), ALGORITHM)
        self._verifying = {key.kid: jwk.construct(key.public_pem(), ALGORITHM) for key in keys.keys}
        self._signed: dict[bytes, Claims] = {}

    def issue(self, user_id: str, sign_in_id: str, roles: tuple[str, ...]) -> AccessToken:
        now = self._clock.now() // 1000
        claims = Claims(
            sub=user_id,
            sid=sign_in_id,
            roles=list(roles),
            iat=now,
            exp=now + self._policy.access_ttl_s,
            iss=self._policy.issuer,
            aud=self._policy.audience,
            jti=new_id(),
            token_use="access",  # noqa: S106 - a claim, not a secret
        )
        payload = msgspec.json.encode(claims)
        token = jws.sign(payload, self._signing, headers={"kid": self._kid}, algorithm=ALGORITHM)
        return AccessToken(token, self._policy.access_ttl_s)

    def verify(self, token: str) -> Claims:
        """The claims of a token that we issued and that still holds.

        Raises `TokenExpired` for a good one that is too old, `Unauthenticated` for any other; the message never
        tells which check failed.
        """
        try:
            claims = self._signed_claims(token)
        except NOT_A_TOKEN:
            raise bad_token() from None
        self._require_valid(claims)
        return claims

    def _signed_claims(self, token: str) -> Claims:
        if len(token) > MAX_LENGTH:
            raise ValueError
        mark = fingerprint(token)
        claims = self._signed.get(mark)
        if claims is None:
            claims = _claims_in(self._payload(token))
            self._remember(mark, claims)
        return claims

    def _remember(self, mark: bytes, claims: Claims) -> None:
        self._signed[mark] = claims
        if len(self._signed) > self._policy.remembered:
            del self._signed[next(iter(self._signed))]

    def _payload(self, token: str) -> bytes:
        parts = COMPACT.fullmatch(token)
        if parts is None:
            raise ValueError
        signed, head, payload, signature = parts.groups()
        header = _header_in(_decoded(head))
        # The key itself is asked: `jws.verify` would read the header once more, and less strictly.
        if not self._verifying[header.kid].verify(signed.encode(), _decoded(signature)):
            raise ValueError
        return _decoded(payload)

    def _require_valid(self, claims: Claims) -> None:
        now = self._clock.now() // 1000
        ours = (self._policy.issuer, self._policy.audience)
        if (claims.iss, claims.aud) != ours or max(claims.iat, claims.nbf) > now + SKEW_S:
            raise bad_token()
        if now >= claims.exp:
            raise TokenExpired("The access token has expired: refresh it")


def _decoded(part: str) -> bytes:
    return base64url_decode(part.encode())


def bad_token() -> Unauthenticated:
    return Unauthenticated("The access token is not valid")
