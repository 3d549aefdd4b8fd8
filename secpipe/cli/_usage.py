"""What typer says of a wrong command line, as an error of ours: one line of what, one of what next.

typer carries its own copy of click since 0.27, so its exceptions are told by name and shape, not by class.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from secpipe.errors import UsageError
from secpipe.model.pattern import lazy

_QUOTED = lazy(r"'([^']*)'")


def is_usage(error: Exception) -> bool:
    """Whether typer raised it for what stands on the command line."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def help_of(error: Any) -> str | None:
    """The help that was asked for by a command without any arguments."""
    return str(error.message) if type(error).__name__ == "NoArgsIsHelpError" else None


def translate(error: Any) -> UsageError:
    """The error in our words, with the nearest known name for one that is misspelt."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "secpipe"
    ask = f"run: {command} --help"
    match type(error).__name__:
        case "NoSuchOption":
            known = [name for p in context.command.get_params(context) for name in p.opts] if context else []
            near = _near(error.option_name, (name for name in known if name.startswith("--")))
            return UsageError(f"{command}: no such option: {error.option_name}", near or ask)
        case "MissingParameter":
            return UsageError(f"{command}: {_name(error, context)} is missing", ask)
        case "BadParameter":
            return _bad_value(error, context, ask)
    message = error.format_message().rstrip(".")
    group: Any = context.command if context else None
    commands = list(group.list_commands(context)) if hasattr(group, "list_commands") else []
    found = _QUOTED.search(message)
    if commands and found:
        message = f"no such command: {found[1]}"
    near = _near(found[1], commands) if found else ""
    choice = f"the commands are {', '.join(commands)}" if commands else ask
    return UsageError(f"{command}: {message[:1].lower()}{message[1:]}", near or choice)


def _bad_value(error: Any, context: Any, ask: str) -> UsageError:
    choices = [
        str(getattr(choice, "value", choice))
        for choice in getattr(getattr(error.param, "type", None), "choices", ())
    ]
    found = _QUOTED.match(error.message)
    message = f"{_name(error, context)}: {error.message.rstrip('.')}"
    if choices and found:
        listed = f"use one of {', '.join(choices)}"
        return UsageError(
            f"{_name(error, context)} {found[1]}: no such value", _near(found[1], choices) or listed
        )
    return UsageError(message, ask)


def _name(error: Any, context: Any) -> str:
    """`--fail-on`, or an argument as the usage line calls it."""
    if error.param is None:
        return str(error.param_hint or "value")
    options = [name for name in error.param.opts if name.startswith("-")]
    return max(options, key=len) if options else str(error.param.make_metavar(context)).strip("[]{}")


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), list(known), 1)
    return f"did you mean {near[0]}?" if near else ""
