"""The feeds about exploitation in `secpipe db`: fetching them, and telling what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secpipe.cache.paths import feed_path

if TYPE_CHECKING:
    from secpipe.advisories.feeds import FeedState
    from secpipe.model.limits import Limits
    from secpipe.model.problem import Problem
    from secpipe.model.progress import Progress

KevOption = Annotated[
    bool, typer.Option("--kev", help="Fetch CISA's catalogue of known exploited vulnerabilities.")
]
EpssOption = Annotated[
    bool, typer.Option("--epss", help="Fetch FIRST's EPSS, how likely it is that something is exploited.")
]
KevUrlOption = Annotated[
    str,
    typer.Option(
        metavar="PLACE",
        envvar="SECPIPE_KEV_URL",
        show_default=False,
        help="Where --kev comes from: http(s) or a file. [default: CISA, or where it last came from]",
    ),
]
EpssUrlOption = Annotated[
    str,
    typer.Option(
        metavar="PLACE",
        envvar="SECPIPE_EPSS_URL",
        show_default=False,
        help="Where --epss comes from: http(s) or a file. [default: FIRST, or where it last came from]",
    ),
]


def present(database: Path) -> list[str]:
    """The feeds that are kept beside that database."""
    from secpipe.advisories.feeds import KINDS

    return [name for name in KINDS if feed_path(database, name).exists()]


def update(
    names: Sequence[str],
    database: Path,
    addresses: Mapping[str, str],
    limits: Limits,
    progress: Progress | None,
) -> tuple[list[str], list[Problem]]:
    """Fetch the feeds, one after the other: what there is to say, and what could not be read."""
    from secpipe.advisories.feeds import update_feed
    from secpipe.model.text import plural

    lines: list[str] = []
    problems: list[Problem] = []
    for name in names:
        done = update_feed(name, database, addresses.get(name, ""), limits, progress=progress)
        count = plural(done.state.entries, "entry", "entries")
        lines.append(f"{name}: {count}{_of(done.state)}{'' if done.changed else ', unchanged'}")
        problems += done.problems
    return lines, problems


def states(database: Path) -> list[FeedState]:
    """The feeds that are there. Raises `AdvisoryError` for one that is damaged."""
    from secpipe.advisories.feeds import state

    return [found for name in present(database) if (found := state(database, name))]


def row(feed: FeedState) -> tuple[str, str, str, str, str]:
    """The feed in the columns of `secpipe db status`."""
    from secpipe.advisories.feeds import age_days

    age = age_days(feed)
    return (
        feed.name,
        str(feed.entries),
        feed.released[:10],
        feed.fetched,
        "unknown" if age is None else f"{age:.0f} d",
    )


def as_json(feed: FeedState) -> dict[str, Any]:
    """The feed as `secpipe db status -f json` has it."""
    from secpipe.advisories.feeds import age_days

    age = age_days(feed)
    return {
        "name": feed.name,
        "entries": feed.entries,
        "released": feed.released or None,
        "fetched": feed.fetched,
        "ageDays": None if age is None else int(age),
        "url": feed.url,
        "digest": feed.digest,
    }


def _of(feed: FeedState) -> str:
    return f" of {feed.released[:10]}" if feed.released else ""
