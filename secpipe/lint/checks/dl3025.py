"""DL3025: CMD, ENTRYPOINT and HEALTHCHECK in the shell form."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Fix, Found, between, check
from secpipe.lint.execform import exec_form, is_binary
from secpipe.lint.image import official, split
from secpipe.lint.scope import Context

_WITHOUT_ENTRYPOINT = frozenset(
    {
        "almalinux",
        "alpine",
        "amazonlinux",
        "archlinux",
        "buildpack-deps",
        "busybox",
        "centos",
        "clojure",
        "debian",
    }
    | {
        "elixir",
        "erlang",
        "fedora",
        "gcc",
        "golang",
        "haskell",
        "julia",
        "openjdk",
        "oraclelinux",
        "perl",
        "pypy",
    }
    | {"python", "rockylinux", "ruby", "rust", "swift", "ubuntu"}
)
"""Official images whose configuration has none."""


@check("CMD", "ENTRYPOINT", "HEALTHCHECK")
def shell_form(instruction: Instruction, context: Context) -> Iterator[Found]:
    """Anything but a JSON array of strings."""
    words = instruction.words
    if instruction.keyword == "HEALTHCHECK":
        if not words or words[0].value.upper() != "CMD":
            return
        words = words[1:]
    if instruction.json is None and words:
        message = f"Write the arguments of {instruction.keyword} as a JSON array"
        yield between(words[0], words[-1]), message, _fix(instruction, context)


def _fix(instruction: Instruction, context: Context) -> Fix | None:
    """The exec form, where a shell would only start one program."""
    edits = exec_form(instruction, context)
    return Fix(edits, is_binary(edits) and _is_alone(instruction, context)) if edits else None


def _is_alone(instruction: Instruction, context: Context) -> bool:
    """Whether ENTRYPOINT and CMD do not meet: one gets the other's words as arguments, which it was not given before.

    ENTRYPOINT drops the CMD of the base image; whether that has an ENTRYPOINT is known of few.
    """
    if instruction.keyword == "HEALTHCHECK":
        return True
    stage = context.dockerfile.stages[instruction.stage] if instruction.stage >= 0 else None
    other = "CMD" if instruction.keyword == "ENTRYPOINT" else "ENTRYPOINT"
    if stage is None or context.has(stage.index, other):
        return False
    image = split(stage.resolved or stage.base.value).name
    return other == "CMD" or (stage.parent is None and official(image) in _WITHOUT_ENTRYPOINT)
