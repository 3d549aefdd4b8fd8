"""SP3002: everything is copied before the dependencies are installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.installs import from_manifest
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_TOOLS = lazy(
    r"\b(npm|yarn|pnpm|bun|pip|poetry|pipenv|uv|bundle|composer|go|cargo|mvn|dotnet|mix)w?[\d.]*(?:\s+-\S{1,60}){0,8}"
    r"\s+(?:install|i|ci|clean-install|sync|fetch|update|mod\s+download|restore|deps\.get|dependency:\S+)\b|\b(yarn|bundle)(?=\s*(?:$|[&|;\\]|-))"
)


@check("RUN")
def copied_too_early(run: Run, context: Context) -> Iterator[Found]:
    """The first install from a manifest of its tool in the stage, behind a COPY of the whole context."""
    copied, first = _stage(context, run.instruction.stage)
    if not copied or copied.start > run.start:
        return
    seen: set[str] = set()
    for command, name in run.named_commands:
        install = from_manifest(command, name)
        if install and install.tool not in seen and first.get(install.tool, run.start) == run.start:
            seen.add(install.tool)
            line = context.dockerfile.source.region(copied.start, copied.start).line
            yield (
                command,
                f"Every change of a file repeats {quoted(install.tool)}: copy {install.manifests} first, "
                f"and everything (line {line}) behind this",
            )


@lru_cache(maxsize=1)
def _stage(context: Context, index: int) -> tuple[Instruction | None, Mapping[str, int]]:
    """The first COPY of the whole context in a stage, and where each tool is first seen to install."""
    instructions = context.instructions(index)
    copies = [each for each in instructions if each.keyword in ("COPY", "ADD")]
    copied = next(filter(_copies_all, copies), None)
    first: dict[str, int] = {}
    source = context.dockerfile.source.text
    for instruction in instructions if copied else ():
        if instruction.keyword == "RUN":
            for match in _TOOLS.finditer(source, instruction.start, instruction.end):
                first.setdefault(match[1] or match[2], instruction.start)
    return copied, first


def _copies_all(copy: Instruction) -> bool:
    return any(word.value in (".", "./", "./.") for word in copy.words[:-1]) and not copy.flag("from")
