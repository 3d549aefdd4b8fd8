"""Puts the commands together. A command is a module of this package with `register(app)`."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Sequence
from typing import Annotated

import typer

import secpipe.cli
from secpipe.cli._streams import write

_NOT_COMMANDS = {"app"}


def _version(wanted: bool) -> None:
    if wanted:
        write(f"secpipe {secpipe.__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. [env var: SECPIPE_DEBUG]")
    ] = False,
) -> None:
    """A supply-chain gate for container images: lint Dockerfiles, scan images, decide.

    Exit codes: 0 clean, 1 the gate failed, 2 usage or configuration error, 3 could not decide.
    """
    if debug:
        os.environ["SECPIPE_DEBUG"] = "1"


def build(args: Sequence[str]) -> typer.Typer:
    """The application, with the command that `args` begin with, or with every command when they begin otherwise."""
    app = typer.Typer(
        name="secpipe",
        no_args_is_help=True,
        # Plain help: it keeps [brackets], needs no rich, and reads well at 80 columns.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    names = [
        module.name
        for module in pkgutil.iter_modules(secpipe.cli.__path__)
        if module.name not in _NOT_COMMANDS and not module.name.startswith("_")
    ]
    wanted = [name for name in names if args and name == args[0]]
    for name in wanted or names:
        importlib.import_module(f"secpipe.cli.{name}").register(app)
    return app
