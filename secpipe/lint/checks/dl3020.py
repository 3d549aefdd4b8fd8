"""DL3020: ADD where COPY would do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.lint.check import Found, check, listed
from secpipe.lint.scope import Context

_REMOTE = re.compile(r"https?://|git://|ssh://|git@|[\w.-]+@[\w.-]+:|.*\.git(#|$)")
_SUFFIXES = "tar|gz|bz2?|xz|zst|lz|lzma|z|tgz|tbz2?|tb2|txz|tzst|tlz|tpz|tz"
# A pattern counts when it says tar before its first wildcard.
_ARCHIVE = re.compile(rf"\.({_SUFFIXES})$|\.(tar|tgz)[^/*?\[]*[*?\[][^/]*$", re.IGNORECASE)


@check("ADD")
def plain_files(add: Instruction, context: Context) -> Iterator[Found]:
    """A source that ADD would treat as COPY does."""
    plain = [word for word in _sources(add) if not _needs_add(word, context)]
    if plain:
        yield plain[0], f"Use COPY for {listed(word.value for word in plain)}"


def _sources(add: Instruction) -> tuple[Word, ...]:
    return add.words[:-1]


def _needs_add(source: Word, context: Context) -> bool:
    value = context.scope.expand(source.value) or source.value
    return bool(_REMOTE.match(value) or _ARCHIVE.search(value))
