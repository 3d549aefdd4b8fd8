"""Maven packages in Java archives: jar, war, ear and their kin, nested and shaded ones too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog import _jar
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.patterns import any_case

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "java"
VERSION = 2
TYPE = _jar.TYPE
# Java's own class path takes `.JAR` as well, Tomcat any case of `.war`; whoever names an archive may write it as they like.
GLOBS = tuple(
    f"**/*.{any_case(suffix)}"
    for suffix in ("jar", "war", "ear", "par", "sar", "jpi", "hpi", "kar", "lpkg", "nar")
)
KEPT = ()
COMPLETE = ()


def distil(path: str, data: bytes, limits: Limits) -> bytes:
    """What names the packages of an archive, which may have hundreds of megabytes beside it."""
    return _jar.distil(path, data, limits)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The packages of what `distil` left: `group:artifact`, or the artifact alone where no group is certain."""
    return _jar.packages(file.path, file.data)
