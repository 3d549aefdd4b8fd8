"""From the shell form to the exec form, where a shell has nothing to do but to start one program.

Source: the Dockerfile reference; POSIX.1-2024, Shell Command Language, for what a shell would do itself.
"""

from __future__ import annotations

import json
import re

from secpipe.dockerfile.ast import Instruction
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.wrappers import is_shell
from secpipe.lint.check import Edit
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_PLAIN = r"[A-Za-z0-9_./:=@%+,-]"
_NEVER = "\x00-\x1f\x7f\ud800-\udfff\ufffd"
"""What JSON cannot hold as it is, or what was no text to begin with."""
_WORD = lazy(rf"(?:{_PLAIN}|'[^'\\{_NEVER}]*'|\"[^\"$`\\!{_NEVER}]*\")+")
_QUOTED = lazy(r"'([^']*)'|\"([^\"]*)\"")
_BLANKS = lazy(r"[ \t]+")
_NEEDS_SHELL = lazy(
    r"alias|bg|break|case|cd|command|continue|do|done|echo|elif|else|esac|eval|exec|exit|export|fc|fg|fi|for|function|getopts"
    r"|hash|if|in|jobs|let|local|read|readonly|return|select|set|shift|shopt|source|then|times?|trap|type|ulimit|umask"
    r"|unalias|unset|until|wait|while|\.|:"
)
"""Keywords, and built-in commands that are no programs, act upon the shell, or differ from the program of that name."""
_SYSTEM = lazy(r"(?:/usr(?:/local)?)?(?:/s?bin/)?[^/]+")
_HARMLESS = lazy(r"-[ceux]+|-[eux]*o|pipefail")
"""Options of a shell that make no difference to a single command."""


def exec_form(instruction: Instruction, context: Context) -> tuple[Edit, ...] | None:
    """The edits that put each argument of a CMD, ENTRYPOINT or HEALTHCHECK CMD in quotes; None when a shell is needed.

    Every word is edited by itself, so that continuation lines and the comments between them stay.
    """
    shell = context.scope.shell.words
    if shell and not (is_shell(shell[0]) and all(map(_HARMLESS.fullmatch, shell[1:]))):
        return None
    line = Joined(instruction.text, instruction.segments)
    at = 0
    if instruction.keyword == "HEALTHCHECK":
        at = len(line.text) - len(line.text[3:].lstrip())
    words = _words(line.text, at)
    # `exec` is what the exec form does by itself.
    begin = at
    if len(words) > 1 and line.text[slice(*words[0])] == "exec":
        begin, words = words[0][0], words[1:]
    elif words:
        begin = words[0][0]
    if not words or not _is_program(line.text[slice(*words[0])]):
        return None
    source = context.dockerfile.source.text
    edits: list[Edit] = []
    for start, end in words:
        word = line.word(start, end)
        if source[word.start : word.end] != word.value:
            return None
        text = json.dumps(_QUOTED.sub(r"\1\2", word.value), ensure_ascii=False)
        edits.append(Edit(word.start, word.end, text + ","))
    first = edits[0]
    if source[line.start(begin) : first.start].strip(" \t") not in ("", "exec"):
        return None
    edits[0] = Edit(line.start(begin), first.end, "[" + first.text)
    edits[-1] = edits[-1]._replace(text=edits[-1].text[:-1] + "]")
    return tuple(edits)


def is_binary(words: tuple[Edit, ...]) -> bool:
    """Whether the program is certainly none that only a shell can start, as a script without `#!` is."""
    name = json.loads(words[0].text.strip("[,]"))
    return _SYSTEM.fullmatch(name) is not None and not name.endswith(".sh")


def _words(text: str, at: int) -> list[tuple[int, int]]:
    """The spans of the words, none when there is anything that a shell gives a meaning."""
    words: list[tuple[int, int]] = []
    end = len(text.rstrip(" \t"))
    while at < end:
        word = _WORD.match(text, at, end)
        if not word:
            return []
        words.append(word.span())
        blanks = _BLANKS.match(text, word.end(), end)
        if not blanks and word.end() < end:
            return []
        at = blanks.end() if blanks else end
    return words


def _is_program(name: str) -> bool:
    return "=" not in name and not _NEEDS_SHELL.fullmatch(name) and bool(re.fullmatch(rf"{_PLAIN}+", name))
