"""Signatures in minisign's format: ours, and those of minisign itself where it is installed."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.advisories import signature
from secpipe.advisories.signature import PublicKey, public_key
from secpipe.errors import AdvisoryError, UsageError

pytest.importorskip("cryptography", reason="the extra `signature` is not installed")

MINISIGN = shutil.which("minisign")
needs_minisign = pytest.mark.skipif(MINISIGN is None, reason="minisign is not installed")

# Made by minisign 0.11, of the 6 bytes "hello\n".
PUBLIC = "RWRhKI/nJM/uai+0lmN0HD/wsypqPJpU1KskuM/8ELhqs5J71DN2DpPT"
SIGNATURE = """untrusted comment: signature from minisign secret key
RURhKI/nJM/ualUKWI1w+9bRtyYtKFqWlnydfYDrkLzQvXYqUcw9yt+sFe4MpsQ2XnWvpw0WFc2IHe+xRKEdoJDQzmGf/v9AnAU=
trusted comment: a comment
eFvkOME0HP6/pXIbQMxvQqBSzWUtnXiz3yUqYAT/+Lnw3468DBEfNdJ3SdvUYvN6GSN7L9dMzmAYkZfkBocFBw==
"""
LEGACY = """untrusted comment: signature from minisign secret key
RWRhKI/nJM/uavFhl6A50HZbgxRsZ1yKDAz0QcXQ5efXRa3vpgBwaUQoEQtZ6zc6RCBRhKqdujY/wpwjBdix7g67WWt+nTHSKgE=
trusted comment: a comment
yr1oBP5z4enxIL9xmCmorYRzfVi8QyqnPmo8d0iKWKoWWvtV7DSXG3ONIM1PjE6s4eIlbOD1R7JvCOvL8o9xBA==
"""
UNENCRYPTED = """untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAYSiP5yTP7moi5OOOZ0ROkpch550OvDnISIoEVko3kvn8TH5ncQLofy+0lmN0HD/wsypqPJpU1KskuM/8ELhqs5J71DN2DpPTAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    return path


def check(file: Path, text: str, key: PublicKey) -> str:
    beside = file.with_name("file.minisig")
    beside.write_text(text)
    with file.open("rb") as opened:
        return signature.verify(opened, file, beside, key)


def ask() -> str:
    return "secret"


def encrypted(key: str, password: str) -> str:
    """The key as minisign encrypts it, with the least cost that its format has; its own takes a gigabyte and seconds."""
    comment, line = key.splitlines()
    data = base64.b64decode(line)
    salt, secret = bytes(range(32)), data[54:126]
    secret += hashlib.blake2b(b"Ed" + secret, digest_size=32).digest()
    stream = hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1, dklen=104)
    costs = (32768).to_bytes(8, "little") + (16 << 20).to_bytes(8, "little")
    masked = bytes(one ^ two for one, two in zip(secret, stream, strict=True))
    return f"{comment}\n{base64.b64encode(b'EdScB2' + salt + costs + masked).decode()}\n"


@pytest.mark.parametrize("text", [SIGNATURE, LEGACY])
def test_what_minisign_signed(file: Path, text: str) -> None:
    assert check(file, text, public_key(PUBLIC)) == "a comment"


