"""Edits that are right wherever a word stands: the shell form with its continuations, a heredoc, the exec form, the string
of a `sh -c`.

A helper gives None where it cannot be sure, for no fix is better than a wrong one. It touches only words that stand in the
file just as they are read, without escapes or continuations inside, and writes only what needs no quoting anywhere.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.heredoc import is_marker
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.wrappers import script_argument
from secpipe.lint.check import Edit, Fix, Spanned
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_PLAIN = lazy(r"[\w./+:=-]+", re.ASCII)
_LEAVES = lazy(r"\bexec\b|\bexit\b(?![ \t]+[1-9])")
"""What may end a script before its last line with success."""
_OPEN_END = lazy(r"(?:[&|({]|\\|(?<!\\);;|\b(?:then|do|else))\Z")
_ERREXIT = lazy(r"^[ \t]*set[ \t]+-[A-Za-df-z]*e|\A#!.*[ \t]-[A-Za-df-z]*e", re.MULTILINE)
_CLOSES = lazy(r"[ \t]*(?:fi|done|esac|\}|\))[ \t\r]*")
_SUDO_FLAGS = frozenset({"-E", "-H", "-n"})


def add_argument(run: Run, context: Context, word: Word, argument: str, *, safe: bool = True) -> Fix | None:
    """Put an argument behind a word of a command."""
    text = _as_read(run, context, word)
    if text is None:
        return None
    return Fix((Edit(word.end, word.end, f', "{argument}"' if text == "json" else f" {argument}"),), safe)


def rename(run: Run, context: Context, word: Word, name: str, *, safe: bool = True) -> Fix | None:
    """Put another program's name in place of a command's; a path before it stays."""
    if not _as_read(run, context, word):
        return None
    quote = context.dockerfile.source.text[word.end - 1] in "\"'"
    end = word.end - quote
    return Fix((Edit(end - len(word.value.rpartition("/")[2]), end, name),), safe)


def drop_word(run: Run, context: Context, word: Word, following: Word, *, safe: bool = True) -> Fix | None:
    """Take a word out, up to the next word of the same line."""
    form = _as_read(run, context, word)
    between = context.dockerfile.source.text[word.end : following.start]
    expected = r"[ \t]*,[ \t]*" if form == "json" else r"[ \t]+"
    if not form or not re.fullmatch(expected, between):
        return None
    return Fix((Edit(word.start, following.start, ""),), safe)


def add_command(run: Run, context: Context, command: str, like: Spanned, *, safe: bool = True) -> Fix | None:
    """Let a RUN end with one more command, which runs when all before it went well.

    It gets a line of its own where the RUN has several, and sudo where the command `like` has it.
    """
    sudo = _sudo(run, like)
    if run.shell.is_windows or sudo is None or not run.script.complete:
        return None
    command = sudo + command
    instruction = run.instruction
    if instruction.json is not None:
        edit = _into_string(run, context, command)
    elif run.text is None or _LEAVES.search(run.text.text):
        edit = None
    elif instruction.heredocs and is_marker(instruction.text):
        edit = _into_heredoc(run, context, command)
    else:
        edit = _behind_line(run, context, command)
    return Fix((edit,), safe) if edit else None


def replace(context: Context, word: Word, text: str, *, safe: bool = True) -> Fix | None:
    """Put a text in place of a word of an instruction that is no shell's, one that stands as it is read."""
    if context.dockerfile.source.text[word.start : word.end] != word.value:
        return None
    return Fix((Edit(word.start, word.end, text),), safe)


def keyword(word: Word, text: str) -> Edit:
    """Another keyword in the same case."""
    return Edit(word.start, word.end, text.lower() if word.value.islower() else text)


def _as_read(run: Run, context: Context, word: Word) -> str | None:
    """`json` or `shell`, where a word stands in the file as it is read, perhaps in quotes; None where it does not."""
    value, text = word.value, context.dockerfile.source.text[word.start : word.end]
    if run.shell.is_windows or not _PLAIN.fullmatch(value):
        return None
    if any((each.start, each.end) == (word.start, word.end) for each in run.instruction.json or ()):
        return "json" if text == f'"{value}"' else None
    return "shell" if text in (value, f'"{value}"', f"'{value}'") else None


def _sudo(run: Run, like: Spanned) -> str | None:
    """`sudo `, '' without one, None where it has options that change whom it runs as."""
    for command, name in run.named_commands:
        if name == "sudo" and command.start < like.start < command.end:
            first = command.args[0].value if command.args else ""
            return "sudo " if first[:1] != "-" or first in _SUDO_FLAGS else None
    return ""


def _into_string(run: Run, context: Context, command: str) -> Edit | None:
    """At the end of the string of `["sh", "-c", "…"]`."""
    words = run.instruction.json or ()
    index = script_argument(words)
    if not index:
        return None
    word = words[index]
    script = word.value.rstrip()
    if script != word.value or script.endswith(";") or _OPEN_END.search(script) or _LEAVES.search(script):
        return None
    return Edit(word.end - 1, word.end - 1, f" && {command}")


def _into_heredoc(run: Run, context: Context, command: str) -> Edit | None:
    """Behind the last line of a body: below it when errors end the script, else joined to it."""
    heredoc = run.instruction.heredocs[0]
    body = context.dockerfile.source.text[heredoc.start : heredoc.end].rstrip()
    start = heredoc.start + body.rfind("\n") + 1
    at = heredoc.start + len(body)
    last = body[start - heredoc.start :]
    if _OPEN_END.search(last) or last.endswith(";"):
        return None
    if _ERREXIT.search(body) or any(re.match("-[A-Za-df-z]*e", word) for word in run.shell.words[1:]):
        newline = "\r\n" if context.dockerfile.source.text.startswith("\r", at) else "\n"
        return Edit(at, at, newline + _indent(last) + command)
    ends_command = any(start < each.end <= at for each in run.script.commands)
    return Edit(at, at, f" && {command}") if ends_command or _CLOSES.fullmatch(last) else None


def _behind_line(run: Run, context: Context, command: str) -> Edit | None:
    """At the end of the shell form, in the way in which its lines are joined already."""
    line = Joined(run.instruction.text, run.instruction.segments)
    script = line.text.rstrip()
    while script.endswith(";") and not script.endswith((";;", "\\;")):
        script = script[:-1].rstrip()
    if not script or _OPEN_END.search(script):
        return None
    at = line.end(len(script))
    source, escape = context.dockerfile.source.text, context.dockerfile.escape
    lines = source[source.rfind("\n", 0, run.start) + 1 : at].split("\n")
    if len(lines) == 1:
        return Edit(at, at, f" && {command}")
    behind = " " + escape + ("\r\n" if lines[-2].endswith("\r") else "\n")
    code = [each for each in lines if each.strip()[:1] not in ("", "#")]
    leading = [each for each in code[1:] if each.lstrip(" \t").startswith("&&")]
    trailing = _trailing(escape)
    following = [after for each, after in pairwise(code) if trailing.search(each)]
    if following and not leading:
        return Edit(at, at, f" &&{behind}{_indent(following[-1])}{command}")
    return Edit(at, at, f"{behind}{_indent((leading or code)[-1])}&& {command}")


@cache
def _trailing(escape: str) -> re.Pattern[str]:
    """The `&&` at the end of a line that goes on."""
    return lazy(rf"&&[ \t]*{re.escape(escape)}[ \t\r]*")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
