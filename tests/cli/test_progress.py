"""Progress on a terminal: what a person sees while layers are read, and that nothing of it is left or comes elsewhere."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from secpipe import cli
from secpipe.cli import _progress
from tests.support.advisories import build_database
from tests.support.cli import secpipe
from tests.support.images import BuiltLayer, files, image, write_docker_archive, write_layout
from tests.support.packages import apk, os_release
from tests.support.terminal import Screen, Terminal

BASE = BuiltLayer(
    files(
        {
            "etc/os-release": os_release("alpine", "3.18.4"),
            "lib/apk/db/installed": apk([("libssl3", "3.1.3-r0", "openssl"), ("musl", "1.2.4-r1", "musl")]),
        }
    )
)
LARGE = BuiltLayer(files({"large": bytes(range(256)) * 12_000}), compression="none")
BUILT = image([BASE, LARGE])
LARGE_NAME = json.loads(BUILT.manifest)["layers"][1]["digest"][7:19]
# Below the program as it is, a disk that stands still in the midst of a large file until something comes on standard input.
HALTING = """
import signal
import sys
from secpipe.oci import layout

read = layout.Directory.stream

def halting(self, name):
    for number, chunk in enumerate(read(self, name)):
        if number == 2:
            sys.stdin.readline()
        yield chunk

# Who runs the tests in the background has them begin with it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
layout.Directory.stream = halting
from secpipe.cli import main
main()
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"oci:{write_layout(tmp_path / 'layout', {'t': BUILT})}:t"


def scan(target: str, database: Path) -> tuple[str, ...]:
    return ("scan", target, "--db", str(database), "--platform", "linux/amd64", "--no-cache", "-f", "json")


def halting(*args: str, columns: int = 80, output: bool = False, **env: str) -> Terminal:
    return Terminal("-c", HALTING, *args, columns=columns, output=output, env=env)


def reading(screen: Screen) -> bool:
    return LARGE_NAME in screen.text and "B/s" in screen.text


def test_a_scan_shows_each_layer_and_leaves_only_its_report(target: str, database: Path) -> None:
    quiet = secpipe(*scan(target, database))
    with halting(*scan(target, database)) as terminal:
        terminal.until(reading)
        first, second = terminal.screen.text.splitlines()
        code, output = terminal.end()
    assert first.startswith("layers 1/2 ")
    assert f" 524.3 kB of {len(LARGE.blob) / 1e6:>5.1f} MB " in second
    assert (code, output) == (quiet.code, quiet.stdout)
    assert terminal.screen.text == quiet.stderr.rstrip()
    assert terminal.screen.cursor_shown
    assert terminal.screen.wrapped == 0
    assert "\x1b[36m" in terminal.written


def test_a_report_on_the_same_terminal_stands_alone(target: str) -> None:
    ls = ("image", "ls", target, "--platform", "linux/amd64")
    with halting(*ls, output=True, NO_COLOR="1") as terminal:
        terminal.until(reading)
        code, _ = terminal.end()
    assert (code, terminal.screen.text) == (0, secpipe(*ls).stdout.rstrip())
    assert "\x1b[36m" not in terminal.written


def test_one_file_is_written_behind_progress(target: str) -> None:
    with halting("image", "cat", target, "etc/os-release", "--platform", "linux/amd64") as terminal:
        terminal.until(reading)
        assert terminal.end() == (0, os_release("alpine", "3.18.4"))
    assert terminal.screen.text == ""


def test_a_pipe_shows_what_came_through(tmp_path: Path, database: Path) -> None:
    data = write_docker_archive(tmp_path / "a.tar", {"a:1": BUILT}).read_bytes()
    with Terminal("-m", "secpipe", *scan("-", database)) as terminal:
        terminal.feed(data[:100_000])
        terminal.until(lambda screen: "standard input" in screen.text and "100.0 kB" in screen.text)
        shown = terminal.screen.text
        terminal.feed(data[100_000:])
        code, output = terminal.end()
    assert "%" not in shown
    assert " of " not in shown
    assert code == 1
    assert json.loads(output)["verdict"] == "failed"
    assert terminal.screen.text == secpipe(*scan("-", database), stdin=data).stderr.rstrip()


def test_an_error_in_the_midst_stands_on_a_clean_line(target: str, tmp_path: Path, database: Path) -> None:
    digest = json.loads(BUILT.manifest)["layers"][1]["digest"][7:]
    blob = tmp_path / "layout" / "blobs" / "sha256" / digest
    blob.write_bytes(blob.read_bytes()[:-1] + b"\xff")
    with halting(*scan(target, database), columns=1000) as terminal:
        terminal.until(reading)
        assert terminal.end() == (3, "")
    assert terminal.screen.text == secpipe(*scan(target, database)).stderr.rstrip()
    assert terminal.screen.text.startswith("error: ")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, ""), (signal.SIGTERM, 143, "error: ended by SIGTERM, before there was a result")],
)
def test_a_program_that_is_stopped_leaves_a_cursor(
    target: str, database: Path, number: int, code: int, said: str
) -> None:
    with halting(*scan(target, database)) as terminal:
        terminal.until(reading)
        terminal.signal(number)
        assert terminal.end() == (code, "")
    assert terminal.screen.cursor_shown
    assert terminal.screen.text == said


