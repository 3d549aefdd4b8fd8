"""The options of `secpipe lint` that choose and tune rules, and the settings that they make.

hadolint's options are here in its own spelling, so that a command line works once the program's name is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from secpipe.cli import _complete
from secpipe.config.own import LINT, from_nodes, mapping
from secpipe.config.search import here
from secpipe.config.settings import LintSettings
from secpipe.documents.node import Node
from secpipe.errors import UsageError

_CODES = "CODE[,CODE...]"

FormatsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        autocompletion=_complete.formats,
        help="Report on stdout: tty, json, sarif and others, or template:FILE; repeatable with --output. [default: tty]",
        show_default=False,
    ),
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=_CODES,
        autocompletion=_complete.codes,
        help="Only these rules: codes, their beginnings (DL30, SC), default, hadolint or all; repeatable.",
        show_default=False,
    ),
]
ExtendSelectOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=_CODES,
        autocompletion=_complete.codes,
        help="These rules besides; repeatable.",
        show_default=False,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=_CODES,
        autocompletion=_complete.codes,
        help="Leave out rules; repeatable.",
        show_default=False,
    ),
]
ErrorOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=_CODES,
        autocompletion=_complete.codes,
        help="Give rules the level error; repeatable.",
        show_default=False,
    ),
]
WarningOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=_CODES,
        autocompletion=_complete.codes,
        help="Give rules the level warning; repeatable.",
        show_default=False,
    ),
]
InfoOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=_CODES,
        autocompletion=_complete.codes,
        help="Give rules the level info; repeatable.",
        show_default=False,
    ),
]
StyleOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar=_CODES,
        autocompletion=_complete.codes,
        help="Give rules the level style; repeatable.",
        show_default=False,
    ),
]
TrustedRegistryOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REGISTRY",
        help="Images may come from here, and no more from anywhere; repeatable.",
        show_default=False,
    ),
]
RequireLabelOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL:TYPE",
        help="A label that images need: text, url, email, rfc3339, semver, hash or spdx; repeatable.",
        show_default=False,
    ),
]
StrictLabelsOption = Annotated[
    bool, typer.Option("--strict-labels", help="No labels but those that are required.")
]
DisableIgnorePragmaOption = Annotated[
    bool, typer.Option("--disable-ignore-pragma", help="Heed no comment that ignores a rule.")
]
ThresholdOption = Annotated[
    str | None,
    typer.Option(
        "--failure-threshold",
        "-t",
        metavar="LEVEL",
        help="Exit 1 on findings of this level or worse: error, warning, info, style, or none for any. "
        "All are reported in any case. [default: info]",
        show_default=False,
    ),
]
NoFailOption = Annotated[
    bool, typer.Option("--no-fail", help="Exit 0 in spite of findings; not of errors and gaps.")
]
ShellCheckOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Check the shell in RUN with ShellCheck: auto (when it is installed), on or off. [default: auto]",
        show_default=False,
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Processes at most.  [default: one a core]", show_default=False),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Leave out of the search of folders, as .gitignore does; repeatable.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration, ours or hadolint's, instead of searching. [env var: SECPIPE_CONFIG]",
        show_default=False,
    ),
]
NoConfigOption = Annotated[bool, typer.Option("--no-config", help="Read no configuration file.")]
FilePathOption = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="What reports call the file that is linted.", show_default=False),
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Lint every file anew and remember nothing of it.")
]
NoColorOption = Annotated[bool, typer.Option("--no-color", help="No colours. [env var: NO_COLOR]")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-V", help="Say on stderr which configuration is in effect.")
]


def flag_settings(
    lists: dict[str, list[str] | None],
    values: dict[str, str | int | bool | None],
    levels: dict[str, list[str] | None],
    labels: list[str] | None,
) -> LintSettings:
    """The settings of options: `lists` and `values` by the keys of the configuration, `levels` the codes of each level.

    Patterns are relative to the current folder. Raises `UsageError`, which calls the option by its name.
    """
    found = {
        key: Node(text := str(value), text, f"--{key}")
        for key, value in values.items()
        if value not in (None, False)
    }
    for key, given in lists.items():
        if given:
            name = "--trusted-registry" if key == "trusted-registries" else f"--{key}"
            found[key] = _list(given if key == "exclude" else _codes(given), name)
    # Of several levels for one rule the worst holds, as with hadolint.
    levelled = {
        code: Node(level, level, f"--{level}")
        for level, given in levels.items()
        for code in _codes(given or [])
    }
    if levelled:
        found["levels"] = Node(levelled, "", "--error")
    if labels:
        for label in labels:
            if ":" not in label:
                raise UsageError(
                    f"--require-label {label}: no type", "write --require-label NAME:TYPE, such as x:text"
                )
        found["label-schema"] = mapping(labels, "--require-label")
    assert found.keys() <= LINT.keys()
    return from_nodes(found, str(here()))


def _codes(values: Iterable[str]) -> list[str]:
    return [code.strip() for value in values for code in value.split(",") if code.strip()]


def _list(values: Iterable[str], name: str) -> Node:
    return Node(tuple(Node(value, value, name) for value in values), "", name)
