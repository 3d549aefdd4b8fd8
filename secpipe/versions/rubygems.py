"""RubyGems versions: segments of digits or letters, where letters make a pre-release.

Follows Gem::Version of RubyGems 3.3 to 3.6: `-` stands for `.pre.`, a missing segment is 0, letters come before numbers and
compare with case. The platform of a gem is no part of its version: a platform's name at the end (`1.15.0-x86_64-linux`,
`9.4.0-java`), which tools that write whole gem names leave there, does not count. Any other malformed text is invalid.
"""

from __future__ import annotations

import re

from secpipe.versions import MAX_LENGTH, InvalidVersion, Part, checked, number

ORDER = (
    "segments of digits or letters in turn, missing ones 0: letters come before numbers, so that they "
    "make a pre-release; `-` stands for .pre. and the platform of a gem does not count."
)

_VERSION = re.compile(r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
_PLATFORM = re.compile(
    r"-(?:java|jruby|dalvik[0-9]*|dotnet[0-9.]*|mswin(?:32|64)?(?:[-_][0-9]+)?"
    r"|(?:x86|x64|x86_64|i[3-6]86|amd64|arm|arm64|armv[0-9]+l?|aarch64|universal|ppc|powerpc|powerpc64|ppc64le|s390x"
    r"|riscv64|sparc|mips(?:64)?(?:el)?|loongarch64)"
    r"-(?:linux|darwin|mingw|mingw32|mswin(?:32|64)?|freebsd|openbsd|netbsd|solaris|aix|cygwin|macosx?)"
    r"(?:-?[0-9][0-9.]*)?(?:-(?:gnu|musl|ucrt)(?:eabi(?:hf)?)?)?)"
)
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+")

# What may follow a common beginning, oldest first. The end stands for zeros without end: letters come before it and
# a number other than 0 behind it, the further away the less, so each tells how many zeros it follows.
_LETTERS, _END, _NUMBER = "\x01\x02\x03"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion` for what RubyGems calls malformed."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """The segments, but for zeros that do not count; raises as `key` does."""
    rest = _without_platform(checked(text))
    if not _VERSION.fullmatch(rest):
        raise InvalidVersion(text, "malformed for RubyGems")
    segments = _SEGMENT.findall(rest.replace("-", ".pre."))
    first = next((i for i, segment in enumerate(segments) if segment.isalpha()), len(segments))
    while first and not segments[first - 1].strip("0"):
        first -= 1  # 1.0.a is 1.a
        del segments[first]
    parts: list[Part] = []
    zeros = 0
    for segment in segments:
        if segment.isalpha():
            parts.append(("segment", "0." * zeros + segment, f"{_LETTERS}{chr(zeros)}{segment}\0"))
            zeros = 0
        elif digits := segment.lstrip("0"):
            piece = _NUMBER + chr(MAX_LENGTH * 4 - zeros) + number(digits)
            parts.append(("segment", "0." * zeros + segment, piece))
            zeros = 0
        else:
            zeros += 1
    parts.append(("end", "", _END))
    return parts


def _without_platform(text: str) -> str:
    at = text.find("-")
    return text[:at] if at > 0 and _PLATFORM.fullmatch(text, at) else text
