"""The options that say which advisories decide, and on how much; the same for every command that matches packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DbOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="The advisory database. [env var: SECPIPE_DB]", show_default=False),
]
MaxDbAgeOption = Annotated[
    int | None,
    typer.Option(
        metavar="DAYS",
        min=0,
        show_default=False,
        help="Advisories older than this decide nothing. [default: 7]",
    ),
]
OfflineOption = Annotated[
    bool,
    typer.Option(
        "--offline",
        envvar="SECPIPE_OFFLINE",
        help="Fetch no advisories, even when some are missing or old.",
    ),
]
DbUrlOption = Annotated[
    str,
    typer.Option(
        metavar="BASE",
        envvar="SECPIPE_DB_URL",
        show_default=False,
        help="The OSV feed to fetch missing advisories from, or a mirror of it.",
    ),
]
AllowIncompleteOption = Annotated[
    bool,
    typer.Option("--allow-incomplete", help="Exit 0 instead of 3 on gaps in coverage; still tell them."),
]
PlatformOption = Annotated[
    str | None,
    typer.Option(
        metavar="OS/ARCH[/VARIANT]",
        show_default=False,
        help="Which image of an index, or `all`. [default: this machine's linux]",
    ),
]
VexOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="A VEX document (OpenVEX, CSAF or CycloneDX): what it states not to be affected, or fixed, does not "
        "fail; repeatable.",
    ),
]
