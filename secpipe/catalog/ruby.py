"""Installed Ruby gems: the specification that RubyGems writes for each (`Gem::Specification#to_ruby_for_cache`, 3.6).

It is a program. What is read of it are assignments of texts, as RubyGems writes them; else the comment by which RubyGems
itself knows a gem without running its specification, else the name of the file.

A gem from a Git repository is a checkout of Bundler's (`Bundler::Source::Git`, 2.7), which writes the specifications that it
looks for, at the top and one folder below unless a Gemfile says otherwise, anew in that form. Others in a checkout are
those of tests and the like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import unreadable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "ruby"
VERSION = 2
TYPE = "gem"
GLOBS = (
    "**/specifications/*.gemspec",
    "**/specifications/default/*.gemspec",
    "**/bundler/gems/**/*.gemspec",
    "**/vendor/cache/**/*.gemspec",
)
# A gem is removed with its specification.
KEPT = ()
COMPLETE = ()

_ASSIGNMENT = lazy(
    rb"^[ \t]*+[a-z_]\w*+\.(name|version|platform)[ \t]*+=[ \t]*+(?:Gem::(?:Version|Platform)\.new[ \t]*+\(?[ \t]*+)?"
    rb"(?:\"([^\"\n]*+)\"|'([^'\n]*+)'|%[qQ]?(?:\{([^}\n]*+)\}|\(([^)\n]*+)\)|\[([^\]\n]*+)\]|<([^>\n]*+)>))",
    re.MULTILINE,
)
_HEAD = 4096
_STUB = lazy(rb"^# stub: (\S++) (\S++) (\S++) ", re.MULTILINE)
_FILE = lazy(r"(?:.*/)?([^/]+?)-([0-9][0-9A-Za-z.]*)(?:-([A-Za-z][^/]*))?\.gemspec", re.DOTALL)
_SPECIFICATIONS = lazy(r"(?:^|/)specifications/(?:default/)?[^/]+\Z")
_CHECKOUT = lazy(r"(?:.*/)?(?:bundler/gems|vendor/cache)/([^/]+-[0-9a-f]{7,40}/)?(.*)", re.DOTALL)
_BY_BUNDLER = b".installed_by_version = "
_VALID = {
    "name": lazy(r"[A-Za-z0-9._-]{1,1024}", re.ASCII),
    "version": lazy(r"[0-9][0-9A-Za-z.-]{0,1023}", re.ASCII),
    "platform": lazy(r"[A-Za-z0-9._-]{1,1024}", re.ASCII),
}
_PURE = "ruby"


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one gem of the file; its platform is a qualifier of its package URL unless it is Ruby itself."""
    stub = _STUB.search(file.data, 0, _HEAD)
    checkout = None if _SPECIFICATIONS.search(file.path) else _CHECKOUT.fullmatch(file.path)
    if checkout:
        written = stub is not None and _BY_BUNDLER in file.data
        if not checkout[1] or not (written or checkout[2].count("/") <= 1):
            return
    named = None if checkout else _FILE.fullmatch(file.path)
    found = {
        **_valid(zip(_VALID, named.groups(default="") if named else (), strict=False)),
        **_valid(zip(_VALID, map(_text, stub.groups()) if stub else (), strict=False)),
        **_valid(_assigned(file.data)),
    }
    if "name" not in found or "version" not in found:
        why = "the specification has no valid name and version"
        if checkout:
            why = "the specification of a gem from a repository computes its name or version"
        yield unreadable(file.path, None, why, "unreadable-metadata")
        return
    platform = found.get("platform", _PURE)
    qualifiers = () if platform == _PURE else (("platform", platform),)
    yield Package(found["name"], found["version"], TYPE, file.path, qualifiers=qualifiers)


def _assigned(data: bytes) -> Iterator[tuple[str, str]]:
    """The first text that each field is given."""
    seen: set[str] = set()
    for match in _ASSIGNMENT.finditer(data):
        field, *texts = match.groups()
        name = field.decode()
        if name not in seen:
            seen.add(name)
            yield name, _text(next(text for text in texts if text is not None))
        if len(seen) == len(_VALID):
            return


def _valid(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in fields if _VALID[name].fullmatch(value)}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
