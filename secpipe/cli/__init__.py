"""The command line: one module a command, discovered by name. Heavy imports stay inside the functions."""

from __future__ import annotations

import os
import sys

from secpipe.errors import SecpipeError


def main() -> None:
    """Run the command line and exit with the contract's code: 0 clean, 1 gate failed, 2 usage, 3 undecided."""
    if sys.argv[1:] == ["--version"]:
        # Scripts ask for this in loops; it need not wait for the option parser.
        from secpipe import __version__

        print(f"secpipe {__version__}")  # noqa: T201
        return
    try:
        from secpipe.cli.app import build

        build(sys.argv[1:])()
    except SecpipeError as error:
        if os.environ.get("SECPIPE_DEBUG"):
            sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(_explain(error))
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): leave as other tools do, without noise at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if os.environ.get("SECPIPE_DEBUG"):
            raise
        sys.exit(_explain(_internal(error)))


def _internal(error: Exception) -> SecpipeError:
    return SecpipeError(
        f"internal error: {type(error).__name__}: {error}",
        "this is a defect of secpipe; run again with secpipe --debug and report the traceback",
    )


def _explain(error: SecpipeError) -> int:
    from secpipe.model.text import printable

    lines = [f"error: {error.message}"] + ([f"hint: {error.hint}"] if error.hint else [])
    for line in lines:
        print(printable(" ".join(line.split())), file=sys.stderr)  # noqa: T201
    return error.exit_code
