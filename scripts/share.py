"""Writes share/ from the commands' own definitions: `python scripts/share.py [FOLDER]`, or `make docs`.

A wheel carries the folder to where systems look: the manual page, in the language of man(7) as groff and mandoc read it,
and what shells load to complete a command line. A test fails when it is stale.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from secpipe import __version__
from secpipe.cli._complete import VARIABLE
from secpipe.cli.app import build

TARGET = Path(__file__).parents[1] / "share"
_SUMMARY = "lint Dockerfiles and scan container images"
# zsh loads the file as the function that completes; typer's script, meant for .zshrc, would only define one.
_ZSH = f"""\
#compdef secpipe
eval $(env _TYPER_COMPLETE_ARGS="${{words[1,$CURRENT]}}" {VARIABLE}=complete_zsh secpipe)
"""
_CODES = (
    ("0", "Clean: everything was examined, nothing at or above the gate."),
    ("1", "The gate failed: findings at or above it."),
    ("2", "Usage or configuration error."),
    (
        "3",
        "Could not decide: what had to be read could not be, or advisories are missing, stale or incomplete.",
    ),
)
_VARIABLES = (
    ("SECPIPE_CONFIG", "The configuration file."),
    ("SECPIPE_LINT_KEY", "A key of that configuration, such as `SECPIPE_LINT_IGNORE=DL3008,SC1`."),
    ("SECPIPE_SCAN_KEY", "A key of its section scan, such as `SECPIPE_SCAN_FAIL_ON=high,fixable`."),
    ("SECPIPE_DB", "The advisory database."),
    ("SECPIPE_DB_URL", "A mirror of the OSV feed."),
    ("SECPIPE_CACHE", "The folder of the database and of what earlier runs left for later ones."),
    ("SECPIPE_USERNAME, SECPIPE_PASSWORD", "Credentials for the registry."),
    ("SECPIPE_TRUSTED_HOSTS", "Token services on other domains that may have them."),
    ("REGISTRY_AUTH_FILE", "The credentials file to look into."),
    ("NO_COLOR", "No colours."),
    ("SOURCE_DATE_EPOCH", "When a list of packages says that it was made."),
)
_FILES = (
    (
        ".secpipe.yaml, pyproject.toml, .hadolint.yaml",
        "Configuration, searched up to the root of the repository.",
    ),
    (
        "~/.cache/secpipe",
        "The database and what earlier runs left, where the platform has no other place for it.",
    ),
)
_EXAMPLES = (
    ("secpipe lint .", "Lint every Dockerfile below the current folder."),
    ("secpipe db update Debian PyPI", "Fetch advisories."),
    ("secpipe scan --fail-on high python:3.12-slim", "Scan an image, straight from its registry."),
)
_SPECIAL = {"\\": "\\e", "-": "\\-", "`": "\\(ga", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti"}


def contents() -> dict[str, str]:
    """Every file of the folder by its path."""
    from typer.completion import get_completion_script

    scripts = {
        path: get_completion_script(prog_name="secpipe", complete_var=VARIABLE, shell=shell) + "\n"
        for shell, path in (
            ("bash", "bash-completion/completions/secpipe"),
            ("fish", "fish/vendor_completions.d/secpipe.fish"),
        )
    }
    scripts["zsh/site-functions/_secpipe"] = _ZSH
    return {"man/man1/secpipe.1": page(), **scripts}


def page() -> str:
    """The whole manual page; the same for the same definitions, whatever the terminal."""
    os.environ["COLUMNS"] = "80"
    root = typer.main.get_command(build([]))
    context = root.make_context("secpipe", [], resilient_parsing=True)
    lines = [
        '.\\" Written by `make docs` from the definitions of the commands.',
        f'.TH SECPIPE 1 "" "secpipe {__version__}" "User Commands"',
        # Neither hyphens nor stretched lines: what is shown is copied.
        ".nh",
        ".ad l",
        ".SH NAME",
        f"secpipe \\- {_SUMMARY}",
        ".SH SYNOPSIS",
        "\\fBsecpipe\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
        *_paragraphs(root.help or ""),
        ".SH OPTIONS",
        *_parameters(root, context),
        ".SH COMMANDS",
    ]
    for name, command in sorted(_commands(root, ())):
        lines += _command(name, command, context)
    lines += [".SH EXIT STATUS", *_pairs(_CODES), ".SH ENVIRONMENT", *_pairs(_VARIABLES)]
    lines += [".SH FILES", *_pairs(_FILES), ".SH EXAMPLES"]
    for words, text in _EXAMPLES:
        lines += [".TP", f"\\fB{_escaped(words)}\\fR", _text(text)]
    lines += [".SH SEE ALSO", "\\fBpodman\\fR(1), \\fBcontainers\\-registries.conf\\fR(5)"]
    return "\n".join(lines) + "\n"


def _commands(group: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that name it."""
    for name, command in getattr(group, "commands", {}).items():
        words = (*above, name)
        if getattr(command, "commands", None):
            yield from _commands(command, words)
        elif not command.hidden:
            yield words, command


def _command(name: tuple[str, ...], command: Any, above: Any) -> Iterator[str]:
    context = command.make_context(name[-1], [], parent=above, resilient_parsing=True)
    usage = " ".join(_bare(piece) for piece in command.collect_usage_pieces(context))
    yield f".SS \\fBsecpipe {_escaped(' '.join(name))}\\fR {_escaped(usage)}"
    yield from _paragraphs(command.help or "")
    yield from _parameters(command, context)


def _parameters(command: Any, context: Any) -> Iterator[str]:
    # `--help` is said once, for all of them.
    asked = [each for each in command.get_params(context) if each.name != "help" or not context.parent]
    records = [parameter.get_help_record(context) for parameter in asked]
    for names, text in filter(None, records):
        yield ".TP"
        yield f"\\fB{_escaped(_bare(names))}\\fR"
        yield _text(text) or "\\&"


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, text in pairs:
        yield from (".TP", f"\\fB{_escaped(name)}\\fR", _text(text))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        yield _text(paragraph)


def _bare(names: str) -> str:
    """Without the braces and angles that the help puts around a required argument and a type."""
    return re.sub(r"[{}]", "", names)


def _text(text: str) -> str:
    """Running text: one line, what stands between backticks in bold."""
    pieces = re.split(r"`([^`]*)`", " ".join(text.split()))
    shown = [
        f"\\fB{_escaped(each)}\\fR" if number % 2 else _escaped(each) for number, each in enumerate(pieces)
    ]
    line = "".join(shown)
    return f"\\&{line}" if line[:1] in (".", "\\") and not line.startswith("\\f") else line


def _escaped(text: str) -> str:
    return "".join(
        _SPECIAL.get(character, character) if character < "\x7f" else f"\\[u{ord(character):04X}]"
        for character in text
    )


def main(folder: Path) -> None:
    """Write the files."""
    for path, text in contents().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
