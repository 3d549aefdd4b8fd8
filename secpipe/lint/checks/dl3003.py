"""DL3003: changing directory inside a RUN."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN", commands=("cd",))
def change_of_directory(run: Run, context: Context) -> Iterator[Found]:
    """Any `cd`."""
    for command in run.commands("cd"):
        what = " ".join(["cd", *(word.value for word in command.args[:1])])
        yield command.name, f"Use WORKDIR instead of {quoted(what)}"
