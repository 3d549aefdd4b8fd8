"""DL3010: an archive that is copied and then unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.archives import is_tar, may_be_archive
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_DECOMPRESSORS = frozenset(
    {"bunzip2", "gunzip", "gzcat", "uncompress", "unlzma", "unxz", "unzip", "zcat", "zgz"}
)
# In a cluster of letters x counts up to the first that takes a value.
_EXTRACT = lazy(r"--(ext(r(a(ct?)?)?)?|get)$|-[^-CfTXKNLgFHIVb=]*x")
_OLD_STYLE = lazy(r"[a-zA-Z]*x")
_VARIABLE = lazy(r"\$(\w+)")
_CODE = "DL3010"


@check("COPY")
def copied(copy: Instruction, context: Context) -> Iterable[Found]:
    """Remembers the archives that come from the build context."""
    if copy.flag("from") or not copy.words or not context.is_kept(copy.stage):
        return ()
    *sources, target = copy.words
    archives = [word for word in sources if may_be_archive(word.value)]
    known: dict[str, list[Word]] = context.memory.setdefault(_CODE, {})
    if may_be_archive(target.value):
        known.setdefault(_name(target.value), []).extend((archives or sources)[:1])
        return ()
    for word in archives:
        known.setdefault(_name(word.value), []).append(word)
    return ()


@check("RUN")
def unpacked(run: Run, context: Context) -> Iterator[Found]:
    """Those of them that a command unpacks."""
    known: dict[str, list[Word]] = context.memory.get(_CODE, {})
    if not known:
        return
    for command, program in run.named_commands:
        for argument in command.args if _unpacks(command, program) else ():
            name = _name(argument.value.removeprefix("--file="))
            if program == "tar" or is_tar(name):
                for word in known.pop(name, ()):
                    yield (
                        word,
                        f"ADD unpacks {quoted(word.value)} by itself, and leaves no archive in the image",
                    )


def _unpacks(command: Command, program: str) -> bool:
    if program != "tar":
        return program in _DECOMPRESSORS
    values = [word.value for word in command.args]
    return bool(values) and (
        _OLD_STYLE.match(values[0]) is not None or any(_EXTRACT.match(value) for value in values)
    )


def _name(path: str) -> str:
    """The last part of a path, its variables written in one way."""
    return _VARIABLE.sub(r"${\1}", path.replace("\\", "/").rpartition("/")[2])
