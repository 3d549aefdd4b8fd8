"""The program under a pseudo-terminal: what it writes there, and what a person then has on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.cli import SETTINGS

_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
_LIMIT = 30.0


class Screen:
    """As much of a terminal (ECMA-48) as a progress display needs; anything else fails the test."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns, self.rows = columns, rows
        self.cursor_shown = True
        self.wrapped = 0
        self._lines: list[list[str]] = [[]]
        self._row = self._column = 0

    @property
    def text(self) -> str:
        """What is to be seen, without blanks at the ends of lines."""
        return "\n".join("".join(line).rstrip() for line in self._lines).rstrip("\n")

    def write(self, text: str) -> None:
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = _SEQUENCE.match(text, at)
                assert found, f"an unknown sequence: {text[at : at + 20]!r}"
                self._control(found[2], found[1])
                at = found.end()
                continue
            self._put(text[at])
            at += 1

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._down()
        else:
            assert character.isprintable(), f"a control character: {character!r}"
            if self._column == self.columns:
                self.wrapped += 1
                self._column = 0
                self._down()
            line = self._lines[self._row]
            line.extend(" " * (self._column + 1 - len(line)))
            line[self._column] = character
            self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append([])

    def _control(self, final: str, parameters: str) -> None:
        if final == "A":
            # Lines that were scrolled off the top cannot be reached again.
            top = max(0, len(self._lines) - self.rows)
            self._row = max(top, self._row - int(parameters or 1))
        elif final == "K" and parameters == "2":
            self._lines[self._row] = []
        elif final in "hl" and parameters == "?25":
            self.cursor_shown = final == "h"
        else:
            assert final == "m", f"an unknown sequence: {parameters}{final}"


class Terminal:
    """A context in which `python ARGS` runs with standard error, and if asked standard output, on a terminal."""

    def __init__(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        columns: int = 80,
        rows: int = 24,
        output: bool = False,
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key not in ("CI", "COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR")
        }
        self.screen = Screen(columns, rows)
        self.written = ""
        self._terminal = ours
        self._process = subprocess.Popen(
            [sys.executable, *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=theirs if output else subprocess.PIPE,
            stderr=theirs,
            env={**inherited, **SETTINGS, "NO_COLOR": "", "TERM": "xterm-256color", **(env or {})},
        )
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:
            os.close(self._terminal)

    def feed(self, data: bytes) -> None:
        """Write to its standard input, which stays open."""
        assert self._process.stdin
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def until(self, true: Callable[[Screen], bool]) -> None:
        """Read what it writes to the terminal until the screen is as awaited."""
        end = time.monotonic() + _LIMIT
        while not true(self.screen):
            assert time.monotonic() < end, f"never came: {self.written[-400:]!r}"
            assert self._read(), f"ended first: {self.written[-400:]!r}"

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Close its standard input and let it end; the exit code, and what it wrote to standard output if that is a pipe."""
        process = self._process
        assert process.stdin
        process.stdin.close()
        while self._read():
            pass
        out = process.stdout.read() if process.stdout else b""
        return process.wait(_LIMIT), out.decode()

    def _read(self) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], 0.1)
        if not ready:
            return True
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:  # EIO: nobody has the other side open any more
            return False
        text = data.decode()
        self.written += text
        self.screen.write(text)
        return bool(data)
