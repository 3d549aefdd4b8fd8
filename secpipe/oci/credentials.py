"""User name and secret for a registry: given, from the files of Docker and Podman, or from credential helpers.

Source: containers-auth.json(5) and Docker's config.json. Files are looked into in this order, and the first with an
entry for the registry wins: `--authfile` or REGISTRY_AUTH_FILE (then no other), XDG_RUNTIME_DIR/containers/auth.json,
XDG_CONFIG_HOME/containers/auth.json, DOCKER_CONFIG/config.json, ~/.dockercfg.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec import Struct

from secpipe.errors import UsageError
from secpipe.model.limits import MIB
from secpipe.oci.reference import DOCKER_HUB, Reference

_FILE_BYTES = 4 * MIB
_HUB_KEY = "https://index.docker.io/v1/"
_HUB_NAMES = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who the user is. Secrets stay out of `repr`, messages and logs.

    Either a user name with a password, an identity token (exchanged at the token service for an access token)
    or a registry token (sent as it is). `origin` says in words where they were found.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    origin: str = ""

    def __post_init__(self) -> None:
        """UsageError for what no header can carry: text that is not Unicode, a token that is not printable ASCII."""
        try:
            f"{self.username}{self.password}{self.identity_token}".encode()
        except UnicodeEncodeError as error:
            raise self._unusable("are not in UTF-8") from error
        if not (self.registry_token.isascii() and self.registry_token.isprintable()):
            raise self._unusable("have a registry token that is none")

    def _unusable(self, why: str) -> UsageError:
        origin = self.origin or "the command line"
        return UsageError(f"the credentials from {origin} {why}", "correct them there, or log in again")

    def basic(self) -> str:
        """The value of a Basic Authorization header (RFC 7617, UTF-8)."""
        pair = f"{self.username}:{self.password or self.identity_token}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


class Found(Struct, frozen=True):
    """The credentials for a registry, None for none; `troubles` are files and helpers that could not say."""

    credentials: Credentials | None = None
    troubles: tuple[str, ...] = ()


def find(
    reference: Reference, authfile: Path | None = None, environ: Mapping[str, str] | None = None
) -> Found:
    """The credentials that files and helpers have for a repository.

    UsageError for a file that was named and is missing, and for any file that cannot be read.
    """
    environ = os.environ if environ is None else environ
    troubles: list[str] = []
    for path, must_exist in _files(authfile, environ):
        document = _load(path, must_exist, troubles)
        if document is None:
            continue
        found = _in_file(document, reference, path, troubles)
        if found:
            return Found(found, tuple(troubles))
    return Found(None, tuple(troubles))


def _files(authfile: Path | None, environ: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    named = authfile or (Path(environ["REGISTRY_AUTH_FILE"]) if environ.get("REGISTRY_AUTH_FILE") else None)
    if named:
        yield named, True
        return
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers/auth.json", False
    elif hasattr(os, "getuid"):
        yield Path(f"/run/containers/{os.getuid()}/auth.json"), False
    if config := environ.get("XDG_CONFIG_HOME"):
        yield Path(config) / "containers/auth.json", False
    elif home:
        yield home / ".config/containers/auth.json", False
    if docker := environ.get("DOCKER_CONFIG"):
        yield Path(docker) / "config.json", False
    elif home:
        yield home / ".docker/config.json", False
    if home:
        yield home / ".dockercfg", False


def _load(path: Path, must_exist: bool, troubles: list[str]) -> dict[str, Any] | None:
    hint = "correct it, or name another file with REGISTRY_AUTH_FILE"
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
        document = json.loads(data) if data.strip() else {}
    except OSError as error:
        message = f"the credentials file {path} cannot be read: {error.strerror}"
        if must_exist:
            raise UsageError(message, hint) from error
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            troubles.append(message)
        return None
    except (ValueError, RecursionError) as error:
        # The error itself quotes what it stumbled over, which may be a secret.
        raise UsageError(f"the credentials file {path} is not valid JSON", hint) from error
    if not isinstance(document, dict):
        raise UsageError(f"the credentials file {path} is no JSON object", hint)
    return {"auths": document} if path.name == ".dockercfg" else document


def _in_file(
    document: Mapping[str, Any], reference: Reference, path: Path, troubles: list[str]
) -> Credentials | None:
    helpers, auths = _map(document, "credHelpers"), _map(document, "auths")
    names = _registry_names(reference.registry)
    for key in names:
        if isinstance(program := helpers.get(key), str) and program:
            return _from_helper(program, reference.registry, troubles)
    for key in _keys(reference):
        if found := _entry(auths.get(key), path, key):
            return found
    for key, value in sorted(auths.items()):
        if _host(key) in names and (found := _entry(value, path, key)):
            return found
    if isinstance(program := document.get("credsStore"), str) and program:
        return _from_helper(program, reference.registry, troubles)
    return None


def _map(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _registry_names(registry: str) -> list[str]:
    if registry in _HUB_NAMES:
        return [DOCKER_HUB, "index.docker.io", "registry-1.docker.io", _HUB_KEY]
    return [registry, registry.lower()]


def _keys(reference: Reference) -> Iterator[str]:
    """`host/ns/repo`, `host/ns`, `host`: the most specific entry wins."""
    parts = reference.repository.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join([reference.registry, *parts[:length]])
    yield from _registry_names(reference.registry)


def _host(key: str) -> str:
    """The registry of a key that is a URL, as `docker login` of old wrote them; empty for a namespace."""
    scheme, separator, rest = key.partition("://")
    if not separator:
        name = key.lower().rstrip("/")
        return name if "/" not in name else ""
    return rest.partition("/")[0].lower() if scheme.lower() in ("http", "https") else ""


def _entry(value: object, path: Path, key: str) -> Credentials | None:
    """One entry; an empty one marks that a helper knows, it is no anonymous login."""
    if not isinstance(value, dict):
        return None
    texts = {name: text for name, text in value.items() if isinstance(text, str) and text}
    username, password = texts.get("username", ""), texts.get("password", "")
    broken = f"the credentials file {path} has a broken 'auth' entry for {key[:200]}"
    again = f"log in again: docker login {key[:200]}"
    if encoded := texts.get("auth"):
        try:
            decoded = base64.b64decode("".join(encoded.split()), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise UsageError(broken, again) from error
        username, colon, password = decoded.rstrip("\0").partition(":")
        if not colon:
            raise UsageError(f"{broken}: it has no password", again)
    found = Credentials(
        username, password, texts.get("identitytoken", ""), texts.get("registrytoken", ""), str(path)
    )
    empty = not (found.password or found.identity_token or found.registry_token)
    return None if empty else found


def _from_helper(program: str, registry: str, troubles: list[str]) -> Credentials | None:
    from secpipe.oci import helper

    server = _HUB_KEY if registry in _HUB_NAMES else registry
    said = helper.ask(program, server)
    if said.trouble:
        troubles.append(said.trouble)
    if not said.secret:
        return None
    found = Credentials(said.username, origin=f"docker-credential-{program}")
    if said.username == "<token>":
        return replace(found, username="", identity_token=said.secret)
    return replace(found, password=said.secret)
