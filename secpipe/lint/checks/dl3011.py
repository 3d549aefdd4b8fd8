"""DL3011: ports that do not exist."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_NUMBER = lazy(r"[0-9]+")
_HIGHEST = 65535


@check("EXPOSE")
def port_out_of_range(expose: Instruction, context: Context) -> Iterator[Found]:
    """A port, or an end of a range, above 65535; of variables the known values."""
    for word in expose.words:
        ports = (context.scope.expand(word.value) or "").partition("/")[0]
        if any(_is_too_high(number) for number in _NUMBER.findall(ports)):
            yield word, f"Ports end at {_HIGHEST}: {quoted(word.value)} is none"


def _is_too_high(number: str) -> bool:
    digits = number.lstrip("0")
    return len(digits) > len(str(_HIGHEST)) or int(digits or "0") > _HIGHEST
