"""SP1006: a download by ADD that nothing verifies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_HTTP = lazy(r"https?://", re.IGNORECASE)
_GIT = lazy(r"git://|ssh://|git@|https?://[^?#]*\.git(?=[?#]|$)", re.IGNORECASE)
_REVISION = lazy(r"#[^:]|[?&](?:ref|tag|branch|commit|checksum)=")
_CHECKSUM_FILE = lazy(
    r"\.(?:asc|sig|sign|minisig|md5|sha\d*)(?:sums?)?(?:\.txt)?$|SUMS?(?:\.txt)?$", re.IGNORECASE
)
_VERIFIES = lazy(
    r"\b(?:(?:sha\d+|md5|b2)sum|shasum|gpgv?2?\s[^;&|\n]*--verify|gpgv|openssl\s+dgst|minisign|cosign\s+verify|jarsigner)\b",
    re.IGNORECASE,
)
_NAMES = lazy(r"[^\s\"'/;|&=*()]+")


@check("ADD")
def unverified_download(add: Instruction, context: Context) -> Iterator[Found]:
    """A URL without `--checksum` that no RUN of the stage verifies; a Git repository that names no revision either."""
    if add.flag("checksum"):
        return
    for word in add.words[:-1]:
        value = context.scope.expand(word.value) or word.value
        if _GIT.match(value):
            if not _REVISION.search(value):
                yield (
                    word,
                    f"{quoted(word.value)} is whatever its default branch has today: name a commit, `….git#<commit>`",
                )
        elif _HTTP.match(value) and not _CHECKSUM_FILE.search(value):
            files = {text.rstrip("/").rpartition("/")[2] for text in (word.value, value, add.words[-1].value)}
            if not files & _verified(context, add.stage):
                yield (
                    word,
                    f"Nothing verifies what {quoted(word.value)} answers: give ADD `--checksum=sha256:…`",
                )


@lru_cache(maxsize=1)
def _verified(context: Context, stage: int) -> frozenset[str]:
    """The names in those RUN instructions of a stage that verify something."""
    runs = (i for i in context.instructions(stage) if i.keyword == "RUN")
    source = context.dockerfile.source.text
    texts = (source[run.start : run.end] for run in runs)
    return frozenset(name for text in texts if _VERIFIES.search(text) for name in _NAMES.findall(text))
