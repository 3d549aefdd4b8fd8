"""What `secpipe scan` does once its options are read.

A command line with each option in its usual form comes here straight away: loading the option parser takes longer than
matching the packages of most images.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from secpipe.cache.paths import database_path
from secpipe.cli._given import addresses, credentials, documents, settings
from secpipe.cli._limits import parse_limits
from secpipe.cli._progress import shown
from secpipe.cli._reports import destinations, emit, tell
from secpipe.cli._streams import say
from secpipe.model.named import NamedTuple

if TYPE_CHECKING:
    from secpipe.dockerfile.ast import Dockerfile
    from secpipe.pipeline.scan import ScanOptions

_SHORT = {"-f": "--format", "-o": "--output", "-c": "--config"}
_LISTS = frozenset({"output", "fail_on", "limit"})
_PATH_LISTS = frozenset({"ignore_file", "vex"})
_PATHS = frozenset({"db", "authfile", "config"})
_VARIABLES = ("SECPIPE_USERNAME", "SECPIPE_DB_URL")
"""Those that the option parser reads, beside `_OFFLINE`."""
_OFFLINE = "SECPIPE_OFFLINE"
_ON = ("1", "true")


class Given(NamedTuple):
    """A command line, by the names of the options."""

    target: str
    format: str | None = None
    output: Sequence[str] | None = None
    fail_on: Sequence[str] | None = None
    ignore_file: Sequence[Path] | None = None
    vex: Sequence[Path] | None = None
    allow_incomplete: bool = False
    platform: str | None = None
    db: Path | None = None
    max_db_age: int | None = None
    username: str | None = None
    password_stdin: bool = False
    authfile: Path | None = None
    insecure: bool = False
    no_cache: bool = False
    limit: Sequence[str] | None = None
    base: str | None = None
    baseline: str | None = None
    dockerfile: str | None = None
    offline: bool = False
    db_url: str = ""
    config: Path | None = None
    no_config: bool = False


def plain(args: Sequence[str]) -> Given | None:
    """`scan TARGET` with options as they are usually written, each a word and its value the next; None when there is
    anything else, or a variable that the option parser reads."""
    if args[:1] != ["scan"] or any(variable in os.environ for variable in _VARIABLES):
        return None
    found: dict[str, Any] = {}
    if _OFFLINE in os.environ:
        if os.environ[_OFFLINE] not in _ON:
            return None
        found["offline"] = True
    left = iter(args[1:])
    for arg in left:
        if not arg.startswith("-") or arg == "-":
            if not arg or "target" in found:
                return None
            found["target"] = arg
            continue
        option = _SHORT.get(arg, arg)
        name = option.removeprefix("--").replace("-", "_")
        if name == "target" or name not in Given._fields or option != "--" + name.replace("_", "-"):
            return None
        if isinstance(Given._field_defaults[name], bool):
            found[name] = True
        elif not (value := next(left, "-")) or value.startswith("-"):
            return None
        elif name == "max_db_age":
            if not (value.isascii() and value.isdecimal() and len(value) < 10):
                return None
            found[name] = int(value)
        elif name in _LISTS | _PATH_LISTS:
            found.setdefault(name, []).append(Path(value) if name in _PATH_LISTS else value)
        else:
            found[name] = Path(value) if name in _PATHS else value
    return Given(**found) if "target" in found else None


def run(given: Given) -> int:
    """Scan, write the reports, tell what somebody should know; the exit code."""
    _load_msgspec()
    from secpipe.pipeline.scan import scan

    wanted = destinations("scan", given.format, given.output)
    options = _options(given)
    with shown() as progress:
        report = scan(options, progress)
    emit(report, wanted)
    if report.dockerfile and report.findings and given.dockerfile is None:
        say(
            f"the image was built from {report.dockerfile}: findings stand on its lines (--dockerfile none turns that off)"
        )
    tell(report.warnings)
    if ("tty", None) not in wanted:
        tell(report.problems)
        say(f"verdict: {report.verdict} (exit {report.exit_code}): {report.reason}")
    return report.exit_code


def _load_msgspec() -> None:
    """Load it without `typing_extensions`, of which it takes only what `typing` has since Python 3.11, and which takes a
    twentieth of the time of a scan to load. A version that takes more is loaded with it."""
    if "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = cast(ModuleType, None)
        try:
            with suppress(ImportError):
                import msgspec  # noqa: F401
        finally:
            del sys.modules["typing_extensions"]


def _options(given: Given) -> ScanOptions:
    """With what the configuration and variables say besides. Raises `UsageError`."""
    from secpipe.config.ignores import ignores
    from secpipe.pipeline.scan import MAX_AGE_DAYS, ScanOptions
    from secpipe.policy.gate import gate_of

    limits = parse_limits(given.limit or [])
    known = settings(given.config, given.no_config, given.fail_on)
    max_db_age = known.max_db_age if given.max_db_age is None else given.max_db_age
    return ScanOptions(
        given.target,
        given.db or database_path(),
        platform=given.platform,
        fail_on=known.fail_on or gate_of(()),
        overrides=known.overrides,
        allow_incomplete=given.allow_incomplete or bool(known.allow_incomplete),
        max_age_days=MAX_AGE_DAYS if max_db_age is None else max_db_age,
        credentials=credentials(given.target, given.username, given.password_stdin),
        authfile=given.authfile,
        insecure=given.insecure,
        limits=limits,
        cache=not given.no_cache,
        base=given.base or known.base or "",
        ignores=ignores(given.ignore_file or [], say),
        dockerfile=_dockerfile(given.dockerfile),
        beside=Path() if given.dockerfile is None else None,
        feed=None if given.offline else given.db_url,
        vex=documents(given.vex or [], limits),
        baseline=given.baseline or known.baseline or "",
        exploitation=addresses(),
    )


def _dockerfile(file: str | None) -> Dockerfile | None:
    """What `--dockerfile` names, read before the image is, so that a misspelt name does not cost a scan."""
    if file is None or file == "none":
        return None
    from secpipe.pipeline.lines import load

    return load(file)
