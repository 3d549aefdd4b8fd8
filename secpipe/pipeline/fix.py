"""`lint --fix` and `lint --diff`: from paths to changed files, or to what would change.

A file is written whole or not at all: beside itself first, then moved into its place, unless it has changed meanwhile.
Encoding, byte order mark, line ends and mode stay.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from difflib import diff_bytes, unified_diff
from pathlib import Path

from msgspec import Struct

from secpipe.dockerfile.source import decode, decode_exactly, source
from secpipe.errors import UndecidedError
from secpipe.lint.fix import Fixed, fixed
from secpipe.model.lint import LintFinding
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.pipeline.dockerfiles import STDIN, find, read
from secpipe.pipeline.lint import LintOptions, rules_for

_UNWRITTEN = "unwritten-file"


class FixReport(Struct, frozen=True):
    """What was fixed, or would be.

    `fixed` findings in `files`; `unsafe` more have fixes that need --unsafe-fixes; `dropped` are those whose fix was
    tried and left out; `problems` tell what could not be written. `diff` is a unified diff. `stdin` is the text of standard
    input, None when that was not among the paths, and `given` the text as it came.
    """

    fixed: int
    files: tuple[str, ...]
    unsafe: int
    dropped: tuple[LintFinding, ...]
    problems: tuple[Problem, ...]
    diff: bytes
    stdin: bytes | None = None
    given: bytes | None = None


class _Change(NamedTuple):
    """One file before and after."""

    file: str
    old: bytes
    new: bytes
    result: Fixed


def fix(paths: Sequence[str], options: LintOptions, *, unsafe: bool = False, write: bool = True) -> FixReport:
    """Fix files, folders and standard input; without `write`, say only what would change.

    What cannot be read or parsed is left to the lint to tell.
    """
    changes: list[_Change] = []
    problems: list[Problem] = []
    diffs: list[bytes] = []
    stdin: _Change | None = None
    for each in _changes(find(paths, options.exclude)[0], options, unsafe):
        if isinstance(each, Problem):
            problems.append(each)
            continue
        if each.file == STDIN:
            stdin = each
        elif write and each.new != each.old:
            problem = _write(each)
            if problem:
                problems.append(problem)
                continue
        changes.append(each)
        if not write:
            diffs.append(difference(each.file, each.old, each.new))
    return FixReport(
        fixed=sum(len(each.result.applied) for each in changes),
        files=tuple(sorted(each.file for each in changes if each.result.applied)),
        unsafe=sum(_needs_leave(f) for each in changes for f in each.result.remaining) if not unsafe else 0,
        dropped=tuple(f for each in changes for f in each.result.dropped),
        problems=tuple(sorted(problems)),
        diff=b"".join(diffs),
        stdin=stdin and stdin.new,
        given=stdin and stdin.old,
    )


def difference(file: str, old: bytes, new: bytes) -> bytes:
    """A unified diff as git and patch take it, empty when nothing differs.

    UTF-16 and UTF-32 are shown as UTF-8, for a diff of them is none that anybody could read.
    """
    if old == new:
        return b""
    before, after = (_lines(data) for data in (old, new))
    name = os.path.normpath(file).lstrip("/") if file != STDIN else "stdin"
    lines = diff_bytes(unified_diff, before, after, fromfile=_header("a", name), tofile=_header("b", name))
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines
    )


def _lines(data: bytes) -> list[bytes]:
    exact = decode_exactly(data)
    if exact and exact.encoding != "utf-8":
        data = exact.text.encode("utf-8", "replace")
    *whole, last = data.split(b"\n")
    return [line + b"\n" for line in whole] + [last] * bool(last)


def _header(mark: str, name: str) -> bytes:
    """`a/name`; git quotes a name with special characters, and ends one with blanks by a tab."""
    raw = os.fsencode(f"{mark}/{name}")
    if any(byte < 0x20 or byte in b'"\\\x7f' for byte in raw):
        text = "".join(chr(b) if 0x20 <= b < 0x7F and b not in b'"\\' else f"\\{b:03o}" for b in raw)
        return f'"{text}"'.encode()
    return raw + b"\t" * (b" " in raw)


def _changes(files: Sequence[str], options: LintOptions, unsafe: bool) -> Iterator[_Change | Problem]:
    for file in files:
        data = read(file)
        if isinstance(data, Problem):
            continue
        try:
            decode(data, file)
            exact = decode_exactly(data)
            if exact is None:
                yield _unwritten(file, "its encoding is damaged, so it could not be written back as it was")
                raise UndecidedError(file)
            rules = rules_for(file, options)
            text = source(exact.text, file)
            result = fixed(text, rules, unsafe=unsafe, heed_comments=options.heed_comments)
        except UndecidedError:
            if file == STDIN:
                yield _Change(file, data, data, Fixed("", (), (), ()))
            continue
        yield _Change(file, data, exact.encode(result.text), result)


def _needs_leave(finding: LintFinding) -> bool:
    return finding.fix is not None and not finding.fix.safe


def _write(change: _Change) -> Problem | None:
    """Put the new bytes in place of the old ones; links are followed."""
    target = os.path.realpath(change.file)
    try:
        status = os.stat(target)  # noqa: PTH116 - strings, as everywhere where files are named by users
        if not stat.S_ISREG(status.st_mode):
            return _unwritten(change.file, "not a regular file")
        if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
            return _unwritten(change.file, "it is read-only")
        path = Path(target)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:200]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(change.new)
            with contextlib.suppress(OSError):
                os.chown(name, status.st_uid, status.st_gid)
            os.chmod(name, stat.S_IMODE(status.st_mode))  # noqa: PTH101
            if read(target) != change.old:
                return _unwritten(change.file, "it has changed meanwhile")
            os.replace(name, target)  # noqa: PTH105
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108
    except OSError as error:
        return _unwritten(change.file, (error.strerror or str(error)).lower())
    return None


def _unwritten(file: str, reason: str) -> Problem:
    message = f"{file}: not fixed: {reason}"
    return Problem(_UNWRITTEN, file, message, "look at --diff, or make it writable", coverage=False)
