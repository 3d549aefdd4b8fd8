"""SP1005: a script from the network that runs without a look at it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.dockerfile.wrappers import is_shell, reads_script
from secpipe.lint.check import Found, Span, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_DOWNLOADERS = frozenset({"curl", "wget", "fetch"})
_INTERPRETER = lazy(r"(?:python|pypy|perl|ruby|node|php|lua|pwsh|R)[\d.]*")
_FROM_DOWNLOAD = lazy(r"\s*(?:<\(|\$\(|`)\s*(?:sudo\s+)?(?:/usr/bin/)?(curl|wget)\s")
_POWERSHELL = lazy(
    r"\b(?:iex|invoke-expression)\b[^;\n]{0,200}(?:downloadstring|\biwr\b|\birm\b|invoke-webrequest|invoke-restmethod)"
    r"|(?:downloadstring|\biwr\b|\birm\b|invoke-webrequest|invoke-restmethod)[^;\n]{0,200}\|\s*(?:iex|invoke-expression)\b",
    re.IGNORECASE,
)
_INVOKES = lazy(r"iex|invoke-expression", re.IGNORECASE)
"""What is in all that the other expression finds, which takes much longer to look."""
_MESSAGE = "runs what was just downloaded: write it to a file, verify its checksum or signature, then run it"


@check("RUN", onbuild=True)
def unverified_script(run: Run, context: Context) -> Iterator[Found]:
    """`curl … | sh`, `sh -c "$(curl …)"`, `bash <(curl …)`, `iex (iwr …)` and their like."""
    if run.shell.is_windows or "DownloadString" in run.script.text:
        source = context.dockerfile.source.text
        invokes = _INVOKES.search(source, run.start, run.end)
        for match in _POWERSHELL.finditer(source, run.start, run.end) if invokes else ():
            yield Span(*match.span()), f"Invoke-Expression {_MESSAGE}"
        if run.shell.is_windows:
            return
    commands = run.named_commands
    pipelines = run.script.pipelines
    starts = [command.start for command, _ in commands] if pipelines else []
    for start, end in pipelines:
        inside = commands[bisect_left(starts, start) : bisect_left(starts, end)]
        sender = next((c for c, name in inside if _downloads(c, name)), None)
        receiver = sender and next(
            (c for c, name in inside if c.start > sender.end and _runs_input(c, name)), None
        )
        if receiver:
            yield receiver, f"{quoted(receiver.name.value)} {_MESSAGE}"
    # Whatever an argument downloads stands in one of these.
    for command, name in commands if "(" in run.script.text or "`" in run.script.text else ():
        word = _downloaded_argument(command, name)
        if word:
            yield word, f"{quoted(command.name.value)} {_MESSAGE}"


def _downloads(command: Command, name: str) -> bool:
    """Whether a command writes what it downloads to its output."""
    if name == "wget":
        return _writes_to_output(command)
    return name in _DOWNLOADERS and not command.flag("o", "O", "output", "remote-name", "I", "head")


def _writes_to_output(command: Command) -> bool:
    """`-O-`, `-qO -`, `--output-document=-`."""
    values = [arg.value for arg in command.args]
    for value, following in zip(values, [*values[1:], ""], strict=False):
        if value in ("--output-document=-", "-O=-"):
            return True
        if value.endswith("O-") and not value.startswith("--") and value.startswith("-"):
            return True
        flags = value == "--output-document" or (
            value[:1] == "-" and value[1:2] != "-" and value.endswith("O")
        )
        if flags and following in ("-", "/dev/stdout"):
            return True
    return False


def _runs_input(command: Command, name: str) -> bool:
    """Whether a command is an interpreter that reads its program from its input."""
    if is_shell(name):
        return reads_script((command.name, *command.args))
    if _INTERPRETER.fullmatch(name):
        first = next(
            (arg.value for arg in command.args if arg.value == "-" or not arg.value.startswith("-")), "-"
        )
        return first == "-" and not any(
            arg.value[:2] in ("-c", "-m", "-e", "-n", "-p", "-r") for arg in command.args
        )
    return False


def _downloaded_argument(command: Command, name: str) -> Word | None:
    """The argument that a download gives and that the command runs."""
    arguments = command.args
    if name in ("eval", "source", "."):
        arguments = arguments[:1]
    elif is_shell(name) or _INTERPRETER.fullmatch(name):
        script = next(
            (i for i, arg in enumerate(arguments) if not arg.value.startswith(("-", "+"))), len(arguments)
        )
        arguments = arguments[script : script + 1]
    else:
        return None
    return next((arg for arg in arguments if _FROM_DOWNLOAD.match(arg.value)), None)
