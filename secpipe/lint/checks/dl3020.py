"""DL3020: ADD where COPY would do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.lint.archives import may_be_archive
from secpipe.lint.check import Found, check, listed
from secpipe.lint.scope import Context

_REMOTE = re.compile(r"https?://|git://|ssh://|git@|[\w.-]+@[\w.-]+:|.*\.git(#|$)")


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
    return bool(_REMOTE.match(value) or may_be_archive(value))
