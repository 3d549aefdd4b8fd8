"""The examples of a rule: Dockerfiles that keep it and Dockerfiles that break it. They are its tests as well."""

from __future__ import annotations

from dataclasses import dataclass

from secpipe.lint.rules import document


@dataclass(frozen=True, slots=True)
class BadExample:
    """A Dockerfile that breaks the rule, and where: `line:column-line:column`, the end exclusive."""

    dockerfile: str
    at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """What keeps a rule and what breaks it."""

    good: tuple[str, ...]
    bad: tuple[BadExample, ...]


def examples(code: str) -> Examples:
    """The examples of one rule. Raises `SecpipeError` when its file is missing or broken."""
    found = document(code)["examples"]
    return Examples(
        tuple(found["good"]),
        tuple(BadExample(bad["dockerfile"], tuple(bad["at"])) for bad in found["bad"]),
    )