def test_what_we_sign_is_what_minisign_would(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(UNENCRYPTED)
    path, key = signature.sign(file, tmp_path / "key", "a comment", ask)
    assert str(key) == PUBLIC
    assert path.read_text().splitlines()[1:] == SIGNATURE.splitlines()[1:]


def test_a_key_with_a_password(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(encrypted(UNENCRYPTED, "secret"))
    _, key = signature.sign(file, tmp_path / "key", "a comment", ask)
    with file.open("rb") as opened:
        assert signature.verify(opened, file, file.with_name("file.minisig"), key) == "a comment"
    with pytest.raises(UsageError, match=r"the password of .* is wrong"):
        signature.sign(file, tmp_path / "key", "", lambda: "other")


def test_keys_as_pem(file: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

    private = ed25519.Ed25519PrivateKey.generate()
    for how, name in ((forms.NoEncryption(), "plain"), (forms.BestAvailableEncryption(b"secret"), "locked")):
        pem = private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, how)
        (tmp_path / name).write_bytes(pem)
    (tmp_path / "public").write_bytes(
        private.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    )
    for name in ("plain", "locked"):
        path, key = signature.sign(file, tmp_path / name, "x", ask)
        for given_key in (public_key(str(tmp_path / "public")), public_key(str(key))):
            with file.open("rb") as opened:
                assert signature.verify(opened, file, path, given_key) == "x"
    other = x25519.X25519PrivateKey.generate()
    (tmp_path / "x").write_bytes(
        other.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    )
    with pytest.raises(UsageError, match="is no Ed25519 key"):
        signature.sign(file, tmp_path / "x", "", ask)
    with pytest.raises(UsageError, match="cannot use the public key"):
        public_key(str(tmp_path / "plain"))


def test_what_does_not_hold(file: Path, tmp_path: Path) -> None:
    key = public_key(PUBLIC)
    lines = SIGNATURE.splitlines()
    head = base64.b64decode(lines[1])
    for wrong in (
        SIGNATURE.replace("a comment", "another"),
        SIGNATURE.replace(lines[3], base64.b64encode(bytes(64)).decode()),
        SIGNATURE.replace(lines[1], base64.b64encode(head[:10] + bytes(64)).decode()),
        SIGNATURE.replace(lines[1], base64.b64encode(b"Ed" + head[2:]).decode()),
    ):
        with pytest.raises(AdvisoryError, match="does not hold"):
            check(file, wrong, key)
    with pytest.raises(AdvisoryError, match="is signed by another key: 0000000000000000"):
        check(
            file, SIGNATURE.replace(lines[1], base64.b64encode(head[:2] + bytes(8) + head[10:]).decode()), key
        )
    with pytest.raises(AdvisoryError, match="unknown algorithm"):
        check(file, SIGNATURE.replace(lines[1], base64.b64encode(b"XX" + head[2:]).decode()), key)
    with pytest.raises(AdvisoryError, match="does not hold"):
        check(file, SIGNATURE, PublicKey(key.number, bytes([key.raw[0] ^ 1]) + key.raw[1:]))
    file.write_bytes(b"hello")
    with pytest.raises(AdvisoryError, match="does not hold"):
        check(file, SIGNATURE, key)
    with file.open("rb") as opened, pytest.raises(AdvisoryError, match="is not signed"):
        signature.verify(opened, file, tmp_path / "none", key)


@pytest.mark.parametrize(
    "text", ["", "RWQ", "RW" + "A" * 54, "a b", PUBLIC + "\n" + PUBLIC, "\0", "/dev/null/x" * 600]
)
def test_what_is_no_public_key(text: str) -> None:
    with pytest.raises(UsageError):
        public_key(text)


def test_public_keys_in_files(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(f"untrusted comment: minisign public key\r\n{PUBLIC}\r\n".encode())
    assert public_key(str(tmp_path / "key.pub")) == public_key(PUBLIC)
    assert str(public_key(PUBLIC)) == PUBLIC


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore")))
def test_any_bytes(file: Path, data: bytes) -> None:
    beside = file.with_name("any")
    beside.write_bytes(data)
    with file.open("rb") as opened, pytest.raises(AdvisoryError):
        signature.verify(opened, file, beside, public_key(PUBLIC))
    with pytest.raises(UsageError):
        signature.sign(file, beside, "", ask)
    with pytest.raises(UsageError):
        public_key(str(beside))


@needs_minisign
def test_minisign_verifies_ours(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(UNENCRYPTED)
    path, key = signature.sign(file, tmp_path / "key", "über alles", ask)
    words = [str(MINISIGN), "-V", "-m", str(file), "-x", str(path), "-P", str(key)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "über alles" in done.stdout
