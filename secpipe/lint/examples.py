"""The examples of a rule: Dockerfiles that keep it and Dockerfiles that break it. They are its tests as well."""

from __future__ import annotations

from msgspec import Struct

from secpipe.lint.options import Options
from secpipe.lint.rules import document


class BadExample(Struct, frozen=True):
    """A Dockerfile that breaks the rule, and where: `line:column-line:column`, the end exclusive.

    `fixed` is what the rule's own fixes, unsafe ones included, make of it; None when that is not said.
    """

    dockerfile: str
    at: tuple[str, ...]
    fixed: str | None = None


class Examples(Struct, frozen=True):
    """What keeps a rule and what breaks it, with these options."""

    options: Options
    good: tuple[str, ...]
    bad: tuple[BadExample, ...]


def examples(code: str) -> Examples:
    """The examples of one rule. Raises `SecpipeError` when its file is missing or broken."""
    found = document(code)["examples"]
    settings = {name.replace("-", "_"): value for name, value in found.get("options", {}).items()}
    return Examples(
        Options(extend_select=frozenset({code}), **settings),
        tuple(found["good"]),
        tuple(BadExample(bad["dockerfile"], tuple(bad["at"]), bad.get("fixed")) for bad in found["bad"]),
    )
