"""SP3001: an ARG that does not reach where it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from secpipe.dockerfile.ast import Instruction
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.keywords import PLATFORM_ARGS
from secpipe.dockerfile.shell import shell_text
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.expansions import Use, assigned_names, sets_anything, uses
from secpipe.lint.image import split
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_EXPANDED = (
    "FROM",
    "ADD",
    "ARG",
    "COPY",
    "ENV",
    "EXPOSE",
    "LABEL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)
_ALWAYS_THERE = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH", "PATH", "HOME"}
    | {"HOSTNAME", "PWD", "OLDPWD", "SHELL", "SHLVL", "TERM", "UID", "EUID", "GID", "GROUPS", "PPID", "IFS"}
    | {"RANDOM", "SECONDS", "LINENO", "HOSTTYPE", "OSTYPE", "MACHTYPE", "OPTARG", "OPTIND", "REPLY", "LANG"}
    | {"FUNCNAME", "PIPESTATUS", "JAVA_HOME", "JAVA_VERSION", "GOPATH", "GOROOT", "GOLANG_VERSION"}
    | {"CARGO_HOME", "RUSTUP_HOME", "GEM_HOME"}
)
"""Set by builders and shells, or by well-known base images; in capitals, and besides those that begin so:"""
_FAMILIES = ("BASH", "BUILDKIT_", "LC_", "PHP_", "CONDA_")
_MAX_CHAIN = 64
_DISTRIBUTIONS = frozenset(
    {"alpine", "debian", "ubuntu", "fedora", "centos", "rockylinux", "almalinux", "busybox", "scratch"}
)


@check("RUN", *_EXPANDED)
def out_of_scope(node: Instruction | Run, context: Context) -> Iterator[Found]:
    """A variable that some ARG of the file declares, though none that holds here."""
    instruction = node.instruction if isinstance(node, Run) else node
    if not instruction.heredocs and "$" not in instruction.text:
        return
    arguments, marks = _arguments(context)
    if not instruction.heredocs and not _may_use(instruction.text, marks):
        return
    text = _text(node, context)
    if text is None or not _may_use(text.text, marks):
        return
    is_shell = isinstance(node, Run)
    seen: set[str] = set()
    for use in uses(text.text, escape=context.dockerfile.escape if not is_shell else "\\", shell=is_shell):
        if use.name in seen:
            continue
        seen.add(use.name)
        why = _why(use.name, instruction, context, arguments)
        if why and not (isinstance(node, Run) and _sets(node, text.text, use)):
            yield text.word(use.start, use.end), f"{quoted(use.name)} is empty here: {why}"


def _may_use(text: str, marks: tuple[str, ...]) -> bool:
    """Whether a text may use an ARG, or what BuildKit sets."""
    return "$" in text and any(mark in text for mark in marks)


def _text(node: Instruction | Run, context: Context) -> Joined | None:
    """What is expanded, None for nothing."""
    if not isinstance(node, Run):
        return Joined(node.text, node.segments)
    return None if node.shell.is_windows else shell_text(node.instruction, context.dockerfile.source)


@lru_cache(maxsize=1)
def _arguments(context: Context) -> tuple[Mapping[str, frozenset[int]], tuple[str, ...]]:
    """The stages that declare each ARG, -1 for before the first FROM; how uses of them, or of what BuildKit sets, begin."""
    found: dict[str, set[int]] = {}
    for instruction in context.dockerfile.instructions:
        if instruction.keyword == "ARG":
            for word in instruction.words:
                found.setdefault(word.value.partition("=")[0], set()).add(instruction.stage)
    marks = tuple([f"{sign}{name}" for name in ("TARGET", "BUILD", *found) for sign in ("$", "${")])
    return {name: frozenset(stages) for name, stages in found.items()}, marks


def _why(
    name: str, instruction: Instruction, context: Context, arguments: Mapping[str, frozenset[int]]
) -> str:
    """Why an ARG of this name does not reach an instruction, '' when it does or there is none."""
    stages = arguments.get(name, frozenset())
    if instruction.keyword == "FROM":
        is_lost = bool(stages) and -1 not in stages and name not in PLATFORM_ARGS
        return (
            f"FROM sees only what stands before the first one; declare `ARG {name}` there" if is_lost else ""
        )
    if name in context.scope.variables or _is_always_there(name.upper()):
        return ""
    if instruction.stage < 0:
        is_lost = bool(stages) and name not in PLATFORM_ARGS
        return "its ARG stands further down" if is_lost else ""
    if not stages and name not in PLATFORM_ARGS:
        return ""
    if _may_come_from_base(name, instruction.stage, context):
        return ""
    declare = f"declare `ARG {name}` above this line in the stage"
    if instruction.stage in stages and -1 not in stages:
        # `ARG X=$X` is a way to write `ARG X`.
        own = instruction.keyword == "ARG" and any(
            word.value.startswith(f"{name}=") for word in instruction.words
        )
        if own:
            return ""
        return f"its ARG stands further down in the stage; {declare}"
    if -1 in stages:
        return f"an ARG before the first FROM holds for FROM alone; {declare}"
    return (
        f"its ARG belongs to another stage; {declare}"
        if stages
        else f"BuildKit sets it where it is declared; {declare}"
    )


def _is_always_there(name: str) -> bool:
    return name in _ALWAYS_THERE or name.startswith(_FAMILIES)


def _may_come_from_base(name: str, index: int, context: Context) -> bool:
    """Whether the base image is likely to set a variable named after itself, as node sets NODE_VERSION."""
    stage = context.dockerfile.stages[index]
    for _ in range(min(index, _MAX_CHAIN)):
        if stage.parent is None:
            break
        stage = context.dockerfile.stages[stage.parent]
    image = split(stage.base.value).last_component.lower().replace("-", "_")
    return image not in _DISTRIBUTIONS and any(
        part and name.lower().startswith(part) for part in (image, image.split("_")[0])
    )


def _sets(run: Run, text: str, use: Use) -> bool:
    """Whether the RUN gets the variable otherwise: its script sets it, or a secret is mounted as it."""
    if sets_anything(text) or use.name in assigned_names(text):
        return True
    return any(mount.options.get("env") == use.name for mount in run.mounts)
