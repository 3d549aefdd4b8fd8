"""Signatures of exported databases, in minisign's format: Ed25519 (RFC 8032) over the file's BLAKE2b-512 digest.

Format: https://jedisct1.github.io/minisign/ (formats of signatures and keys), algorithms `ED` and, for reading, the older
`Ed` over the file itself. Keys are minisign's or PEM (PKCS #8, SubjectPublicKeyInfo), such as OpenSSL makes. The latter have
no key id, so theirs is the beginning of the public key's SHA-256. The arithmetic is the package cryptography's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from msgspec import Struct

from secpipe.errors import AdvisoryError, UsageError
from secpipe.model.limits import GIB, MIB

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SUFFIX = ".minisig"
_MOST_BYTES = 64 << 10
_ED25519, _PREHASHED, _SCRYPT, _CHECKSUM = b"Ed", b"ED", b"Sc", b"B2"
_COMMENT, _TRUSTED = "untrusted comment: ", "trusted comment: "
_UNENCRYPTED = bytes(2)
_MOST_MEMORY = 1 * GIB
_REFUSED = "do not use it: have it exported and signed again by whom you trust"


class PublicKey(Struct, frozen=True):
    """Whose signatures are taken. `number` is minisign's key id, empty where the key came without."""

    number: bytes
    raw: bytes

    def __str__(self) -> str:
        """As minisign's `-P` and our `--public-key` take it."""
        number = self.number or _number_of(self.raw)
        return base64.b64encode(_ED25519 + number + self.raw).decode()


def public_key(text: str) -> PublicKey:
    """The key that the text is (minisign's one line), or that is in the file of that name. Raises `UsageError`."""
    path = Path(text)
    try:
        if path.is_file():
            text = _read(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the public key {path}: {error}") from error
    if "-----BEGIN" in text:
        return PublicKey(b"", _pem_public(text))
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith(_COMMENT)]
    data = _decoded(lines[0]) if len(lines) == 1 else b""
    if len(data) != 42 or data[:2] != _ED25519:
        raise UsageError(
            f"no public key: {path}", "give minisign's line (RW…), its .pub file, or an Ed25519 key as PEM"
        )
    return PublicKey(data[2:10], data[10:])


def sign(file: Path, key: Path, comment: str, password: Callable[[], str]) -> tuple[Path, PublicKey]:
    """Write `FILE.minisig` beside the file. `password` is asked where the key is encrypted; `comment` is signed, too.

    Returns the signature's path and the key that verifies it. Raises `UsageError` for a key that cannot be used.
    """
    number, private = _private(key, password)
    raw = private.public_key().public_bytes_raw()
    public = PublicKey(number, raw)
    with file.open("rb") as opened:
        signature = private.sign(_digest(opened))
    head = base64.b64encode(_PREHASHED + (number or _number_of(raw)) + signature).decode()
    tail = base64.b64encode(private.sign(signature + comment.encode())).decode()
    text = f"{_COMMENT}signature by secpipe\n{head}\n{_TRUSTED}{comment}\n{tail}\n"
    path = file.with_name(file.name + SUFFIX)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise AdvisoryError(f"cannot write {path}: {error.strerror}", "name another file") from error
    return path, public


def verify(file: IO[bytes], name: Path, signature: Path, key: PublicKey) -> str:
    """Hold a file against its signature, and return the comment that was signed with it. Raises `AdvisoryError`."""
    try:
        text = _read(signature)
    except FileNotFoundError as error:
        raise AdvisoryError(
            f"{name} is not signed: there is no {signature}, and a public key was given", _REFUSED
        ) from error
    except (OSError, ValueError) as error:
        raise AdvisoryError(f"cannot read the signature {signature}: {error}", _REFUSED) from error
    lines = text.rstrip("\n").split("\n")
    head = _decoded(lines[1]) if len(lines) == 4 else b""
    tail = _decoded(lines[3]) if len(lines) == 4 else b""
    if len(head) != 74 or len(tail) != 64 or not lines[2].startswith(_TRUSTED):
        raise AdvisoryError(f"{signature} is no signature of minisign's format", _REFUSED)
    algorithm, number, signed = head[:2], head[2:10], head[10:]
    if algorithm not in (_ED25519, _PREHASHED):
        raise AdvisoryError(f"{signature} is of an unknown algorithm", _REFUSED)
    if key.number and number != key.number:
        raise AdvisoryError(
            f"{name} is signed by another key: {_shown(number)}, not {_shown(key.number)}", _REFUSED
        )
    comment = lines[2].removeprefix(_TRUSTED)
    public = _loaded(key)
    message = _digest(file) if algorithm == _PREHASHED else file.read()
    if not _holds(public, signed, message) or not _holds(public, tail, signed + comment.encode()):
        raise AdvisoryError(
            f"the signature of {name} does not hold: it is of other bytes or by another key", _REFUSED
        )
    return comment


