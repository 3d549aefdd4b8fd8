"""The commands of a RUN, CMD, ENTRYPOINT or HEALTHCHECK, each word at its place in the Dockerfile.

The text is what BuildKit hands to the shell: continuations joined, comment lines dropped, and for heredocs either the
body alone (`RUN <<EOF`) or the command with the bodies below it. It is read as bash, whatever SHELL says, as hadolint
reads it. A body whose `#!` names another interpreter is no shell. The exec form is one command; the string of
`["sh", "-c", "…"]` gives its commands too, as that of `sh -c '…'` in the shell form does.
"""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Heredoc, Instruction, Source, Word
from secpipe.dockerfile.bash import Parsed, parse
from secpipe.dockerfile.heredoc import is_marker
from secpipe.dockerfile.joined import Joined, join
from secpipe.dockerfile.jsonform import string_spans, string_text
from secpipe.dockerfile.wrappers import is_shell, script_argument
from secpipe.model.limits import Limits
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_RUNS = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"})
_SHEBANG = lazy(r"#![ \t]*(\S+)(?:[ \t]+(?:-S[ \t]*)?(\S+))?")


class Command(NamedTuple):
    """A simple command. Quotes and escapes are gone from `name` and `args`; `$v`, `${v}` and `$(…)` stay as written.

    Assignments before the name and redirections are no part of it. `command`, `exec`, `builtin`, `busybox`, `time`,
    `nohup` and `env` give way to the command behind them; `sudo` is a command itself, and the one behind it follows.
    """

    name: Word
    args: tuple[Word, ...]
    start: int
    end: int

    def flag(self, *names: str) -> Word | None:
        """The first argument that gives one of these flags, named without dashes.

        `--yes` and `--yes=x` give `yes`; `-qqy` gives `q` and `y`, but also `qqy`, for `wget -nv` is one flag; `-oA::B=c`
        gives `o`.
        """
        for arg in self.args:
            value = arg.value
            if value == "--":
                break
            if value.startswith("--"):
                if value[2:].partition("=")[0] in names:
                    return arg
            elif value.startswith("-") and len(value) > 1:
                body = value[1:].partition("=")[0]
                if body in names or any(char in names for char in (body if body.isalnum() else body[:1])):
                    return arg
        return None

    def any(self, *values: str) -> Word | None:
        """The first argument that is one of `values`."""
        for arg in self.args:
            if arg.value in values:
                return arg
        return None

    def positional(self, *valued_flags: str) -> tuple[Word, ...]:
        """The arguments that are no flags.

        `valued_flags`, with their dashes (`-t`, `--target-release`), take the next argument as their value, which is
        dropped with them. Behind `--` everything is an argument; `-` alone is one.
        """
        found: list[Word] = []
        args = iter(self.args)
        for arg in args:
            if arg.value == "--":
                found.extend(args)
            elif arg.value in valued_flags:
                next(args, None)
            elif not arg.value.startswith("-") or arg.value == "-":
                found.append(arg)
        return tuple(found)


class Script(NamedTuple):
    """The commands of an instruction in source order.

    `pipelines` are the places of those with two commands or more, also in the string of a `sh -c` and in a heredoc that
    a shell reads, whose options are its own; `fed` are those heredocs: start, end and the shell. `complete` is False when
    the text had syntax errors; the commands outside of them are there all the same. `text` is the text that was read.
    `limit` is the name of the bound that kept a part from being read, '' for none.
    """

    commands: tuple[Command, ...]
    pipelines: tuple[tuple[int, int], ...]
    complete: bool
    text: str
    limit: str = ""
    fed: tuple[tuple[int, int, Command], ...] = ()


_LIMITS = Limits()
_LEAST, _ERRORS_TIMES_FILE = 1 << 9, 1 << 28
"""Bytes with errors that are read in one whatever the size of the file, and their product with that, from 32 KiB on."""
_EMPTY = Script((), (), True, "")


