"""Every error that the program raises on purpose.

    SecpipeError            message, hint, exit code
    ├── UsageError          2   the command line or a configuration file is wrong
    │   └── InvalidReference 2  a target that is no valid reference
    └── UndecidedError      3   the question could not be answered
        ├── RegistryError       network, protocol
        │   ├── AuthenticationError   401 or 403, with or without credentials
        │   └── NotFoundError         the registry has no such image
        ├── ImageError          the image is corrupt or no container image
        │   ├── DigestMismatch        the bytes are not those that were asked for
        │   └── LimitExceeded         a named limit stopped the reading
        ├── AdvisoryError       the advisory database or feed is missing, stale or broken
        └── ResultsError        what is known of a fleet cannot be read or written

The command line prints `error: <message>` and `hint: <hint>`, one line each, and exits with `exit_code`.
"""

from __future__ import annotations


class SecpipeError(Exception):
    """What happened and to what (`message`), what to do next (`hint`), and the exit code of the contract.

    A kind of error whose `advice` is the same wherever it is raised has it as the hint when none is given.
    """

    exit_code = 3
    advice = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.advice


class UsageError(SecpipeError):
    """The command line, a configuration file or a named file is wrong."""

    exit_code = 2


class InvalidReference(UsageError):
    """A target that is no image reference and no known kind of path."""


class UndecidedError(SecpipeError):
    """The question could not be answered."""


class RegistryError(UndecidedError):
    """The registry could not be reached or did not follow the protocol."""

    advice = "the registry is misconfigured or in trouble: try again later, and tell its owner if that does not help"


class AuthenticationError(RegistryError):
    """The registry wants credentials, refuses those given, or they do not reach far enough."""


class NotFoundError(RegistryError):
    """The registry has no such repository, tag or blob."""


class ImageError(UndecidedError):
    """The image is corrupt, or it is no container image."""

    advice = "the image is corrupt or was written by a faulty tool: build, push or export it again"


class DigestMismatch(ImageError):
    """The bytes received are not those that the digest names."""


class LimitExceeded(ImageError):
    """A named limit (bytes, entries, depth, time) stopped the reading."""

    advice = "if you trust the image, raise the limit that is named with --limit NAME=VALUE"


class AdvisoryError(UndecidedError):
    """The advisory database or feed is missing, stale or broken."""


class ResultsError(UndecidedError):
    """The database with what is known of a fleet cannot be read or written."""


class SchedulerLostError(UndecidedError):
    """Whoever hands tasks to the workers of a cluster is gone, and all tasks with it."""


class NoResultsError(ResultsError):
    """There is no such database, or nothing in it yet."""
