"""Which certificates count for a registry: the system's, and those in a folder of its name below `certs.d`.

Source: containers-certs.d(5), and the same of Docker's engine: `*.crt` are CAs besides the system's, `NAME.cert` with
`NAME.key` is what this machine shows of itself. The first folder that is there, and may be read, is the only one.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from secpipe.errors import UsageError

_SYSTEM = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


class Certificates(Struct, frozen=True):
    """Files in PEM: CAs besides the system's, and the client's certificate with its key where there is one."""

    authorities: tuple[Path, ...] = ()
    client: tuple[Path, Path] | None = None


def find(registry: str, environ: Mapping[str, str] | None = None) -> Certificates:
    """What is kept for the registry `HOST[:PORT]`, as its images are called. No file is read yet.

    UsageError for one half of a pair alone, and for several pairs.
    """
    for parent in _parents(os.environ if environ is None else environ):
        folder = parent / registry
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - names are what is looked at
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            # Docker's is often for its engine alone to read.
            continue
        except OSError as error:
            raise UsageError(f"{folder} cannot be read: {error.strerror}", "check the folder") from error
        authorities = tuple(folder / name for name in names if name.endswith(".crt"))
        return Certificates(authorities, _pair(folder, names))
    return Certificates()


def _parents(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("HOME"):
        yield Path(environ["HOME"], ".config/containers/certs.d")
    yield from _SYSTEM


def _pair(folder: Path, names: list[str]) -> tuple[Path, Path] | None:
    stems = {
        stem for name in names for stem, dot, end in [name.rpartition(".")] if dot and end in ("cert", "key")
    }
    for stem in sorted(stems):
        for present, missing in ((".cert", ".key"), (".key", ".cert")):
            if stem + missing not in names:
                raise UsageError(
                    f"{folder / (stem + missing)} is missing, which belongs to {stem}{present} beside it",
                    "a client's certificate is NAME.cert with NAME.key; a CA's is NAME.crt",
                )
    if len(stems) > 1:
        raise UsageError(
            f"{folder} holds {len(stems)} certificates of a client ({', '.join(sorted(stems)[:5])})",
            "keep the one that is to be shown to the registry",
        )
    return next(((folder / f"{stem}.cert", folder / f"{stem}.key") for stem in stems), None)


def context(certificates: Certificates, *, verified: bool, client: bool) -> ssl.SSLContext:
    """A context that trusts the system and these CAs, and shows the client's certificate if `client`.

    The system's CAs are those of OpenSSL's store, `SSL_CERT_FILE` and `SSL_CERT_DIR`. UsageError for what cannot be loaded.
    """
    if (named := os.environ.get("SSL_CERT_FILE")) and not Path(named).is_file():
        raise UsageError(
            f"SSL_CERT_FILE={named} is no file", "name a file of CA certificates in PEM, or unset it"
        )
    try:
        made = ssl.create_default_context()
        made.set_alpn_protocols(["http/1.1"])
        if not verified:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        elif not _has_system_store():
            import certifi

            made.load_verify_locations(certifi.where())
    except OSError as error:
        raise UsageError(
            f"CA certificates cannot be loaded: {error}", "check SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error
    for path in certificates.authorities if verified else ():
        try:
            made.load_verify_locations(cadata=_read(path).decode("ascii", "ignore"))
        except (ssl.SSLError, ValueError) as error:
            raise UsageError(f"{path} holds no certificate of a CA", "it must be in PEM") from error
    if client and certificates.client:
        _show(made, *certificates.client)
    return made


def _show(made: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        _read(path)
    try:
        # Without a password of our own OpenSSL would ask for one on the terminal.
        made.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UsageError(
            f"{certificate} and {key.name} beside it are no certificate with its key ({reason})",
            "both must be in PEM, belong to each other, and the key must not be encrypted",
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", "check the file and its permissions"
        ) from error


def _has_system_store() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile) or (bool(paths.capath) and any(Path(paths.capath).iterdir()))
