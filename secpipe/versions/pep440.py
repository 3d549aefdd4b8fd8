"""Python versions, PEP 440 as the `packaging` library implements it.

Versions from before PEP 440 (`4.11-final`) have no agreed order: they are invalid here, and match only where an advisory
lists them letter by letter.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.version import InvalidVersion as _Invalid
from packaging.version import Version

from secpipe.versions import MAX_LENGTH, InvalidVersion, Part, checked, number

ORDER = (
    "epoch, then the release's numbers, missing ones 0; then .devN, aN, bN and rcN come before the "
    "release in this order, .postN behind it, and +local behind the same without."
)

_NOT_ZERO = {code: None for code in range(128) if chr(code) not in "123456789\n"}
"""What goes of a text of which digits and line ends are to stay."""
_LAST_LOCAL = 10**MAX_LENGTH
"""Behind all local labels: numbers come after words, and no version is long enough for a higher one."""
_RELEASE = re.compile(r"v?([0-9]+(?:\.[0-9]+)+)(?=[-+_.]?[A-Za-z]|-[0-9])")


def key(text: str) -> Version:
    """The version as `packaging` orders it; raises `InvalidVersion` for what PEP 440 does not define."""
    try:
        return Version(checked(text))
    except _Invalid as error:
        raise InvalidVersion(text, "no version by PEP 440") from error


def parts(text: str) -> list[Part]:
    """Epoch, the numbers of the release, and what follows them; raises as `key` does."""
    version = key(text)
    release: list[Part] = []
    zeros = 0
    for one in version.release:
        # Zeros at the end do not count, so each is told with the number that follows.
        if one:
            text = "0." * zeros + str(one)
            release.append(("release", text, text))
        zeros = 0 if one else zeros + 1
    stage = version.public.partition("!")[2] or version.public
    stage = stage[len(version.base_version.partition("!")[2] or version.base_version) :]
    return [
        ("epoch", str(version.epoch), number(str(version.epoch))),
        *release,
        ("release", "", ""),
        ("stage", stage, f"\0{stage}"),
        ("local", version.local or "", version.local or ""),
    ]


def listed(installed: str, versions: tuple[str, ...]) -> bool:
    """Whether the installed version is among the listed ones, as `==` of PEP 440 sees it: `2.7+cpu` is `2.7.0`."""
    lines = _lines(versions)
    wanted = {_digits(installed), _digits(installed.partition("+")[0])}
    if not any(f"\n{digits}\n" in lines for digits in wanted):
        return False
    return any(_same(installed, text) for text in versions if _digits(text) in wanted)


def _same(installed: str, text: str) -> bool:
    try:
        left, right = key(installed), key(text)
    except InvalidVersion:
        return False
    return left == right or (right.local is None and Version(left.public) == right)


@lru_cache(maxsize=4096)
def _lines(versions: tuple[str, ...]) -> str:
    """The digits of each version, between line ends: a list may have hundreds of versions, and few have the ones wanted."""
    return "\n{}\n".format("\n".join(versions).translate(_NOT_ZERO))


def _digits(text: str) -> str:
    # Two spellings of a version differ in letters, separators and zeros, never in the other digits.
    return text.translate(_NOT_ZERO).replace("\n", "")


def last(text: str) -> Version:
    """The key behind every local version, as `<=` of PEP 440 sees it: the last one affected, 2.7.1 means 2.7.1+cu128, too.

    Raises as `key` does.
    """
    version = key(text)
    return version if version.local else Version(f"{version}+{_LAST_LOCAL}")


def span(text: str) -> tuple[Version, Version]:
    """The first and the last version that an unparsable one can stand for: all of the release that it begins with.

    `2.6.0-cu124` is some 2.6.0, whatever the rest means. Raises `InvalidVersion` where not even that is plain.
    """
    if (found := _RELEASE.match(checked(text))) is None:
        raise InvalidVersion(text, "begins with no release number")
    return Version(f"{found[1]}.dev0"), Version(f"{found[1]}.post{10**9}")
