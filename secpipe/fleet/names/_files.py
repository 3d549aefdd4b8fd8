"""The bytes of files that were named, bounded, or why there are none."""

from __future__ import annotations

import os
import stat
import sys
from typing import IO

from secpipe.model.problem import Problem

STDIN = "-"


def shown(path: str) -> str:
    """What messages call a file."""
    return "standard input" if path == STDIN else path


def read(path: str, limit: int, hint: str, *, pipes: bool = True) -> bytes | Problem:
    """The bytes of a file, or of standard input for `-`; a Problem when there are none, or more than the limit
    `fleet_bytes`. Pipes are read as files are, unless nobody named them. `hint` is what to do when it is no file."""
    where = shown(path)
    try:
        if path == STDIN:
            return _bounded(sys.stdin.buffer, where, limit)
        # To open a pipe waits for whoever writes to it. A Path would drop what makes /dev/fd/3 what it is.
        if not pipes and not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            return _problem("not-a-file", where, "not a regular file", hint)
        with open(path, "rb") as file:  # noqa: PTH123
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode) or stat.S_ISFIFO(
                os.fstat(file.fileno()).st_mode
            ):
                return _bounded(file, where, limit)
            return _problem("not-a-file", where, "not a regular file", hint)
    except FileNotFoundError:
        return _problem("no-such-file", where, "no such file", "check the path")
    except IsADirectoryError:
        return _problem("not-a-file", where, "is a directory", hint)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return _problem(
            "unreadable-file", where, f"cannot be read: {reason}", "check the path and its permissions"
        )


def _bounded(file: IO[bytes], where: str, limit: int) -> bytes | Problem:
    # To read as many bytes as are allowed would have them all put aside first.
    data = bytearray()
    while part := file.read(1 << 20):
        data += part
        if len(data) > limit:
            message = f"longer than {limit} bytes (the limit fleet-bytes)"
            return _problem(
                "file-too-large", where, message, "raise the limit with --limit, or split the file"
            )
    return bytes(data)


def _problem(code: str, where: str, message: str, hint: str) -> Problem:
    return Problem(code, where, f"{where}: {message}", hint, coverage=False)
