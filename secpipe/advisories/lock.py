"""One writer at a time for a file: what one process fetches, others that wait for it need not fetch again.

The lock lies beside the file and is the operating system's (flock), so it ends with the process that holds it, however that
ends. Where a system has none, writers may do the same work twice; the swap is atomic in any case.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from secpipe.errors import AdvisoryError

_LOOK_AGAIN = 0.05


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Keep other writers of the file out for as long as the context lasts; its folder is made as needed.

    Raises `AdvisoryError` when the lock cannot be had within so many seconds or the folder is not writable.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        reason = error.strerror or str(error)
        raise AdvisoryError(
            f"cannot write {path}: {reason}", "choose another file with --db or SECPIPE_DB"
        ) from error
    end = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    message = f"another process has been updating {path} for more than {seconds:g} seconds"
                    raise AdvisoryError(message, "wait for it, or raise --limit lock-seconds") from None
                time.sleep(_LOOK_AGAIN)
            except OSError:  # a file system without locks
                break
        yield
    finally:
        os.close(handle)
