"""Image references: `[registry/]repository[:tag][@digest]`.

Source: the grammar of github.com/distribution/reference 0.6 with its Docker Hub defaults (`app` is
`docker.io/library/app:latest`). With a tag and a digest the digest decides and the tag is for display.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NoReturn

from msgspec import Struct

from secpipe.errors import InvalidReference
from secpipe.model.pattern import lazy
from secpipe.oci import digests

DOCKER_HUB = "docker.io"
_DOCKER_HUB_ENDPOINT = "registry-1.docker.io"
_MAX_REPOSITORY = 255
_MAX_HOST = 255

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = lazy(rf"({_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]+\])(?::([0-9]{{1,5}}))?", re.ASCII)
_COMPONENT = lazy(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG = lazy(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_BARE_ID = lazy(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)
# What follows docker: is a reference, too, and so //… when skopeo's docker://… was meant.
_SCHEME = lazy(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")


class Reference(Struct, frozen=True):
    """A parsed reference; `str()` is its canonical form. At least one of `tag` and `digest` is set."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def identifier(self) -> str:
        """What the registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    @property
    def endpoint(self) -> str:
        """The host, with its port if any, that serves the registry: Docker Hub's differs from its name."""
        return _DOCKER_HUB_ENDPOINT if self.registry == DOCKER_HUB else self.registry


def parse(text: str) -> Reference:
    """The reference that `text` names; InvalidReference says what is wrong with it."""
    _refuse_mistakes(text)
    name, at, digest = text.partition("@")
    if at and (wrong := digests.flaw(digest)):
        _refuse(text, f"{_short(digest)} {wrong}", "a digest looks like @sha256:<64 hexadecimal digits>")
    registry, rest = split_registry(name)
    repository, colon, tag = rest.partition(":")
    if registry == DOCKER_HUB and repository and "/" not in repository:
        repository = f"library/{repository}"
    _check_registry(text, registry)
    _check_repository(text, repository)
    if colon and not _TAG.fullmatch(tag):
        hint = "a tag has letters, digits, '_', '.' and '-', at most 128, and begins with no '.' or '-'"
        _refuse(text, f"{_short(tag)} is no tag", hint)
    if not tag and not digest:
        tag = "latest"
    return Reference(registry, repository, tag, digest)


def is_repository(text: str) -> bool:
    """Whether a text is a repository's name, without its registry."""
    return len(text) <= _MAX_REPOSITORY and all(map(_COMPONENT.fullmatch, text.split("/")))


def is_tag(text: str) -> bool:
    """Whether a text is a tag."""
    return _TAG.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """Whether a host name or literal address is this machine: localhost, 127.0.0.0/8, ::1."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback


def split_registry(name: str) -> tuple[str, str]:
    """The registry that a name without tag and digest begins with, Docker Hub where it begins with none, and the rest."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return (DOCKER_HUB if first == f"index.{DOCKER_HUB}" else first), rest
    return DOCKER_HUB, name


def _refuse_mistakes(text: str) -> None:
    if not text:
        _refuse(text, "it is empty", "name an image, such as alpine:3.20 or registry.example/app:1.2")
    if match := _SCHEME.match(text):
        rest = text[match.end() :][:200].strip("/")
        hint = f"leave {match.group()!r} out: {rest}" if rest.isprintable() else "leave the scheme out"
        _refuse(text, "a reference has no URL scheme", hint)
    if not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
        _refuse(text, "it holds white space, control or non-ASCII characters", "copy the reference again")
    if len(text) > 1024:
        _refuse(text, f"it is {len(text)} characters long")
    if bare := _BARE_ID.fullmatch(text):
        hint = f"write NAME@sha256:{bare[1]}"
        _refuse(text, "64 hexadecimal digits alone could be an image id or a digest", hint)


def _check_registry(text: str, registry: str) -> None:
    match = _HOST.fullmatch(registry)
    if not match or len(registry) > _MAX_HOST:
        _refuse(
            text,
            f"{_short(registry)} is no registry host",
            "write HOST[:PORT]/repository, IPv6 as [::1]:5000",
        )
    host, port = match.groups()
    if port and not 0 < int(port) < 65536:
        _refuse(text, f"{port} is no port", "ports are 1 to 65535")
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            _refuse(text, f"{_short(host)} is no IPv6 address")


def _check_repository(text: str, repository: str) -> None:
    if not repository or repository == "library/":
        _refuse(text, "the repository's name is missing", "write [registry/]repository[:tag][@digest]")
    if len(repository) > _MAX_REPOSITORY:
        _refuse(text, f"the repository's name has {len(repository)} characters (at most {_MAX_REPOSITORY})")
    for component in repository.split("/"):
        if _COMPONENT.fullmatch(component):
            continue
        if _COMPONENT.fullmatch(component.lower()):
            hint = f"repositories are lower case: {repository.lower().removeprefix('library/')}"
            _refuse(text, f"{_short(component)} in the repository's name has upper-case letters", hint)
        if not component:
            _refuse(text, "the repository's name has an empty component", "remove the superfluous '/'")
        hint = "a component is lower-case letters and digits, joined by '.', '_', '__' or '-'"
        _refuse(text, f"{_short(component)} is no component of a repository's name", hint)


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _refuse(text: str, why: str, hint: str = "") -> NoReturn:
    raise InvalidReference(f"{_short(text)} is no image reference: {why}", hint)
