"""Compiles somebody's own OSV records into the advisory database, beside what was fetched from a feed.

They replace what was compiled before, and stay when a feed's records are fetched anew. How the two are told apart where they
have the same id is in `overlay`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from secpipe.advisories import manifest
from secpipe.advisories.compile import Compiled, compile_records, uncollected
from secpipe.advisories.lock import locked
from secpipe.advisories.manifest import Manifest
from secpipe.advisories.plain import reader
from secpipe.advisories.sources import records
from secpipe.advisories.store import timestamp
from secpipe.advisories.writer import Origin, Writer, refuse_foreign
from secpipe.errors import AdvisoryError
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem


class BuildResult(Struct, frozen=True):
    """What a build put into the database: records read, records by ecosystem, the digest, what could not be read."""

    records: int
    ecosystems: Mapping[str, int]
    digest: str
    problems: tuple[Problem, ...]


@uncollected()
def build(
    paths: Sequence[Path],
    out: Path,
    limits: Limits | None = None,
    now: datetime | None = None,
    *,
    on_top: bool = False,
) -> BuildResult:
    """Compile the OSV records below `paths` (JSON files, zips, directories) into the database at `out`, made as needed.

    With `on_top` they add to a feed's, which a scan then still wants; else they may be all there is of their ecosystems.
    What cannot be read is told in the result and left out. Raises `AdvisoryError` when no record is left, or the database
    cannot be written (the old one then stays); `UsageError` for a path that does not exist.
    """
    limits = limits or Limits()
    refuse_foreign(out)
    problems: list[Problem] = []
    compiled = compile_records(records(paths, limits, problems, reader()), problems)
    if not compiled.shards:
        named = ", ".join(map(str, paths))
        reason = f"; the first of {len(problems)} problems: {problems[0].message}" if problems else ""
        raise AdvisoryError(
            f"no advisory for any package in {named}{reason}", "give OSV records (JSON, zips, directories)"
        )
    with locked(out, limits.lock_seconds):
        made = _write(compiled, out, timestamp(now), on_top, problems)
    own = [shard for shard in made.shards if shard.own]
    counts = {name: count for shard in own for name, count in shard.ecosystems.items()}
    return BuildResult(compiled.records, dict(sorted(counts.items())), made.digest, tuple(sorted(problems)))


def _write(compiled: Compiled, out: Path, at: str, on_top: bool, problems: list[Problem]) -> Manifest:
    with Writer(out) as writer:
        fetched = _fetched(out, problems)
        shards = [
            writer.shard(name, compiled.shards.pop(name), Origin(at), own=True, on_top=on_top)
            for name in sorted(compiled.shards)
        ]
        unread = dict(sorted(compiled.unread.items()))
        return writer.commit(replace(fetched.having(shards), unread=unread))


def _fetched(out: Path, problems: list[Problem]) -> Manifest:
    """What the database has from a feed. Of one that is damaged, nothing is kept, but not without a word."""
    if not (out / manifest.NAME).exists():
        return Manifest()
    try:
        return manifest.read(out).without_own()
    except AdvisoryError as error:
        message = f"{error.message}; it was replaced and holds only what was built now"
        problems.append(
            Problem("database-replaced", str(out), message, "run secpipe db update for what a feed has")
        )
        return Manifest()
