"""DL3066: USER by name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_USER = lazy(r"(?:\$\{[^}$]*+\}|[^:])*+")
_NUMBER = lazy("[0-9]*")
_VARIABLE = lazy(r"\$\{?([A-Za-z_]\w*)", re.ASCII)
_WINDOWS_ACCOUNTS = ("containeradministrator", "containeruser")
"""Accounts of Windows have no numbers."""


@check("USER")
def named_user(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A user that is no number, nor a variable that may be one."""
    for word in instruction.words[:1]:
        user = _USER.match(word.value.strip())
        name = user[0].strip() if user else ""
        if not (
            _NUMBER.fullmatch(name) or name.lower() in _WINDOWS_ACCOUNTS or _may_be_number(name, context)
        ):
            yield word, f"Give the number of {quoted(name)}, which can be told from root without the image"


def _may_be_number(name: str, context: Context) -> bool:
    """Whether the value is a number, or comes from an ARG."""
    if "$" not in name:
        return False
    scope = context.scope
    value = scope.expand(name)
    if value is not None and _NUMBER.fullmatch(value.partition(":")[0].strip()):
        return True
    for variable in _VARIABLE.findall(name):
        if variable in scope.environment:
            if scope.variables[variable] is None:
                return True
        elif variable in scope.variables or variable in context.global_arguments:
            return True
    return False