def _holds(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _loaded(key: PublicKey) -> Ed25519PublicKey:
    _need()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(key.raw)
    except ValueError as error:
        raise UsageError(f"no public key of Ed25519: {error}") from error


def _need() -> None:
    try:
        import cryptography  # noqa: F401  # asked for once, for one message
    except ImportError as error:
        raise UsageError(
            "signatures need the package cryptography, which is not installed",
            "pip install 'secpipe[signature]'",
        ) from error


def _private(key: Path, password: Callable[[], str]) -> tuple[bytes, Ed25519PrivateKey]:
    """The key id, empty without one, and the key."""
    _need()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        text = _read(key)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the key {key}: {error}", "make one: minisign -G -W -s FILE") from error
    if "-----BEGIN" in text:
        return b"", _pem_private(key, text, password)
    lines = text.rstrip("\n").split("\n")
    data = _decoded(lines[-1]) if lines else b""
    if len(data) != 158 or data[:2] != _ED25519 or data[4:6] != _CHECKSUM:
        raise UsageError(
            f"{key} is no secret key", "give minisign's secret key, or an Ed25519 key as PEM (PKCS #8)"
        )
    secret = data[54:]
    if data[2:4] not in (_SCRYPT, _UNENCRYPTED):
        raise UsageError(f"{key} is encrypted in a way that is not known here")
    if data[2:4] == _SCRYPT:
        stream = _stretched(key, password(), data[6:38], data[38:46], data[46:54])
        secret = bytes(one ^ two for one, two in zip(secret, stream, strict=True))
        if hashlib.blake2b(_ED25519 + secret[:72], digest_size=32).digest() != secret[72:]:
            raise UsageError(
                f"the password of {key} is wrong", "set SECPIPE_SIGNING_PASSWORD, or type it again"
            )
    found = Ed25519PrivateKey.from_private_bytes(secret[8:40])
    if found.public_key().public_bytes_raw() != secret[40:72]:
        raise UsageError(f"{key} is damaged: its two halves do not fit")
    return secret[:8], found


def _stretched(key: Path, password: str, salt: bytes, operations: bytes, memory: bytes) -> bytes:
    """The bytes that a secret key is masked with: scrypt, its costs as libsodium derives them from its two limits."""
    work, room = max(int.from_bytes(operations, "little"), 32768), int.from_bytes(memory, "little")
    if work < room // 32:
        most, parallel = work // 32, 1
    else:
        most, parallel = room // 1024, 0
    power = next((power for power in range(1, 63) if 1 << power > most // 2), 63)
    cost = 1 << power
    parallel = parallel or min(work // 4 // cost, 0x3FFFFFFF) // 8
    if cost * 1024 > _MOST_MEMORY or not parallel or parallel * cost > 1 << 24:
        raise UsageError(f"{key} would take more than {_MOST_MEMORY} bytes of memory to decrypt")
    most = _MOST_MEMORY + 64 * MIB
    try:
        return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=8, p=parallel, maxmem=most, dklen=104)
    except (ValueError, MemoryError) as error:
        raise UsageError(f"{key} cannot be decrypted: {str(error) or 'not enough memory'}") from error


def _pem_private(key: Path, text: str, password: Callable[[], str]) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    phrase = password().encode() if "ENCRYPTED" in text else None
    try:
        found = load_pem_private_key(text.encode(), phrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"cannot use the key {key}: {error}") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise UsageError(f"{key} is no Ed25519 key", "make one: openssl genpkey -algorithm ed25519")
    return found


def _pem_public(text: str) -> bytes:
    _need()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"cannot use the public key: {error}") from error
    if not isinstance(found, Ed25519PublicKey):
        raise UsageError("the public key is not of Ed25519", "make one: openssl pkey -pubout")
    return found.public_bytes_raw()


def _digest(file: IO[bytes]) -> bytes:
    digest = hashlib.blake2b()
    while chunk := file.read(MIB):
        digest.update(chunk)
    return digest.digest()


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError("it is far too large")
    return data.decode("utf-8").replace("\r\n", "\n")


def _decoded(line: str) -> bytes:
    try:
        return base64.b64decode(line.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _number_of(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:8]


def _shown(number: bytes) -> str:
    """As minisign writes a key id."""
    return number[::-1].hex().upper()
