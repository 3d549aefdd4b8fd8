"""ShellCheck's view of a Dockerfile: the scripts to give it, and its comments brought back to their places.

Each RUN, also one in an ONBUILD, is one script: what the shell is handed, below a header that names the dialect, the
shell's `-e`, and the ARG and ENV in force, so that they are no unknown variables. They are set to a word without blanks:
what a build puts in them is the author's choice, and a warning at every use would drown the rest.

Source: shellcheck(1) 0.11. Its programs run elsewhere (`secpipe.pipeline.shellcheck`); nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from secpipe.dockerfile.ast import Dockerfile
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.pragma import Pragmas
from secpipe.lint.check import Span
from secpipe.lint.engine import Reporter, runs
from secpipe.lint.options import Options
from secpipe.lint.run import Run
from secpipe.lint.shell import Shell
from secpipe.model.lint import LintFinding
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy
from secpipe.model.severity import Level

EXCLUDED = ("SC1090", "SC1091", "SC2187")
"""Files that only the image has, and the dialect of ash, which is settled here."""

_DIALECTS = {"sh": "sh", "bash": "bash", "dash": "dash", "ksh": "ksh", "ash": "busybox", "busybox": "busybox"}
_PREDEFINED = (
    *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"),
)
"""ARG that every build has."""
_SHEBANG = lazy(r"#![ \t]*(\S+)(?:[ \t]+(?:-S[ \t]*)?(\S+))?[^\n]*\n?")
_NAME = lazy(r"[A-Za-z_][A-Za-z0-9_]*")
_ERREXIT = lazy(r"-[A-Za-df-z]*e")


class ShellScript(NamedTuple):
    """One script: `text` is what ShellCheck is given, of which `header` lines are ours and `body` the rest."""

    text: str
    header: int
    body: Joined


class Comment(NamedTuple):
    """What ShellCheck says: lines and columns from 1, the end exclusive, in a script as it was given."""

    line: int
    column: int
    end_line: int
    end_column: int
    level: str
    code: int
    message: str


def scripts(dockerfile: Dockerfile, pragmas: Pragmas, options: Options) -> list[ShellScript]:
    """The scripts of a file that are in a dialect of ShellCheck's."""
    if not options.may_want_any("SC"):
        return []
    return [script for run in runs(dockerfile, pragmas) for script in _scripts(run)]


def findings(
    dockerfile: Dockerfile,
    pragmas: Pragmas,
    commented: Iterable[tuple[ShellScript, Iterable[Comment]]],
    options: Options,
) -> list[LintFinding]:
    """The findings in one file that ShellCheck's comments on its scripts are, sorted."""
    reporter = Reporter(dockerfile, pragmas, options)
    for script, comments in commented:
        starts = list(accumulate((len(line) + 1 for line in script.body.text.split("\n")), initial=0))
        for comment in comments:
            if comment.line > script.header:
                span = _span(comment, script, starts)
                level = Level[comment.level.upper()]
                reporter.add(f"SC{comment.code}", level, True, span, comment.message)
    return reporter.findings()


def _scripts(run: Run) -> Iterator[ShellScript]:
    """What the shell of a RUN is given, and the heredocs that go to a shell within."""
    given = [(run.text, run.shell)] if run.text else []
    for body, shell in (*given, *run.fed):
        script = _script(body, shell, run)
        if script:
            yield script


def _script(body: Joined, shell: Shell, run: Run) -> ShellScript | None:
    dialect = _dialect(shell)
    if dialect is None or not body.text.strip():
        return None
    errexit = any(_ERREXIT.match(word) for word in shell.words[1:])
    if shebang := _SHEBANG.match(body.text):
        program, argument = shebang.groups()
        told = Shell((argument,)) if program.endswith("/env") and argument else Shell((program,))
        dialect, errexit = _dialect(told), bool(argument and _ERREXIT.match(argument))
        if dialect is None:
            return None
        body = body.slice(shebang.end())
    words = set(_NAME.findall(body.text))
    declared = sorted(word for word in words if word in _PREDEFINED or word in run.variables)
    header = [
        f"#!/bin/{'sh' if dialect == 'busybox' else dialect}{' -e' if errexit else ''}",
        f"# shellcheck shell={dialect}",
        *([f"export {' '.join(f'{name}=1' for name in declared)}"] if declared else []),
    ]
    return ShellScript("\n".join([*header, body.text]), len(header), body)


def _dialect(shell: Shell) -> str | None:
    return _DIALECTS.get(shell.program)


def _span(comment: Comment, script: ShellScript, starts: list[int]) -> Span:
    def offset(line: int, column: int) -> int:
        index = min(line - script.header, len(starts) - 1) - 1
        return min(starts[index] + column - 1, len(script.body.text))

    start = offset(comment.line, comment.column)
    end = max(start, offset(comment.end_line, comment.end_column))
    word = script.body.word(start, end)
    return Span(word.start, word.end)
