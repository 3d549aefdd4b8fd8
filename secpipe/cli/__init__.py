"""The command line: one module a command, discovered by name. Heavy imports stay inside the functions."""

from __future__ import annotations

import gc
import os
import sys

from secpipe.cli import _streams
from secpipe.errors import SecpipeError

_INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C has ended."""
_TERMINATED = 143
"""The same of SIGTERM, as a CI runner sends it when a job takes too long."""
_DECIDED = range(4)
_ALLOCATIONS = 50_000
"""Objects that are made until those which nobody needs any more, and which refer to each other, are looked for."""

_PATIENCE = 0.0005
"""Seconds until who inflates or hashes gets the interpreter's lock, which it needs for an instant between two pieces."""


class _Terminated(BaseException):
    """SIGTERM has come: whatever holds something lets go of it, as after Ctrl-C."""


def main() -> None:
    """Run the command line and end the process with its code."""
    code = run()
    # What they made need not be taken apart, which takes a twentieth of their time, unless a profiler waits for the end.
    if (
        sys.argv[1:2] in (["lint"], ["scan"])
        and code in _DECIDED
        and not (sys.gettrace() or sys.getprofile())
    ):
        os._exit(code)
    sys.exit(code)


def run() -> int:
    """Run the command line; the contract's code: 0 clean, 1 gate failed, 2 usage, 3 undecided."""
    _streams.hold()
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except _Terminated:
        code = _TERMINATED
        _streams.say("error: ended by SIGTERM, before there was a result")
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback reaches a user
        code = _fail(error)
    if (lost := _streams.unwritten()) is not None:
        code = _explain(lost)
    # The interpreter need not look once more, at its end, for what nobody needs.
    gc.freeze()
    return code


def _run(args: list[str]) -> int:
    if args == ["--version"]:
        # Scripts ask for this in loops; it need not wait for the option parser.
        from secpipe import __version__

        _streams.write(f"secpipe {__version__}\n")
        return 0
    if args[:1] == ["lint"]:
        # It makes no cycles worth looking for, and looking takes a twentieth of its time.
        gc.disable()
        from secpipe.cli import _lintrun

        if found := _lintrun.plain(args):
            return _lintrun.run(found.paths, found.settings, format=found.formats, output=found.outputs)
    if args[:1] != ["lint"]:  # which leaves nothing behind, and has other processes to end with it
        _heed_termination()
    # Next to nothing of what an image is read into are cycles, and looking for them often takes a twentieth of the time.
    gc.set_threshold(_ALLOCATIONS)
    sys.setswitchinterval(_PATIENCE)
    if args[:1] == ["scan"]:
        from secpipe.cli import _scanrun

        if given := _scanrun.plain(args):
            return _scanrun.run(given)
    from secpipe.cli.app import build

    loaded = args
    if "_SECPIPE_COMPLETE" in os.environ:
        from secpipe.cli import _complete

        loaded = _complete.typed()
    code = build(loaded)(args, prog_name="secpipe", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _heed_termination() -> None:
    """Have SIGTERM end the program in order, unless somebody has decided otherwise; a second one ends it at once."""
    import signal

    us = os.getpid()

    def end(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != us:  # one that was forked
            os.kill(os.getpid(), number)
        raise _Terminated

    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)


def _fail(error: Exception) -> int:
    if os.environ.get("SECPIPE_DEBUG"):
        sys.excepthook(type(error), error, error.__traceback__)
    if isinstance(error, SecpipeError):
        return _explain(error)
    if isinstance(error, OSError) and error.filename is None:
        return _explain(
            _streams.lost(error)
        )  # typer's own output, the help: what we write and read is ours already
    from secpipe.cli import _usage

    if not _usage.is_usage(error):
        return _explain(_internal(error))
    if text := _usage.help_of(error):
        _streams.say(*text.splitlines())
        return 2
    return _explain(_usage.translate(error))


def _internal(error: Exception) -> SecpipeError:
    return SecpipeError(
        f"internal error: {type(error).__name__}: {error}",
        "this is a defect of secpipe; run again with secpipe --debug and report the traceback",
    )


def _explain(error: SecpipeError) -> int:
    lines = [f"error: {error.message}"] + ([f"hint: {error.hint}"] if error.hint else [])
    _streams.say(*(" ".join(line.split()) for line in lines))
    return error.exit_code