def script(instruction: Instruction, source: Source, limits: Limits = _LIMITS) -> Script:
    """The commands of an instruction, of the trigger of an ONBUILD; empty for one that runs nothing. Never raises.

    Nothing is cached: the caller keeps what it needs twice.
    """
    instruction = instruction.trigger or instruction
    if instruction.keyword not in _RUNS:
        return _EMPTY
    line = Joined(instruction.text, instruction.segments)
    if instruction.keyword == "HEALTHCHECK":
        if not instruction.words or instruction.words[0].value.upper() != "CMD":
            return _EMPTY
        behind = len(line.text) - len(line.text[3:].lstrip())
        line = line.slice(behind)
    if instruction.json is not None:
        return _exec_form(instruction.json, line, _scaled(limits, source, len(line.text)))
    text = _with_heredocs(instruction, line, source)
    if text is None:
        return _EMPTY
    parsed = parse(text, _scaled(limits, source, len(text.text)))
    return _script(parsed, text.text)


def _scaled(limits: Limits, source: Source, length: int) -> Limits:
    """The limits for a script of a file: many of them with errors together take no longer than a few."""
    room = max(_LEAST, _ERRORS_TIMES_FILE // max(1, len(source.text)))
    if room >= min(length, limits.script_error_bytes):
        return limits

    return limits._replace(script_error_bytes=room)


def shell_text(instruction: Instruction, source: Source) -> Joined | None:
    """The text that the shell of a RUN is given to read, each character at its place; None when no shell reads it."""
    if instruction.json is not None:
        return None
    return _with_heredocs(instruction, Joined(instruction.text, instruction.segments), source)


def heredoc_text(heredoc: Heredoc, source: Source) -> Joined:
    """The body of a heredoc as its reader gets it, at its places in the file."""
    return join(_body(heredoc, source))


def _script(parsed: Parsed, text: str) -> Script:
    commands = tuple(map(_command, parsed.commands))
    fed = tuple((start, end, _command(words)) for start, end, words in parsed.fed)
    return Script(commands, parsed.pipelines, parsed.complete, text, parsed.limit, fed)


def _command(words: tuple[Word, ...]) -> Command:
    return Command(words[0], words[1:], words[0].start, words[-1].end)


def _exec_form(words: tuple[Word, ...], line: Joined, limits: Limits) -> Script:
    """The strings are the command; the string behind a shell's `-c` is a script of its own."""
    if not words:
        return _EMPTY
    parsed = Parsed((words,), (), True)
    index = script_argument(words)
    if index:
        start, end = string_spans(line)[index]
        inner = parse(string_text(line, start + 1, end - 1), limits)
        parsed = Parsed((words, *inner.commands), inner.pipelines, inner.complete, inner.limit, inner.fed)
    return _script(parsed, " ".join(word.value for word in words))


def _with_heredocs(instruction: Instruction, line: Joined, source: Source) -> Joined | None:
    """What the shell is given to read, None when it is for another interpreter."""
    heredocs = instruction.heredocs
    if not heredocs:
        return line
    if is_marker(line.text):
        body = heredoc_text(heredocs[0], source)
        shebang = _SHEBANG.match(body.text)
        if not shebang:
            return body
        program, argument = shebang.groups()
        return body if is_shell(argument if argument and program.endswith("/env") else program) else None
    pieces = list(line.pieces())
    for heredoc in heredocs:
        # The terminator's own place does not matter, only that it is there.
        pieces += ((heredoc.start, "\n"), *_body(heredoc, source), (heredoc.end, heredoc.delimiter))
    return join(pieces)


def _body(heredoc: Heredoc, source: Source) -> Iterator[tuple[int, str]]:
    """The lines of a heredoc as BuildKit hands them on, line ends made LF."""
    start, text = heredoc.start, source.text[heredoc.start : heredoc.end]
    if not heredoc.strip_tabs and "\r" not in text:
        yield start, text
        return
    for line in text.split("\n"):
        content = line.rstrip("\r")
        kept = content.lstrip("\t") if heredoc.strip_tabs else content
        yield start + len(content) - len(kept), kept
        start += len(line) + 1
        if start <= heredoc.end:
            yield start - 1, "\n"
