"""`secpipe fleet …`: many images."""

from __future__ import annotations

import typer

from secpipe.cli._fleetreport import report
from secpipe.cli._fleetscan import scan
from secpipe.cli._fleetwatch import watch


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Scan many images, and ask what became of them.")
    group.command(no_args_is_help=True)(scan)
    group.command()(report)
    group.command()(watch)
    app.add_typer(group, name="fleet")
