"""The keys that sign access tokens: ES256 (ECDSA on P-256), one PEM file each, the newest signs; and other secrets.

A key is retired by deleting its file, once the last token that it signed has expired; until then its public half
stays in the JWKS and verifies.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from gameroom.ids import new_id

MIN_SECRET_LENGTH = 32


class KeysUnusable(Exception):
    """The key files cannot be used: the message says which and why; the server must not start."""


class PublicJwk(Struct, frozen=True, kw_only=True):
    """A public key as RFC 7517 writes it."""

    kty: str = "EC"
    crv: str = "P-256"
    x: str
    y: str
    kid: str
    alg: str = "ES256"
    use: str = "sig"


class Jwks(Struct, frozen=True):
    """Every key that verifies, the signing one first."""

    keys: list[PublicJwk]


class SigningKey:
    """One private key, and the name (`kid`) of its public half: the RFC 7638 thumbprint."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        numbers = private.public_key().public_numbers()
        x, y = base64url(numbers.x.to_bytes(32, "big")), base64url(numbers.y.to_bytes(32, "big"))
        self.kid = thumbprint(x, y)
        self.jwk = PublicJwk(x=x, y=y, kid=self.kid)

    def private_pem(self) -> bytes:
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def public_pem(self) -> bytes:
        return self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


class KeyRing:
    """The keys in use, the newest first."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise KeysUnusable("there is no signing key")
        self.keys = tuple(keys)

    @property
    def signing(self) -> SigningKey:
        return self.keys[0]

    def jwks(self) -> Jwks:
        return Jwks([key.jwk for key in self.keys])


def open_key_ring(directory: Path) -> KeyRing:
    """The keys kept in `directory`, which is made, with a first key, if it is not there yet.

    Raises `KeysUnusable`: a file that is no P-256 key, or that others than its owner may read; a folder that
    cannot be used.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not key_files(directory):
            add_key(directory)
    except OSError as error:
        raise KeysUnusable(f"keys cannot be kept in {directory}: {error.strerror}") from error
    return KeyRing([read_key(path) for path in key_files(directory)])


def add_key(directory: Path) -> SigningKey:
    """Make a key that signs from the next start on; those before it go on verifying."""
    key = generate_key()
    write_privately(directory / f"{new_id()}.pem", key.private_pem())  # a name that sorts by time
    return key


def generate_key() -> SigningKey:
    return SigningKey(ec.generate_private_key(ec.SECP256R1()))


def key_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.pem"), reverse=True)


def kept_secret(path: Path) -> str:
    """The secret in this file, which is made, with a new secret, if it is not there yet.

    Raises `KeysUnusable`: it is too short to be one, others than its owner may read it, or it cannot be used.
    """
    try:
        if not path.exists():
            write_privately(path, secrets.token_hex(32).encode())
        secret = read_privately(path).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysUnusable(f"{path} cannot be used as a secret: {error}") from error
    if len(secret) < MIN_SECRET_LENGTH:
        raise KeysUnusable(
            f"{path} holds no secret of {MIN_SECRET_LENGTH} characters: put it back, or delete it"
        )
    return secret


def write_privately(path: Path, content: bytes) -> None:
    """Make the file, readable by its owner only. It is there whole or not at all, however this ends."""
    partial = path.with_name(f"{path.name}.{new_id()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Without it a power failure may take the new name back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_privately(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise KeysUnusable(f"{path} may be read by others than its owner: chmod 600 it")
    return path.read_bytes()


def read_key(path: Path) -> SigningKey:
    try:
        private = serialization.load_pem_private_key(read_privately(path), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeysUnusable(f"{path} cannot be read as a key: {error}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise KeysUnusable(f"{path} is no P-256 key")
    return SigningKey(private)


def thumbprint(x: str, y: str) -> str:
    """RFC 7638: the hash of the required members, in the order of their names, without white space."""
    members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    return base64url(hashlib.sha256(msgspec.json.encode(members)).digest())


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
