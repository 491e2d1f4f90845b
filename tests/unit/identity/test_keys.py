"""Key files: made once, kept private, rotated with an overlap."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gameroom.identity.keys import KeysUnusable, add_key, kept_secret, key_files, open_key_ring, thumbprint


def test_the_first_start_makes_one_private_key(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    first = open_key_ring(folder)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert open_key_ring(folder).signing.kid == first.signing.kid


def test_the_newest_signs_and_the_older_still_verify(tmp_path: Path) -> None:
    old = open_key_ring(tmp_path).signing
    new = add_key(tmp_path)
    ring = open_key_ring(tmp_path)
    assert ring.signing.kid == new.kid
    assert [key.kid for key in ring.jwks().keys] == [new.kid, old.kid]


def test_a_retired_key_is_gone(tmp_path: Path) -> None:
    old = open_key_ring(tmp_path).signing
    new = add_key(tmp_path)
    key_files(tmp_path)[-1].unlink()
    assert [key.kid for key in open_key_ring(tmp_path).keys] == [new.kid]
    assert old.kid != new.kid


def test_kid_is_the_thumbprint_of_rfc_7638() -> None:
    # Made with another implementation (jwcrypto): the key of RFC 7517, appendix A.1.
    x = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
    y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
    assert thumbprint(x, y) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


def test_the_public_set_holds_nothing_private(tmp_path: Path) -> None:
    (jwk,) = open_key_ring(tmp_path).jwks().keys
    assert set(jwk.__struct_fields__) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_a_half_written_key_is_ignored(tmp_path: Path) -> None:
    kid = open_key_ring(tmp_path).signing.kid
    (tmp_path / "zzz.partial").write_text("-----BEGIN PRIV")
    assert open_key_ring(tmp_path).signing.kid == kid


def private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key at all",
        private_pem(rsa.generate_private_key(65537, 2048)),
        private_pem(ec.generate_private_key(ec.SECP384R1())),
    ],
    ids=["empty", "text", "rsa", "p-384"],
)
def test_a_file_that_is_no_p256_key_stops_the_start(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeysUnusable, match=r"broken\.pem"):
        open_key_ring(tmp_path)


def test_a_key_that_others_may_read_stops_the_start(tmp_path: Path) -> None:
    open_key_ring(tmp_path)
    key_files(tmp_path)[0].chmod(0o644)
    with pytest.raises(KeysUnusable, match="chmod 600"):
        open_key_ring(tmp_path)


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(KeysUnusable, match="Not a directory"):
        open_key_ring(tmp_path / "data" / "keys")


# --- other secrets --------------------------------------------------------------------------------------------


def test_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    file = tmp_path / "room-passwords.key"
    first = kept_secret(file)
    assert kept_secret(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept_secret(tmp_path / "another.key") != first
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "make", [kept_secret, lambda file: open_key_ring(file.parent)], ids=["secret", "key"]
)
def test_a_crash_while_a_file_is_written_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    file = tmp_path / "room-passwords.key"

    def crash(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", crash)
        with pytest.raises(KeyboardInterrupt):
            make(file)
    assert [each.suffix for each in tmp_path.iterdir()] == [".partial"]
    assert make(file)


@pytest.mark.parametrize("content", ["", "\n", "half of it", "\0\xff"])
def test_a_secret_that_is_too_short_stops_the_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "room-passwords.key"
    file.write_text(content, "latin-1")
    file.chmod(0o600)
    with pytest.raises(KeysUnusable, match=r"room-passwords\.key"):
        kept_secret(file)


def test_a_secret_that_others_may_read_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "room-passwords.key"
    kept_secret(file)
    file.chmod(0o640)
    with pytest.raises(KeysUnusable, match="chmod 600"):
        kept_secret(file)


def test_a_secret_that_cannot_be_kept_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="cannot be used"):
        kept_secret(tmp_path / "no such folder" / "room-passwords.key")
