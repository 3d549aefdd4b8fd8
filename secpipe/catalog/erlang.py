"""Applications of Erlang and Elixir releases: `ebin/NAME.app` (app(4), Erlang/OTP 27).

Neither `mix.lock` nor `rebar.lock` is in a release, and both tell only what is to be fetched. What Mix and Rebar build is
of type hex; the applications of Erlang/OTP and of Elixir themselves, which are on no index, are of type otp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "erlang"
VERSION = 2
TYPE = "hex"
GLOBS = ("**/ebin/*.app",)
# An application is removed with its file.
KEPT = ()
COMPLETE = ()

# All possessive, so that nothing is tried twice.
_BLANK = rb"(?:\s++|%[^\n]*+)*+"
_TEXT = rb"\"((?:[^\"\\]|\\.)*+)\""
_QUOTED = rb"'((?:[^'\\]|\\.)*+)'"
_COMMA = _BLANK + b"," + _BLANK
_TUPLE = lazy(
    # A comment, a text or a quoted atom, in which nothing counts; and the beginnings of the tuples that are looked for.
    rb"%[^\n]*+|\"(?:[^\"\\]|\\.)*+(?:\"|\\?+\Z)|'(?:[^'\\]|\\.)*+(?:'|\\?+\Z)|\{"
    + _BLANK
    + b"'?(?:"
    + b"|".join(
        (
            rb"application'?" + _COMMA + rb"(?:([a-z][A-Za-z0-9_@]*+)|" + _QUOTED + b")" + _COMMA,
            rb"vsn'?" + _COMMA + _TEXT + _BLANK + rb"\}",
            # Erlang/OTP's build gives that to its own applications, and other tools do not.
            rb"(runtime_dependencies)'?" + _COMMA,
        )
    )
    + b")",
    re.DOTALL,
)
_LONGEST = 1 << 20
"""Bytes of the largest file that is read: those of Erlang/OTP have a hundredth of it."""
_ELIXIR = frozenset({"elixir", "eex", "ex_unit", "iex", "logger", "mix"})
_NAME = lazy(r"[A-Za-z][A-Za-z0-9_@.-]*", re.ASCII)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one application."""
    name = version = ""
    own = False
    for match in _TUPLE.finditer(file.data, 0, _LONGEST):
        if not match.lastindex:
            continue
        plain, quoted, vsn, key = match.groups()
        own = own or key is not None
        if vsn is not None:
            version = version or vsn.decode("utf-8", "replace")
        elif key is None:
            name = name or (plain or quoted).decode("utf-8", "replace")
    if not (_NAME.fullmatch(name) and usable(version)):
        why = "the application resource has no valid name and vsn"
        yield unreadable(file.path, None, why, "unreadable-metadata")
        return
    yield Package(name, version, "otp" if own or name in _ELIXIR else TYPE, file.path)
