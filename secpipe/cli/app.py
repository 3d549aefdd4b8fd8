"""Puts the commands together. A command is a module of this package with `register(app)`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated

import typer

import secpipe.cli

_NOT_COMMANDS = {"app"}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"secpipe {secpipe.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A supply-chain gate for container images: lint Dockerfiles, scan images, decide.

    Exit codes: 0 clean, 1 the gate failed, 2 usage or configuration error, 3 could not decide.
    """


def build() -> typer.Typer:
    """The application with every command registered."""
    app = typer.Typer(
        name="secpipe",
        no_args_is_help=True,
        # Plain help: it keeps [brackets], needs no rich, and reads well at 80 columns.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for module in pkgutil.iter_modules(secpipe.cli.__path__):
        if module.name not in _NOT_COMMANDS and not module.name.startswith("_"):
            importlib.import_module(f"secpipe.cli.{module.name}").register(app)
    return app
