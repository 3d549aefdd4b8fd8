"""SP1003: a password or token in a URL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.expansions import assigned_names
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.lint.secrets import INSTRUCTIONS, texts
from secpipe.model.pattern import lazy

_URL = lazy(
    r"://(?<=[A-Za-z0-9]://)(?P<user>[^\s/@:\"'<>`|\\]{0,256})(?::(?P<password>[^\s/@\"'<>`|\\]{1,256}))?@(?=[\w\[${])"
)
_VARIABLE = lazy(r"\$(?:(\w+)|\{(\w+)\})")
_SECRET_NAME = lazy(r"pass|pwd|secret|token|key|cred|(?:^|_)pat(?:$|_)", re.IGNORECASE)
_PLACEHOLDERS = frozenset(
    {
        "admin",
        "changeme",
        "guest",
        "pass",
        "passwd",
        "password",
        "postgres",
        "pw",
        "root",
        "secret",
        "test",
        "token",
    }
    | {
        "example",
        "mypassword",
        "yourpassword",
        "your-password",
        "your_password",
        "x-oauth-basic",
        "pwd",
        "user",
    }
)


@check(*INSTRUCTIONS)
def credential_in_url(node: Instruction | Run, context: Context) -> Iterator[Found]:
    """A literal password, or one from an ARG or ENV in a stage whose history reaches the image."""
    instruction = node.instruction if isinstance(node, Run) else node
    for text in texts(instruction, context.dockerfile.source, _has_url):
        for match in _URL.finditer(text.text):
            message = _complaint(match, instruction, context)
            if message:
                group = "password" if match["password"] else "user"
                yield text.word(*match.span(group)), message


def _has_url(text: str) -> bool:
    return "://" in text and "@" in text


def _complaint(match: re.Match[str], instruction: Instruction, context: Context) -> str:
    user, password = match["user"], match["password"]
    credential = password or user
    if "$" in credential:
        return _leaked(credential, instruction, context, named=not password)
    if not password or _is_placeholder(password, user):
        return ""
    return "A password in a URL is for everyone with the image or this file to read: use a secret mount"


def _is_placeholder(password: str, user: str) -> bool:
    word = password.lower()
    return (
        word in _PLACEHOLDERS or word == user.lower() or len(set(word)) < 3 or "{{" in word or "%" in word[:1]
    )


def _leaked(credential: str, instruction: Instruction, context: Context, *, named: bool) -> str:
    """The complaint about a variable whose value the image's history will show; `named`: its name must be a secret's."""
    variables: Mapping[str, str | None] = context.scope.variables
    names = ["".join(match.groups("")) for match in _VARIABLE.finditer(credential)]
    if instruction.keyword != "RUN" or not context.is_kept(instruction.stage):
        return ""
    for name in names:
        if (
            name in variables
            and (not named or _SECRET_NAME.search(name))
            and name not in assigned_names(instruction.text)
        ):
            return f"The value of {quoted(name)} stays in the image's history: take it from a secret mount"
    return ""
