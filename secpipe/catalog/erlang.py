"""Applications of Erlang and Elixir releases: `ebin/NAME.app` (app(4), Erlang/OTP 27).

Neither `mix.lock` nor `rebar.lock` is in a release, and both tell only what is to be fetched. What Mix and Rebar build is
of type hex; the applications of Erlang/OTP and of Elixir themselves, which are on no index, are of type otp.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "erlang"
VERSION = 1
TYPE = "hex"
GLOBS = ("**/ebin/*.app",)
# An application is removed with its file.
KEPT = ()
COMPLETE = ()

# A comment, a text, a quoted atom, an atom, or any other character; possessive, so that nothing is tried twice.
_TOKEN = lazy(
    rb"%[^\n]*+|\"((?:[^\"\\]|\\.)*+)(?:\"|\\?+\Z)|'((?:[^'\\]|\\.)*+)(?:'|\\?+\Z)|([a-z][A-Za-z0-9_@]*+)|[^\s%]",
    re.DOTALL,
)
_TEXT = '"'
_LONGEST = 1 << 20
"""Bytes of the largest file that is read: those of Erlang/OTP have a hundredth of it."""
_ELIXIR = frozenset({"elixir", "eex", "ex_unit", "iex", "logger", "mix"})
_OWN = "runtime_dependencies"
"""A key that Erlang/OTP's build gives its own applications, and other tools do not."""
_NAME = lazy(r"[A-Za-z][A-Za-z0-9_@.-]*", re.ASCII)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one application."""
    name = version = ""
    own = False
    for opening, key, comma, value, closing in _runs(file.data[:_LONGEST]):
        if (opening, comma) != ("{", ","):
            continue
        if key == "application" and closing == "," and not name:
            name = value
        elif key == "vsn" and closing == "}" and value.startswith(_TEXT) and not version:
            version = value[len(_TEXT) :]
        own = own or key == _OWN
    if not (_NAME.fullmatch(name) and usable(version)):
        why = "the application resource has no valid name and vsn"
        yield unreadable(file.path, None, why, "unreadable-metadata")
        return
    yield Package(name, version, "otp" if own or name in _ELIXIR else TYPE, file.path)


def _runs(data: bytes) -> Iterator[tuple[str, str, str, str, str]]:
    """Every five tokens in a row, without comments; of what is quoted, a text keeps its first quote."""
    last: deque[str] = deque(maxlen=5)
    for match in _TOKEN.finditer(data):
        if match.lastindex is None and match[0].startswith(b"%"):
            continue
        token = match[match.lastindex or 0].decode("utf-8", "replace")
        last.append(_TEXT + token if match.lastindex == 1 else token)
        if len(last) == 5:
            yield last[0], last[1], last[2], last[3], last[4]
