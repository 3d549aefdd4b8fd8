"""DL3020: ADD where COPY would do."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.lint.archives import may_be_archive
from secpipe.lint.check import Fix, Found, check, listed
from secpipe.lint.fixes import keyword
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_SHARED_FLAGS = frozenset({"chmod", "chown", "exclude", "link"})
_ANY_FILE = lazy(r"[*?\]][^/.]*$")
_REMOTE = lazy(r"https?://|git://|ssh://|git@|[\w.-]+@[\w.-]+:|.*\.git(#|$)")


@check("ADD")
def plain_files(add: Instruction, context: Context) -> Iterator[Found]:
    """A source that ADD would treat as COPY does."""
    plain = [word for word in _sources(add) if not _needs_add(word, context)]
    if plain:
        yield plain[0], f"Use COPY for {listed(word.value for word in plain)}", _fix(add, plain)


def _fix(add: Instruction, plain: list[Word]) -> Fix | None:
    """COPY, when it takes all sources and flags. What a variable or a pattern stands for may still be an archive."""
    if len(plain) < len(_sources(add)) or any(flag.name not in _SHARED_FLAGS for flag in add.flags):
        return None
    certain = not any("$" in word.value or _ANY_FILE.search(word.value) for word in plain)
    return Fix((keyword(add.keyword_word, "COPY"),), safe=certain)


def _sources(add: Instruction) -> tuple[Word, ...]:
    return add.words[:-1]


def _needs_add(source: Word, context: Context) -> bool:
    value = context.scope.expand(source.value) or source.value
    return bool(_REMOTE.match(value) or may_be_archive(value))
