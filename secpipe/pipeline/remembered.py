"""What earlier runs said of Dockerfiles: a file of the same bytes, under the same options, gets the same findings.

A key is the digest of the file's bytes and of all that its findings hang on: the options, ShellCheck, and the very
files of secpipe, its rules and its parsers, so that no other version's findings are taken for one's own.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import secpipe
from secpipe.cache.paths import lint_path
from secpipe.cache.results import key, load, own, save
from secpipe.dockerfile.source import decode
from secpipe.lint.options import Options
from secpipe.lint.rules import directory
from secpipe.model.lint import Edit, Fix, LintFinding
from secpipe.model.location import Region
from secpipe.model.severity import Level
from secpipe.pipeline.dockerfiles import read

_PARSERS = ("dockerfile_parse", "tree_sitter", "tree_sitter_bash")
_CODE = ("dockerfile", "lint", "lint/checks", "model", "pipeline")
_READ = 500
"""Files that are read at once to see whether they are known."""
_MAX_BYTES = 1 << 20
"""Of what is remembered of one file: a larger report is seldom asked for twice."""

Findings = tuple[LintFinding, ...]


def key_of(data: bytes, options: Options, *, heed_comments: bool, shellcheck: bytes) -> bytes:
    """The key of one file's findings; `shellcheck` is empty where it has no part in them."""
    wanted = (*(_plain(value) for value in options), heed_comments)
    return key(_identity(), repr(wanted).encode(), shellcheck, data)


def usable() -> bool:
    """Whether anything can be remembered: not from a zip archive, whose modules are no files."""
    try:
        return bool(_identity()) and own(lint_path()) is not None
    except OSError:
        return False


def recalled(
    files: Sequence[str], key_of: Callable[[str, bytes], bytes]
) -> Iterator[tuple[str, str, Findings]]:
    """The files that were linted before, with their findings and, where there are any, the text that these are in.

    `key_of` gives the key of a file and its bytes.
    """
    for start in range(0, len(files), _READ):
        contents = {file: read(file) for file in files[start : start + _READ]}
        readable = {file: data for file, data in contents.items() if isinstance(data, bytes)}
        keys = {file: key_of(file, data) for file, data in readable.items()}
        known = load(lint_path(), set(keys.values()))
        for file, data in readable.items():
            found = findings(known[keys[file]], file) if keys[file] in known else None
            if found is not None:
                yield file, decode(data, file).text if found else "", found


def remember(found: Mapping[bytes, Findings]) -> None:
    """Keep findings for later runs."""
    values = {each: _packed(findings) for each, findings in found.items()}
    save(lint_path(), {each: value for each, value in values.items() if len(value) <= _MAX_BYTES})


def findings(value: bytes, file: str) -> Findings | None:
    """Findings that are remembered, as those of `file`; None when that is not what they are."""
    try:
        return tuple(_finding(file, *fields) for fields in json.loads(value))
    except (ValueError, TypeError, RecursionError):
        return None


def _packed(found: Findings) -> bytes:
    return json.dumps(
        [
            (*each.region, each.code, each.level, each.message, each.fix and (each.fix.edits, each.fix.safe))
            for each in found
        ],
        separators=(",", ":"),
    ).encode()


def _finding(file: str, *fields: Any) -> LintFinding:
    """One finding. Raises ValueError or TypeError for anything else."""
    *region, code, level, message, fix = fields
    if not isinstance(code, str) or not isinstance(message, str):
        raise TypeError
    return LintFinding(file, _region(region), code, Level(level), message, _fix(*fix) if fix else None)


def _region(numbers: list[Any]) -> Region:
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ValueError
    return Region(*numbers)


def _fix(edits: Any, safe: bool) -> Fix:
    return Fix(tuple(Edit(start, end, _region(region), text) for start, end, region, text in edits), safe)


def _plain(value: Any) -> Any:
    """An option's value in one order."""
    if isinstance(value, Mapping):
        return sorted(value.items())
    return sorted(value) if isinstance(value, frozenset) else value


@functools.cache
def _identity() -> bytes:
    """The digest of the files that findings hang on: their names, sizes and times. Raises OSError where they are none."""
    from importlib.util import find_spec

    home = Path(secpipe.__file__).parent
    parsers = [str(spec.origin) for name in _PARSERS if (spec := find_spec(name))]
    folders = [*(home / name for name in _CODE), directory()]
    files = [entry.path for folder in folders for entry in os.scandir(folder) if entry.is_file()]
    stats = ((file, os.stat(file)) for file in sorted((*parsers, *files)))  # noqa: PTH116 - a Path each costs more
    return key(sys.version.encode(), *(f"{file} {s.st_size} {s.st_mtime_ns}".encode() for file, s in stats))
