"""`secpipe db build|update|status`: the advisory database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cache.paths import database_path
from secpipe.cli import _bundle, _feeds
from secpipe.cli._limits import parse_limits
from secpipe.cli._progress import shown
from secpipe.cli._streams import say, write
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.advisories.store import Store
    from secpipe.model.problem import Problem

DatabaseOption = Annotated[
    Path | None,
    typer.Option(
        "--db", metavar="FOLDER", help="The advisory database. [env: SECPIPE_DB]", show_default=False
    ),
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
    group.command(no_args_is_help=True)(_bundle.export)
    group.command("import", no_args_is_help=True)(_bundle.load)
    app.add_typer(group, name="db")


def build(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="OSV records: JSON files, zips, directories.")
    ],
    db: DatabaseOption = None,
    on_top: Annotated[
        bool,
        typer.Option("--on-top", help="They only add to a feed's advisories, which a scan wants as well."),
    ] = False,
    allow_incomplete: IncompleteOption = False,
    limit: LimitOption = None,
) -> None:
    """Compile your own OSV records into the advisory database, beside what was fetched and in place of those built before.

    Records that cannot be read are told and left out; the database is written with the rest, and the exit code is 3.
    The database remembers them: scans that they may concern exit 3 too, unless --allow-incomplete.
    """
    from secpipe.advisories.build import build as run
    from secpipe.model.text import plural

    file = db or database_path()
    result = run(paths, file, parse_limits(limit or []), on_top=on_top)
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
    from secpipe.advisories.store import age
    from secpipe.model.text import printable

    rows = [("ECOSYSTEM", "RECORDS", "NEWEST", "FETCHED", "AGE", "")]
    for shard in store.shards:
        days = age(shard)
        told = f"{days:.0f} d" if days < float("inf") else "unknown"
        kind = ("own, on top" if shard.on_top else "own") if shard.own else ""
        name = shard.base or "(withdrawn)"
        rows.append((name, str(shard.records), shard.newest[:10], shard.fetched, told, kind))
        rows.extend(
            (f"  {name}", str(count), "", "", "", "")
            for name, count in shard.ecosystems.items()
            if name != shard.base
        )
    rows += [(*_feeds.row(feed), "") for feed in _feeds.states(file)]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = [f"{file}", store.digest, ""]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if unread := store.unread():
        lost = ", ".join(f"{count} of {name or 'an unknown ecosystem'}" for name, count in unread.items())
        lines += ["", f"records that could not be used: {lost}"]
    return "\n".join(printable(line) for line in lines)


def _json(store: Store, file: Path) -> str:
    from secpipe.advisories.store import age

    sources = [
        {
            "base": shard.base,
            "own": shard.own,
            **({"onTop": True} if shard.on_top else {}),
            "records": shard.records,
            "bytes": shard.bytes,
            "newest": shard.newest or None,
            "fetched": shard.fetched,
            "ageDays": int(days) if (days := age(shard)) < float("inf") else None,
            "url": shard.url or None,
            "digest": shard.digest,
            "ecosystems": dict(shard.ecosystems),
        }
        for shard in store.shards
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
