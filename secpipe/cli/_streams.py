"""Standard output for reports, standard error for all else: they may be closed, full, or a pipe that nobody reads.

A report that cannot be written is an error. A message that cannot is lost, and changes no exit code.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from secpipe.errors import UsageError

_GONE = 141
"""What a shell says of a program that a broken pipe has ended."""


def hold() -> None:
    """Put /dev/null where a standard stream is closed, or the next file to be opened would take its place.

    It cannot be written as standard output, so that the loss of a report is noticed.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # lasts as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def write(text: str) -> None:
    """Write to standard output as UTF-8. Raises `UsageError` when that cannot be; exits when nobody reads any more."""
    write_bytes(text.encode("utf-8", "backslashreplace"))


def write_bytes(data: bytes) -> None:
    """Write to standard output as it is; otherwise as `write`."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise lost(error) from error


def say(*lines: str) -> None:
    """Write lines to standard error, made fit for a terminal."""
    from secpipe.model.text import printable

    try:
        for line in lines:
            print(printable(line), file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        _discard(2)


def unwritten() -> UsageError | None:
    """The error for what still waits to be written to standard output and cannot be; None when all is well."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return lost(error)
    return None


def lost(error: OSError) -> UsageError:
    """The error for a failure to write to standard output; exits when nobody reads any more."""
    _discard(1)
    if error.errno == errno.EPIPE:
        sys.exit(_GONE)  # as other tools do when their output goes into `head`
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return UsageError(f"cannot write to standard output: {reason}", "name a file with --output instead")


def _discard(number: int) -> None:
    """Let the interpreter's own flush at the end succeed."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
