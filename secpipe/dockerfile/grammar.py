"""What BuildKit refuses of an instruction once it is split (frontend/dockerfile/instructions), in our own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from secpipe.dockerfile import mounts
from secpipe.dockerfile.ast import Flag, Instruction, SyntaxProblem, Word
from secpipe.dockerfile.heredoc import is_marker
from secpipe.dockerfile.keywords import FLAGS, KEYWORDS
from secpipe.dockerfile.lexer import SPACE
from secpipe.dockerfile.stages import stage_name
from secpipe.model.pattern import lazy

_STAGE_NAME = lazy(r"[a-z][a-z0-9-_.]*")
_WITH_ARGUMENT = frozenset(
    {"ARG", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "SHELL", "STOPSIGNAL", "USER"}
    | {"VOLUME", "WORKDIR"}
)
_UNCHECKED_FLAGS = frozenset({"ARG", "STOPSIGNAL"})
_DURATION = lazy(r"[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_PART = lazy(r"([\d.]+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_SHORTEST = 1e-3 - 1e-12
_DIGEST = lazy(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_PLATFORM = lazy(r"[A-Za-z0-9_.-]+(?:\([^()/]*\))?(?:\+[^/]*)?(?:/[A-Za-z0-9_.-]+){0,2}")
"""Of containerd/platforms v1: `os(version)+feature/architecture/variant`."""
_PORT = lazy(r"(\d+)(?:-(\d+))?(?:/(?:tcp|udp|sctp)?)?", re.IGNORECASE)
_SIGNAL = lazy(
    r"0*[1-9]\d*|(?:SIG)?(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS"
    r"|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR[12]|VTALRM|WINCH|XCPU|XFSZ|RTMIN(?:\+(?:[1-9]|1[0-5]))?|RTMAX(?:-(?:[1-9]|1[0-4]))?)",
    re.IGNORECASE,
)
"""What the builder knows: github.com/moby/sys/signal v0.7, on Linux."""
_DIGITS = 18
"""Of a port, more than enough: Python refuses to read very long numbers."""
_MODES = {"network": ("default", "none", "host"), "security": ("sandbox", "insecure")}
_NO_TRIGGER = frozenset({"FROM", "MAINTAINER", "ONBUILD"})
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = lazy(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_REPOSITORY = lazy(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = lazy(r"\w[\w.-]{0,127}", re.ASCII)
_MAX_HINTS = 100
"""Faults whose likely meaning is sought, which is slow; a file with more of them has no slips but is something else."""


def check(instruction: Instruction, before: Sequence[Instruction], problems: list[SyntaxProblem]) -> None:
    """Add what BuildKit refuses of one instruction; `before` are those above it."""
    keyword = instruction.keyword
    hints = len(problems) < _MAX_HINTS
    if keyword not in KEYWORDS:
        problems.append(_unknown(instruction, before, hints=hints))
        return
    problems.extend(_refused(instruction, hints))
    trigger = instruction.trigger
    if trigger and trigger.keyword in _NO_TRIGGER:
        word = trigger.keyword_word
        problems.append(SyntaxProblem(f"ONBUILD cannot trigger {trigger.keyword}", word.start, word.end))
    elif trigger and trigger.keyword not in KEYWORDS:
        problems.append(_unknown(trigger, (), hints=hints))
    elif trigger:
        problems.extend(_refused(trigger, hints))


def check_order(instructions: Sequence[Instruction], problems: list[SyntaxProblem]) -> None:
    """Add what BuildKit refuses of the file as a whole; what stands before the first FROM is a rule of its own, DL3061."""
    if not instructions:
        problems.append(SyntaxProblem("a file with no instructions", 0, 0))
    elif not any(i.keyword == "FROM" for i in instructions):
        problems.append(_at(instructions[0].keyword_word, "there is no FROM, so nothing to build"))
    stages = {"scratch"}
    for instruction in instructions:
        if instruction.keyword == "FROM" and len(instruction.words) in (1, 3):
            image = instruction.words[0]
            fault = "" if image.value.lower() in stages else _image_fault(image.value)
            if fault:
                problems.append(_at(image, f"{image.value[:80]!r} is no image: {fault}"))
            stages.add(stage_name(instruction).lower())


def _image_fault(image: str) -> str:
    """What is wrong with a reference to an image (distribution/reference v0.6), '' where only a build can tell."""
    name, _, digest = image.partition("@")
    # What stands behind the last character is another problem of its own.
    if "$" in image or not image or name.endswith((":", "/")) or (not digest and "@" in image):
        return ""
    registry, slash, path = name.partition("/")
    # What has a dot, a port or a capital in front of the slash is a registry.
    if not slash or not ({*registry} & {*".:"} or registry == "localhost" or registry.lower() != registry):
        registry, path = "", name
    # The host of no registry, such as a_b.io, may still be the beginning of a path.
    if registry and not _REGISTRY.fullmatch(registry) and not _REPOSITORY.fullmatch(registry):
        return f"{registry[:80]!r} is no name of a registry"
    repository, colon, tag = path.partition(":")
    if repository != repository.lower():
        return "the name of a repository has no capitals"
    if not _REPOSITORY.fullmatch(repository):
        return f"{repository[:80]!r} is no name of a repository"
    if colon and not _TAG.fullmatch(tag):
        return f"{tag[:80]!r} is no tag"
    if digest and not _DIGEST.fullmatch(digest):
        return f"{digest[:80]!r} is no digest, such as sha256: and 64 hexadecimal digits"
    return ""


def _refused(instruction: Instruction, hints: bool) -> Iterable[SyntaxProblem]:
    keyword = instruction.keyword
    if instruction.flags:
        yield from _flags(instruction, hints)
    if keyword in _WITH_ARGUMENT and not instruction.words:
        yield _at(instruction.keyword_word, f"{keyword} needs an argument")
    elif keyword in ("ENV", "LABEL", "ARG"):
        yield from _pairs(instruction)
    elif keyword in ("ADD", "COPY"):
        yield from _copy(instruction)
    elif keyword == "FROM":
        yield from _from(instruction)
    elif keyword == "RUN":
        yield from _run(instruction)
    elif keyword == "HEALTHCHECK":
        yield from _healthcheck(instruction)
    elif keyword == "SHELL" and instruction.json is None:
        yield _whole(instruction, 'SHELL needs the JSON form, ["program", "argument"]')
    elif keyword == "EXPOSE":
        for word in instruction.words:
            # Behind a variable there may be anything, and what stands before the port is for DL3011 to read.
            port = word.value.rpartition(":")[2]
            if {*word.value} & {"$", *SPACE}:
                continue
            match = _PORT.fullmatch(port)
            if not match:
                yield _at(word, f"{word.value!r} is no port; EXPOSE takes 80, 80/udp or 8000-8010")
            elif match[2] and int(match[1][-_DIGITS:]) > int(match[2][-_DIGITS:]):
                yield _at(word, f"the range {match[1]}-{match[2]} ends before it begins")
    elif keyword == "STOPSIGNAL":
        signal = instruction.words[0]
        if "$" not in signal.value and not _SIGNAL.fullmatch(signal.value):
            yield _at(signal, f"{signal.value[:40]!r} is no signal; STOPSIGNAL takes SIGTERM, TERM or 15")
    elif keyword == "VOLUME":
        for word in instruction.words:
            if not word.value.strip():
                yield _at(word, "the name of a volume is empty")


def _flags(instruction: Instruction, hints: bool) -> Iterable[SyntaxProblem]:
    keyword = instruction.keyword
    none = keyword == "HEALTHCHECK" and [w.value.upper() for w in instruction.words[:1]] == ["NONE"]
    if keyword in _UNCHECKED_FLAGS or none:
        return
    known, seen = FLAGS[keyword], set()
    for index, flag in enumerate(instruction.flags):
        kind = known.get(flag.name)
        if kind is None:
            likely = _nearest(flag.name, known) if hints and index < _MAX_HINTS else ""
            yield _at(flag, f"{keyword} has no flag --{flag.name}{likely and f'; is it --{likely}?'}")
        elif flag.name in seen and kind != "values":
            yield _at(flag, f"the flag --{flag.name} is given a second time")
        elif kind == "boolean":
            if flag.value is not None and flag.value.lower() not in ("true", "false"):
                yield _at(flag, f"--{flag.name} is either true or false, not {flag.value!r}")
        elif flag.value is None:
            yield _at(flag, f"the flag --{flag.name} needs a value")
        seen.add(flag.name)


def _pairs(instruction: Instruction) -> Iterable[SyntaxProblem]:
    keyword, words = instruction.keyword, instruction.words
    if keyword != "ARG" and "=" not in words[0].value:
        if len(words) < 2:
            yield _at(words[0], f"{keyword} needs a value: {words[0].value}=value")
        return
    for word in words:
        name, equals, _ = word.value.partition("=")
        if not name and equals:
            yield _at(word, f"{keyword} without a name before the =")
        elif not equals and keyword != "ARG":
            yield _at(
                word, f"{word.value!r} has no =; {keyword} takes name=value pairs, values with blanks quoted"
            )


def _copy(instruction: Instruction) -> Iterable[SyntaxProblem]:
    words = instruction.words
    if len(words) < 2:
        found = "nothing" if not words else "only one"
        yield _whole(instruction, f"{instruction.keyword} needs a source and a destination; there is {found}")
    elif is_marker(words[-1].value):
        yield _at(words[-1], "a heredoc cannot be the destination")


def _from(instruction: Instruction) -> Iterable[SyntaxProblem]:
    words, name = instruction.words, stage_name(instruction)
    if name and not _STAGE_NAME.fullmatch(name.lower()):
        rule = "it begins with a letter and has only letters, digits, - _ and ."
        yield _at(words[2], f"{name!r} cannot be the name of a stage: {rule}")
    elif len(words) == 3 and not name:
        yield _at(words[1], f"{words[1].value!r} stands where FROM has AS")
    elif len(words) not in (1, 3):
        yield _whole(instruction, "FROM takes an image, or an image, AS and a name")
    elif words[0].value.endswith((":", "@", "/")) and "$" not in words[0].value:
        yield _at(words[0], f"{words[0].value!r} is no image: nothing stands behind its last character")

    for flag in instruction.flags:
        value = flag.value or ""
        if flag.name == "platform" and value and "$" not in value and not _PLATFORM.fullmatch(value):
            yield _at(flag, f"{value[:80]!r} is no platform, such as linux/arm64")


def _run(instruction: Instruction) -> Iterable[SyntaxProblem]:
    yield from mounts.refused(instruction)
    for flag in instruction.flags:
        known = _MODES.get(flag.name)
        if known and flag.value is not None and flag.value not in known:
            yield _at(flag, f"--{flag.name} is {', '.join(known[:-1])} or {known[-1]}, not {flag.value!r}")


def _healthcheck(instruction: Instruction) -> Iterable[SyntaxProblem]:
    words = instruction.words
    kind = words[0].value.upper()
    if kind == "NONE":
        if len(words) > 1:
            yield _at(words[1], "HEALTHCHECK NONE takes no arguments")
        return
    if kind != "CMD":
        yield _at(words[0], f"HEALTHCHECK {words[0].value!r}: it is either CMD or NONE")
    elif len(words) < 2:
        yield _at(words[0], "HEALTHCHECK CMD needs a command")
    for flag in instruction.flags:
        if flag.name == "retries":
            if flag.value and not (flag.value.isascii() and flag.value.lstrip("+").isdigit()):
                yield _at(flag, f"--retries={flag.value} is no number")
        elif flag.value and not _DURATION.fullmatch(flag.value):
            yield _at(flag, f"--{flag.name}={flag.value} is no duration, such as 30s or 1m30s")
        elif flag.value and _is_too_short(flag.value):
            yield _at(flag, f"--{flag.name}={flag.value} is shorter than 1ms")


def _is_too_short(duration: str) -> bool:
    """Whether it is neither 0, which stands for the default, nor a millisecond at least."""
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))
    return seconds > 0 and (duration.startswith("-") or seconds < _SHORTEST)


def _unknown(instruction: Instruction, before: Sequence[Instruction], *, hints: bool) -> SyntaxProblem:
    word = instruction.keyword_word
    message = f"unknown instruction {word.value[:40]!r}"
    above = before[-1] if before and before[-1].keyword in KEYWORDS - {"FROM"} else None
    # `cd` below a RUN is no mistyped CMD.
    is_command = above and word.value.islower() and not above.keyword_word.value.islower()
    likely = "" if is_command or not hints else _nearest(instruction.keyword, KEYWORDS)
    invisible = next((char for char in word.value if not char.isprintable()), "")
    if invisible:
        message += f"; it has the invisible character U+{ord(invisible):04X} in it"
    elif likely:
        message += f"; is it {likely}?"
    elif above:
        message += f"; if it belongs to the {above.keyword} above, a continuation is missing there"
    return _at(word, message)


def _nearest(name: str, known: Iterable[str]) -> str:
    # Only for the message of an error, and its import is slow.
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:40], list(known), 1, 0.6)), "")


def _at(place: Word | Flag, message: str) -> SyntaxProblem:
    return SyntaxProblem(message, place.start, place.end)


def _whole(instruction: Instruction, message: str) -> SyntaxProblem:
    """A problem of everything behind the keyword, or of the keyword when nothing is."""
    places: tuple[Word | Flag, ...] = instruction.words or (instruction.keyword_word,)
    return SyntaxProblem(message, places[0].start, places[-1].end)
