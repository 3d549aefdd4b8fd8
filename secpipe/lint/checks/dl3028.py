"""DL3028: gem install without versions."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, check, listed
from secpipe.lint.packages import GEM_VALUED, literal
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN", onbuild=True, commands=("gem",))
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A gem without a version, that of `-v` or its own behind a colon."""
    for command in run.commands("gem", "install", "i"):
        words = _before_build_options(command).positional(*GEM_VALUED)
        if not words or words[0].value not in ("install", "i") or command.flag("v", "version", "g", "file"):
            continue
        loose = [word for word in words[1:] if not _is_pinned(word.value)]
        if loose:
            yield (
                loose[0],
                f"Pin the version of {listed(w.value for w in loose)}: `gem:version`, or `-v version`",
            )


def _before_build_options(command: Command) -> Command:
    """The command without what stands behind `--`, which is for the compiling of extensions."""
    values = [word.value for word in command.args]
    end = values.index("--") if "--" in values else len(values)
    return command._replace(args=command.args[:end])


def _is_pinned(word: str) -> bool:
    gem = literal(word)
    return ":" in gem or gem.endswith(".gem")
