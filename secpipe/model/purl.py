"""Reads package URLs (purl-spec 1.0) as other programs write them.

Not the library's parser, which puts names into their canonical form: that lowers the case of Go's modules, by which
advisories know them, and takes some addresses for malformed that are merely written sloppily. The tests hold ours
against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_TYPE = lazy(r"[a-z][a-z0-9.+-]*", re.ASCII)
_SCHEME = lazy(r"pkg:/*", re.IGNORECASE)


class Purl(NamedTuple):
    """The parts, decoded; a qualifier that occurs twice has its first value."""

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: Mapping[str, str]


def parse(text: str) -> Purl:
    """The parts of a package URL. Raises `ValueError`, which says what is wrong with it."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise ValueError("does not begin with pkg:")
    rest = text[scheme.end() :].partition("#")[0]
    rest, _, query = rest.partition("?")
    type, _, path = rest.partition("/")
    type = type.lower()
    if not _TYPE.fullmatch(type):
        raise ValueError("has no valid type")
    path, version = _split_version(path.strip("/"))
    *namespace, name = (_decoded(part) for part in path.split("/"))
    if not name:
        raise ValueError("has no name")
    return Purl(type, "/".join(filter(None, namespace)), name, _decoded(version), _qualifiers(query))


def bare(purl: str) -> str:
    """A package URL without version, qualifiers and subpath, for comparing; an npm scope with its `@` written out is the
    same as one with `%40`, and never the beginning of a version."""
    return _split_version(purl.partition("#")[0].partition("?")[0])[0].replace("@", "%40")


def is_bare(text: str) -> bool:
    """Whether a package URL has neither version nor qualifiers nor subpath."""
    return set("?#").isdisjoint(text) and "@" not in text.rpartition("/")[2]


def package_name(purl: Purl) -> str:
    """The name by which the advisories of that type's ecosystem know the package."""
    if not purl.namespace or purl.type in ("apk", "deb", "rpm", "alpm"):
        return purl.name
    return f"{purl.namespace}{':' if purl.type == 'maven' else '/'}{purl.name}"


def _split_version(path: str) -> tuple[str, str]:
    """A version follows the last `@`; the first within a name where it is a path or an address that was not escaped. An `@`
    that begins a name is the one of an npm scope."""
    head, at, version = path.rpartition("@")
    if at and head and "/" not in version:
        return head, version
    first = next(
        (i for i, letter in enumerate(path) if letter == "@" and path[i - 1 : i] not in ("", "/")), None
    )
    return (path, "") if first is None else (path[:first], path[first + 1 :])


def _qualifiers(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in query.split("&"):
        key, equals, value = pair.partition("=")
        if equals and value:
            found.setdefault(key.lower(), _decoded(value))
    return found


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError("has an escape that is not UTF-8") from error