def test_an_interrupt_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(args: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_nothing_is_shown_where_nobody_looks(target: str, database: Path) -> None:
    with halting(*scan(target, database), CI="true", FORCE_COLOR="1") as terminal:
        time.sleep(1.5)
        assert terminal.end()[0] == 1
    assert terminal.written.replace("\r", "") == secpipe(*scan(target, database)).stderr


def test_nothing_is_shown_and_nothing_loaded_without_a_terminal(target: str, database: Path) -> None:
    program = HALTING.replace(
        "import main\nmain()", "import run\nrun()\nprint('rich' in sys.modules, file=sys.stderr)"
    )
    env = {**os.environ, "FORCE_COLOR": "1", "TTY_INTERACTIVE": "1", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *scan(target, database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in env.items() if name != "CI"},
    )
    time.sleep(1.5)
    _, said = process.communicate(b"", timeout=60)
    assert said.decode() == secpipe(*scan(target, database)).stderr + "False\n"


@pytest.mark.parametrize("columns", [40, 7])
def test_no_line_is_wider_than_the_terminal(target: str, columns: int) -> None:
    with halting("image", "ls", target, "/none", "--platform", "linux/amd64", columns=columns) as terminal:
        terminal.until(lambda screen: len(screen.text.splitlines()) == 2)
        terminal.end()
    screen = Screen(columns)
    screen.write(terminal.written.partition("error")[0])
    assert (screen.text, screen.wrapped) == ("", 0)


# ---------------------------------------------------------------- the accounting and the lines, without a process


@pytest.mark.parametrize(
    ("terminal", "env", "expected"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, True),
        (True, {"CI": ""}, True),
        (True, {"CI": "false"}, True),
        (True, {"CI": "true"}, False),
        (True, {"CI": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": ""}, False),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_where_progress_is_wanted(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, env: dict[str, str], expected: bool
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert _progress.wanted() == expected
    before = threading.active_count()
    with _progress.shown() as progress:
        assert (progress is not None) == expected
        assert threading.active_count() == before + expected
    assert threading.active_count() == before


def test_what_is_quick_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(_progress, "wanted", lambda: True)
    with _progress.shown() as progress:
        assert progress
        with progress.reading("layer", 10) as add:
            add(10)
    assert stream.getvalue() == ""


def test_a_terminal_that_is_gone_costs_nothing_but_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            tried.set()
            raise OSError(5, "Input/output error")

    tried = threading.Event()
    monkeypatch.setattr(sys, "stderr", Gone())
    monkeypatch.setattr(_progress, "wanted", lambda: True)
    with _progress.shown() as progress:
        assert progress
        with progress.reading("layer", 10):
            assert tried.wait(30)


def frame(
    display: _progress.Display, monkeypatch: pytest.MonkeyPatch, columns: int = 80, lines: int = 24
) -> list[str]:
    """The lines that are drawn when things are as they are now."""
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        for name, value in {"COLUMNS": columns, "LINES": lines, "TERM": "xterm", "NO_COLOR": 1}.items():
            patch.setenv(name, str(value))
        bars = _progress._bars()
        with bars:
            _progress._Frame(bars).show(display)
            screen = Screen(columns, lines)
            screen.write(stream.getvalue().replace("\n", "\r\n"))
    assert screen.wrapped == 0
    return screen.text.splitlines()


def test_layers_are_counted_by_many_threads() -> None:
    display = _progress.Display()
    display.image(40)
    display.image(24)

    def read(number: int) -> None:
        with display.reading(f"{number}", 10_000) as add:
            for _ in range(10_000):
                add(1)
            counts.append(next(one.read for one in display.under_way() if one.what == f"{number}"))
        display.layer(number % 4 == 0)

    counts: list[int] = []
    threads = [threading.Thread(target=read, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [10_000] * 64
    assert display.under_way() == []
    assert display.total() == ("layers 64/64, 16 cached", 64, 64)


def test_as_many_layers_as_fit_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    display = _progress.Display()
    display.image(200)
    with ExitStack() as stack:
        for number in range(150):
            stack.enter_context(display.reading(f"{number:012}", 10))(5)
        shown = frame(display, monkeypatch, lines=10)
        assert len(shown) == 9
        assert shown[0] == "layers 0/200"
        assert shown[1].startswith("000000000000 ")
        assert len(frame(display, monkeypatch, lines=1)) == 1
    assert len(frame(display, monkeypatch, lines=10)) == 1


def test_a_failure_ends_what_was_read() -> None:
    display = _progress.Display()
    with pytest.raises(OSError, match="cut"), display.reading("layer", 10):
        raise OSError("cut")
    assert display.under_way() == []


@pytest.mark.parametrize("columns", [5, 12, 30, 66, 80, 300])
def test_names_cannot_drive_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    display = _progress.Display()
    display.image(1)
    names = {
        "\x1b[2J\x1b]0;title\x07[red]a[/]": "\\x1b[2J\\x1b]0;title\\",
        "a\r\nb\u202ec": "a\\r\\nb\\u202ec ",
        "\ud800": "\\ud800 ",
        ":warning:" * 20: ":warning::warning:",
        "a b " * 50: "a b a b a b",
    }
    for name, shown in names.items():
        with display.reading(name, None) as add:
            add(123_456)
            # Screen refuses every control sequence that rich does not draw with.
            lines = frame(display, monkeypatch, columns)
        assert len(lines) == 2
        if columns >= 80:
            assert lines[1].startswith(shown)
            assert " 123.5 kB" in lines[1]
