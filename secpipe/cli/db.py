"""`secpipe db build|update|status`: the advisory database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cache.paths import database_path
from secpipe.cli import _feeds
from secpipe.cli._limits import parse_limits
from secpipe.cli._progress import shown
from secpipe.cli._streams import say, write
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.advisories.store import Store
    from secpipe.model.problem import Problem

DatabaseOption = Annotated[
    Path | None,
    typer.Option("--db", metavar="FILE", help="The advisory database. [env: SECPIPE_DB]", show_default=False),
]
IncompleteOption = Annotated[
    bool,
    typer.Option(
        "--allow-incomplete", help="Exit 0 instead of 3 when records could not be read; still tell them."
    ),
]
LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit", metavar="NAME=VALUE", help="Raise or lower a bound, such as feed-bytes=8GiB; repeatable."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Build, update and inspect the advisory database.")
    group.command(no_args_is_help=True)(build)
    group.command()(update)
    group.command()(status)
    app.add_typer(group, name="db")


def build(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="OSV records: JSON files, zips, directories.")
    ],
    db: DatabaseOption = None,
    allow_incomplete: IncompleteOption = False,
    limit: LimitOption = None,
) -> None:
    """Compile OSV records into a new advisory database.

    Records that cannot be read are told and left out; the database is written with the rest, and the exit code is 3.
    The database remembers them: scans that they may concern exit 3 too, unless --allow-incomplete.
    """
    from secpipe.advisories.store import build as run
    from secpipe.model.text import plural

    file = db or database_path()
    result = run(paths, file, parse_limits(limit or []))
    _tell(result.problems)
    counts = f"{plural(result.records, 'record')}, {plural(len(result.ecosystems), 'ecosystem')}"
    say(f"{file}: {counts}, {result.digest}")
    _leave(result.problems, allow_incomplete)


def update(
    ecosystems: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ECOSYSTEM…",
            help="Debian, Alpine, PyPI …; default: those in the database.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="BASE",
            envvar="SECPIPE_DB_URL",
            help="The OSV feed or a mirror: http(s), file, or a directory.",
        ),
    ] = None,
    db: DatabaseOption = None,
    allow_incomplete: IncompleteOption = False,
    limit: LimitOption = None,
    kev: _feeds.KevOption = False,
    epss: _feeds.EpssOption = False,
    kev_url: _feeds.KevUrlOption = "",
    epss_url: _feeds.EpssUrlOption = "",
) -> None:
    """Fetch what is named, ecosystems and feeds about exploitation; others stay as they are.

    Without a name, all that is there is brought up to date. On any failure the database and the feeds stay as they were.
    What cannot be read is told, and the exit code is 3.
    """
    from secpipe.advisories.update import DEFAULT_URL
    from secpipe.advisories.update import update as run
    from secpipe.model.text import plural

    file = db or database_path()
    limits = parse_limits(limit or [])
    feeds = [name for name, asked in (("kev", kev), ("epss", epss)) if asked]
    problems: list[Problem] = []
    lines: list[str] = []
    with shown() as progress:
        if ecosystems or not feeds:
            result = run(ecosystems or [], url or DEFAULT_URL, file, limits, progress=progress)
            feeds = feeds if ecosystems else _feeds.present(file)
            problems += result.problems
            for one in result.updated:
                lines.append(
                    f"{one.base}: {plural(one.records, 'record')}{'' if one.changed else ', unchanged'}"
                )
            lines.append(f"{file}: {result.digest}")
        told, unread = _feeds.update(feeds, file, {"kev": kev_url, "epss": epss_url}, limits, progress)
    _tell([*problems, *unread])
    for line in [*told, *lines]:
        say(line)
    _leave([*problems, *unread], allow_incomplete)


def status(
    db: DatabaseOption = None,
    format: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="tty or json.")] = "tty",
) -> None:
    """Tell what the advisory database holds and how old it is."""
    from secpipe.advisories.store import Store

    if format not in ("tty", "json"):
        raise UsageError(f"unknown format {format!r}", "use one of json, tty")
    file = db or database_path()
    with Store.open(file) as store:
        write((_json(store, file) if format == "json" else _table(store, file)) + "\n")


def _tell(problems: Sequence[Problem]) -> None:
    from secpipe.model.text import plural

    for problem in problems:
        say(f"{problem.code}: {problem.message}")
    if problems:
        say(plural(len(problems), "problem"))


def _leave(problems: Sequence[Problem], allow_incomplete: bool) -> None:
    if problems and not allow_incomplete:
        raise typer.Exit(3)


def _table(store: Store, file: Path) -> str:
    from secpipe.model.text import printable

    names = store.ecosystems()
    rows = [("ECOSYSTEM", "RECORDS", "NEWEST", "FETCHED", "AGE")]
    for source in store.sources().values():
        days = store.age_days(source.base)
        age = f"{days:.0f} d" if days < float("inf") else "unknown"
        rows.append((source.base, str(source.records), source.newest[:10], source.fetched, age))
        own = [
            (f"  {name}", str(names[name]), "", "", "")
            for name in names
            if name.startswith(f"{source.base}:")
        ]
        rows.extend(own)
    rows += [_feeds.row(feed) for feed in _feeds.states(file)]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = [f"{file}", store.digest, ""]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if unread := store.unread():
        told = ", ".join(f"{count} of {name or 'an unknown ecosystem'}" for name, count in unread.items())
        lines += ["", f"records that could not be used: {told}"]
    return "\n".join(printable(line) for line in lines)


def _json(store: Store, file: Path) -> str:
    names = store.ecosystems()
    ages = {name: store.age_days(name) for name in store.sources()}
    sources = [
        {
            "base": source.base,
            "records": source.records,
            "newest": source.newest or None,
            "fetched": source.fetched,
            "ageDays": int(ages[source.base]) if ages[source.base] < float("inf") else None,
            "url": source.url or None,
            "digest": source.digest,
            "ecosystems": {name: names[name] for name in names if name.partition(":")[0] == source.base},
        }
        for source in store.sources().values()
    ]
    document = {
        "schemaVersion": 1,
        "path": str(file),
        "digest": store.digest,
        "sources": sources,
        "unread": [{"ecosystem": name or None, "records": count} for name, count in store.unread().items()],
    }
    if feeds := [_feeds.as_json(feed) for feed in _feeds.states(file)]:
        document["feeds"] = feeds
    return json.dumps(document, indent=2)
