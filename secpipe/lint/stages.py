"""What build stages pass on to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from secpipe.dockerfile.ast import Dockerfile, Instruction
from secpipe.dockerfile.mounts import mounts


def inheriting(dockerfile: Dockerfile, having: Iterable[int]) -> set[int]:
    """The stages that have something, and those based on them."""
    found = set(having)
    for stage in dockerfile.stages:
        if stage.parent in found:
            found.add(stage.index)
    return found


def leading_to(dockerfile: Dockerfile, having: Iterable[int]) -> set[int]:
    """The stages that have something, and those that they are based on."""
    found = set(having)
    for stage in reversed(dockerfile.stages):
        if stage.index in found and stage.parent is not None:
            found.add(stage.parent)
    return found


def serving_only(dockerfile: Dockerfile, served: Iterable[int]) -> set[int]:
    """These stages, and those on which nothing but such stages is based."""
    found = set(served)
    serving: dict[int, bool] = {}
    for stage in reversed(dockerfile.stages):
        if serving.get(stage.index):
            found.add(stage.index)
        if stage.parent is not None:
            serving[stage.parent] = serving.get(stage.parent, True) and stage.index in found
    return found


def copied_from(dockerfile: Dockerfile) -> set[int]:
    """The stages whose files a later one takes, by COPY or by a mount."""
    found: set[int] = set()
    names: dict[str, int] = {}
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            name = dockerfile.stages[instruction.stage].name
            # Known from the next stage on, but no stage can take from itself.
            names[str(instruction.stage)] = names[name or str(instruction.stage)] = instruction.stage
        found.update(names.get(origin.lower(), -1) for origin in _origins(instruction))
    return found - {-1}


def _origins(instruction: Instruction) -> Iterator[str]:
    """Where a COPY or the mounts of a RUN take files from."""
    if instruction.keyword == "COPY":
        yield instruction.flag("from") or ""
    elif instruction.keyword == "RUN":
        yield from (mount.options.get("from", "") for mount in mounts(instruction))
